/**
 * Tokens that are bound to a key work only for whoever holds it: by a proof that is signed for each request (DPoP, RFC
 * 9449), or by the client's certificate of the TLS connection (RFC 8705). A stolen token alone is worth nothing then.
 *
 * A proof costs a signature of the caller's key, about 0.2 ms, at every call: it is new each time.
 */
import { createHash } from "node:crypto";
import type * as Jose from "jose";
import type { Evidence } from "../calls/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import type { PossessionVerifier } from "../trust/index.ts";
import { hasDuplicateNames } from "./duplicate-names.ts";
import { ProofNonces } from "./proof-nonce.ts";
import { isSameText } from "./same-text.ts";
import { SeenProofs } from "./seen-proofs.ts";
import { asymmetricAlgorithms, compactForm } from "./verify-token.ts";

export interface PossessionOptions {
  readonly clock: Clock;
  /** Algorithms of proofs. Default: every asymmetric one. */
  readonly algorithms?: readonly string[];
  /** How old a proof may be, in ms. Default 60 000. */
  readonly maxAgeMs?: number;
  /** How far the caller's clock may be ahead, in ms. Default 5 000. */
  readonly clockSkewMs?: number;
  /** Asks for nonces, made with this secret; every instance needs the same. Left out: none are asked for. */
  readonly nonceSecret?: string | undefined;
  /** Proofs that are kept in mind. Default 100 000. */
  readonly proofsMax?: number;
}

/** A longer one is refused unread: a proof with an RSA key of 4 096 bits takes 2 000 characters. */
const proofMaxChars = 4_096;
const jtiMaxChars = 256;

export function possessionVerifier(options: PossessionOptions): PossessionVerifier {
  const { clock, algorithms = asymmetricAlgorithms, maxAgeMs = 60_000, clockSkewMs = 5_000, nonceSecret, proofsMax } = options;
  const seen = new SeenProofs({ clock, windowMs: maxAgeMs + clockSkewMs, ...(proofsMax === undefined ? {} : { max: proofsMax }) });
  const nonces = nonceSecret === undefined || nonceSecret === "" ? undefined : new ProofNonces(nonceSecret, clock);
  const checks: ProofChecks = { clock, algorithms, maxAgeMs, clockSkewMs, nonces, seen };

  return {
    async verify(confirmation, { evidence, scheme, token }) {
      const { jkt, "x5t#S256": certificate } = confirmation;
      if (jkt === undefined && certificate === undefined) throw refusal(algorithms, "not_bound", "a token is needed that is bound to a key of the caller");
      if (certificate !== undefined) verifyCertificate(certificate, evidence);
      if (jkt !== undefined) {
        if (scheme !== "DPoP") throw refusal(algorithms, "no_proof", "the token is bound to a key: show it with a DPoP proof");
        await verifyProof(jkt, { evidence, token }, checks);
      } else if (scheme === "DPoP") {
        throw refusal(algorithms, "not_dpop_bound", "the token is not bound to a key that signs proofs"); // RFC 9449 section 7.1
      }
    },
  };
}

interface ProofChecks {
  readonly clock: Clock;
  readonly algorithms: readonly string[];
  readonly maxAgeMs: number;
  readonly clockSkewMs: number;
  readonly nonces: ProofNonces | undefined;
  readonly seen: SeenProofs;
}

