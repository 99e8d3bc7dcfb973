/**
 * Compact JSON Web Signatures with the key of a certificate. The algorithm follows from the key and from nothing else,
 * so a header cannot talk anybody into another one (RFC 8725 section 3.1).
 */
import { type KeyObject, sign, verify } from "node:crypto";

interface Scheme {
  readonly alg: string;
  readonly hash: string | null;
  readonly more: { readonly dsaEncoding?: "ieee-p1363"; readonly padding?: number; readonly saltLength?: number };
}

/** RSA_PKCS1_PSS_PADDING and RSA_PSS_SALTLEN_DIGEST of OpenSSL. */
const pss = { padding: 6, saltLength: -1 } as const;

/** `undefined` for a key that no service should have. */
function schemeOf(key: KeyObject): Scheme | undefined {
  const { asymmetricKeyDetails: details, asymmetricKeyType: type } = key;
  if (type === "ec" && details?.namedCurve === "prime256v1") return { alg: "ES256", hash: "sha256", more: { dsaEncoding: "ieee-p1363" } };
  if (type === "ec" && details?.namedCurve === "secp384r1") return { alg: "ES384", hash: "sha384", more: { dsaEncoding: "ieee-p1363" } };
  if (type === "rsa" && (details?.modulusLength ?? 0) >= 2_048) return { alg: "PS256", hash: "sha256", more: pss };
  if (type === "ed25519") return { alg: "EdDSA", hash: null, more: {} };
  return undefined;
}

/** Whether tokens can be signed with a key: P-256, P-384, Ed25519, or RSA of 2 048 bits and more. */
export function canSign(key: KeyObject): boolean {
  return schemeOf(key) !== undefined;
}

/** @throws {RangeError} the key is of a kind that {@link canSign} refuses. */
export function signToken(type: string, claims: object, key: KeyObject): string {
  const scheme = schemeOf(key);
  if (scheme === undefined) throw new RangeError(`keys of the kind ${key.asymmetricKeyType ?? "unknown"} sign no tokens here`);
  const head = encode({ alg: scheme.alg, typ: type });
  const text = `${head}.${encode(claims)}`;
  return `${text}.${sign(scheme.hash, Buffer.from(text), { key, ...scheme.more }).toString("base64url")}`;
}

/** What a token says; `undefined` unless it is of that type and was signed by the owner of the key. */
export function readToken(type: string, token: string, key: KeyObject): Readonly<Record<string, unknown>> | undefined {
  const scheme = schemeOf(key);
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  if (scheme === undefined || more.length > 0) return undefined;
  // The one header that is written here, byte by byte: nothing in it is read.
  if (head !== encode({ alg: scheme.alg, typ: type })) return undefined;
  if (!verify(scheme.hash, Buffer.from(`${head}.${body}`), { key, ...scheme.more }, Buffer.from(signature, "base64url"))) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, "base64url").toString());
    return typeof claims === "object" && claims !== null && !Array.isArray(claims) ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // signed, and still no JSON: not made here
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
