/**
 * The key of an app's audit trail: an Ed25519 key signs checkpoints (RFC 8032), and a second one that is derived from it
 * (HKDF, RFC 5869) says of each record that a process of the app wrote it, until it is sealed. Whoever has the database
 * and not the key can neither sign nor make records up. Whoever has the public half alone can check the checkpoints.
 */
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, hash, hkdfSync, type KeyObject, sign, timingSafeEqual, verify } from "node:crypto";
import { Fault } from "../kernel/index.ts";

/** Checks what a key has signed. */
export interface AuditPublicKey {
  /** The first 16 hexadecimal digits of SHA-256 over the key (SubjectPublicKeyInfo, DER). */
  readonly id: string;
  isSignatureOf(text: string, signature: Uint8Array): boolean;
}

export interface AuditKey extends AuditPublicKey {
  sign(text: string): Buffer;
  /** Says that whoever has the key has seen this hash. */
  mac(hashed: Uint8Array): Buffer;
  isMacOf(hashed: Uint8Array, mac: Uint8Array): boolean;
  /** PEM, SubjectPublicKeyInfo: for whoever is to check without being able to sign. */
  readonly publicPem: string;
}

/** @param pem  PKCS #8, as `openssl genpkey -algorithm ed25519` writes it. @throws {Fault} `invalid_argument` */
export function parseAuditKey(pem: string): AuditKey {
  const secret = readKey(pem, createPrivateKey, "a private key (PKCS #8, PEM): openssl genpkey -algorithm ed25519");
  const shown = createPublicKey(secret);
  const seed = secret.export({ format: "der", type: "pkcs8" });
  const macKey = Buffer.from(hkdfSync("sha256", seed, "", "tenon audit record", 32));
  const mac = (hashed: Uint8Array): Buffer => createHmac("sha256", macKey).update(hashed).digest();
  return {
    ...toPublicKey(shown),
    publicPem: shown.export({ format: "pem", type: "spki" }),
    sign: (text) => sign(undefined, Buffer.from(text), secret),
    mac,
    isMacOf: (hashed, given) => given.byteLength === 32 && timingSafeEqual(mac(hashed), given),
  };
}

/** @param pem  The public half, or the private key it belongs to. @throws {Fault} `invalid_argument` */
export function parseAuditPublicKey(pem: string): AuditPublicKey {
  return toPublicKey(readKey(pem, createPublicKey, "a public key (PEM): openssl pkey -in audit-key.pem -pubout"));
}

/** A new key, as PEM. */
export function createAuditKeyPem(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
}

function toPublicKey(key: KeyObject): AuditPublicKey {
  return {
    id: hash("sha256", key.export({ format: "der", type: "spki" }), "hex").slice(0, 16),
    isSignatureOf: (text, signature) => verify(undefined, Buffer.from(text), key, signature),
  };
}

function readKey(pem: string, read: (pem: string) => KeyObject, what: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = read(pem);
  } catch {
    key = undefined; // what it says may quote the key
  }
  if (key?.asymmetricKeyType !== "ed25519") throw new Fault("invalid_argument", `the audit key has to be ${what}`);
  return key;
}