/** RFC 9449 section 4.3, in its order. */
async function verifyProof(jkt: string, shown: { readonly evidence: Evidence | undefined; readonly token: string }, checks: ProofChecks): Promise<void> {
  const { algorithms, clock, clockSkewMs, maxAgeMs, nonces, seen } = checks;
  const { evidence, token } = shown;
  const proof = evidence?.proof;
  if (evidence === undefined || proof === undefined) throw badProof(algorithms, "missing");
  // Several headers have come as one list, which is no proof.
  if (proof.length > proofMaxChars || !compactForm.test(proof)) throw badProof(algorithms, "malformed");
  if (isAmbiguous(proof)) throw badProof(algorithms, "ambiguous");
  const jose = await import("jose");
  const { payload, protectedHeader } = await verifiedProof(jose, proof, algorithms);
  const { ath, htm, htu, iat, jti, nonce } = payload;
  if (typeof jti !== "string" || jti === "" || jti.length > jtiMaxChars) throw badProof(algorithms, "no_jti");
  if (htm !== evidence.method) throw badProof(algorithms, "another_method");
  if (evidence.url === "" || !isSameUrl(htu, evidence.url)) throw badProof(algorithms, "another_url");
  const ageMs = typeof iat === "number" ? clock.nowMs() - iat * 1_000 : Number.NaN;
  if (!(ageMs <= maxAgeMs && ageMs >= -clockSkewMs)) throw badProof(algorithms, "out_of_time");
  if (typeof ath !== "string" || !isSameText(ath, digestOf(token))) throw badProof(algorithms, "another_token");
  const thumbprint = await jose.calculateJwkThumbprint(protectedHeader.jwk as Jose.JWK);
  if (!isSameText(thumbprint, jkt)) throw badProof(algorithms, "another_key");
  if (nonces !== undefined && !nonces.accepts(nonce)) throw nonceAsked(algorithms, nonces.current);
  // Last: what was refused for another reason must not take the place of what is genuine.
  const noted = seen.note(digestOf(`${thumbprint}.${jti}`));
  if (noted === "repeated") throw badProof(algorithms, "repeated");
  if (noted === "full") throw new Fault("overloaded", "too many proofs are being shown; try again in a moment", { retryAfterS: 5 });
}

async function verifiedProof(jose: typeof Jose, proof: string, algorithms: readonly string[]): Promise<Jose.JWTVerifyResult> {
  try {
    const verified = await jose.jwtVerify(proof, jose.EmbeddedJWK, { algorithms: [...algorithms], typ: "dpop+jwt", clockTolerance: Number.MAX_SAFE_INTEGER });
    const { jwk } = verified.protectedHeader;
    // Section 4.2: a public key. What holds a private one or a secret was taken from its owner, or made up.
    if (jwk === undefined || "d" in jwk || "k" in jwk) throw badProof(algorithms, "private_key");
    return verified;
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    // Whatever a library says about a key or a signature that a stranger has made is about that stranger.
    throw badProof(algorithms, thrown instanceof jose.errors.JOSEError ? thrown.code : "key_unusable", thrown);
  }
}

/** Scheme, host and path; query and fragment do not count (section 4.3, number 9). */
function isSameUrl(htu: unknown, url: string): boolean {
  const given = typeof htu === "string" ? URL.parse(htu) : null;
  const own = URL.parse(url);
  if (given === null || own === null || given.username !== "" || given.password !== "") return false;
  return given.origin === own.origin && given.pathname === own.pathname;
}

/** RFC 8705 section 3: the certificate of this very connection. That the peer holds its key was proven by TLS. */
function verifyCertificate(thumbprint: string, evidence: Evidence | undefined): void {
  const certificate = evidence?.certificate;
  if (certificate === undefined) throw certificateFault("no_certificate");
  if (!isSameText(createHash("sha256").update(certificate).digest("base64url"), thumbprint)) throw certificateFault("another_certificate");
}

function certificateFault(reason: string): Fault {
  return new Fault("unauthenticated", "the token is bound to a certificate, which has to be shown in TLS", { facts: { reason, challenge: 'Bearer error="invalid_token"' } });
}

function isAmbiguous(proof: string): boolean {
  try {
    return proof.split(".", 2).some((part) => hasDuplicateNames(Buffer.from(part, "base64url").toString("utf8")));
  } catch {
    return true;
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function badProof(algorithms: readonly string[], reason: string, cause?: unknown): Fault {
  const facts = { reason: `proof_${reason}`, challenge: challenge(algorithms, "invalid_dpop_proof") };
  return new Fault("unauthenticated", "the DPoP proof is not valid", { facts, ...(cause === undefined ? {} : { cause }) });
}

function nonceAsked(algorithms: readonly string[], nonce: string): Fault {
  return new Fault("unauthenticated", "the DPoP proof needs the nonce of this server", { facts: { reason: "proof_nonce", challenge: challenge(algorithms, "use_dpop_nonce"), nonce } });
}

function refusal(algorithms: readonly string[], reason: string, message: string): Fault {
  return new Fault("unauthenticated", message, { facts: { reason, challenge: challenge(algorithms, "invalid_token") } });
}

/** RFC 9449 section 7.1. */
function challenge(algorithms: readonly string[], error: string): string {
  return `DPoP error="${error}", algs="${algorithms.join(" ")}"`;
}
