/**
 * Checks one JSON Web Token, the same way for every issuer: RFC 7519, with the advice of RFC 8725 taken.
 *
 * What a token says about its own keys (`jwk`, `jku`, `x5u`, `x5c`) is never looked at, and the algorithm has to be one
 * of a short list that the app names: the two roads by which most forgeries came.
 */
import type * as Jose from "jose";
import { type Clock, Fault, type Log } from "../kernel/index.ts";
import type { VerifiedToken } from "../trust/index.ts";
import { hasDuplicateNames } from "./duplicate-names.ts";
import { type AcceptedTypes, typeProblem } from "./token-type.ts";

/** What a token has to be. */
export interface TokenExpectations {
  /** Exactly the `iss`. */
  readonly issuer: string;
  /** One of these has to be in `aud`. */
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  /** Default `any`. */
  readonly types?: AcceptedTypes | undefined;
  /** How far the issuer's clock may be off, in ms. */
  readonly clockSkewMs: number;
  readonly clock: Clock;
  readonly log?: Log | undefined;
}

export type FindKey = (header: Jose.JWTHeaderParameters) => Promise<Jose.CryptoKey | Jose.KeyObject>;

/** Signing algorithms with a public key (RFC 7518 section 3.1, RFC 8037, RFC 9864). No `none`, and nothing with a shared secret. */
export const asymmetricAlgorithms: readonly string[] = [
  "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
];

/** RFC 7515 section 7.1. Decoders also take spaces and `=`, by which one token would have as many texts as anybody likes. */
export const compactForm = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The last instant that a Date can name: ECMA-262 section 21.4.1.1. */
const timeMaxMs = 8.64e15;

/**
 * What a genuine token says.
 *
 * @throws {Fault} `unauthenticated`
 * @throws {Fault} whatever `findKey` throws
 */
export async function verifyToken(jose: typeof Jose, token: string, findKey: FindKey, expected: TokenExpectations): Promise<VerifiedToken> {
  const { issuer, audience, algorithms, clockSkewMs, clock, log } = expected;
  if (!compactForm.test(token)) throw notValid("malformed");
  if (isAmbiguous(token)) throw notValid("ambiguous");
  let verified: Jose.JWTVerifyResult;
  try {
    verified = await jose.jwtVerify(token, findKey, {
      issuer,
      audience: [...audience],
      algorithms: [...algorithms],
      clockTolerance: clockSkewMs / 1_000,
      currentDate: new Date(clock.nowMs()),
      requiredClaims: ["exp", "sub"],
    });
  } catch (thrown) {
    if (thrown instanceof jose.errors.JOSEError) throw refusal(jose, thrown);
    if (thrown instanceof Fault || !(thrown instanceof Error)) throw thrown;
    // What is left is a key that the issuer publishes and nobody can use: too short, or broken. Anybody can name it in
    // a token, so it must not look like a breakdown; and only whoever runs the issuer can mend it, so the log is told.
    log?.warn("a key of the token issuer cannot be used", { issuer, error: thrown });
    throw notValid("key_unusable", thrown);
  }
  const { payload, protectedHeader } = verified;
  const wrongType = typeProblem(protectedHeader.typ, payload, expected.types ?? "any");
  if (wrongType !== undefined) throw notValid(wrongType);
  const expiresAtMs = (payload.exp ?? 0) * 1_000 + clockSkewMs;
  if (!(expiresAtMs <= timeMaxMs)) throw notValid("no_expiry"); // JSON can write 1e999, which is never
  return { claims: payload, expiresAtMs };
}

/** Whether another reader could read another header or other claims out of the same text. */
function isAmbiguous(token: string): boolean {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return token.split(".", 2).some((part) => {
      const text = decoder.decode(Buffer.from(part, "base64url"));
      JSON.parse(text);
      return hasDuplicateNames(text);
    });
  } catch {
    return true; // no JSON, or no UTF-8 (RFC 7519 section 7.2)
  }
}

/** The message is for anybody; `facts.reason` and the cause are for logs. */
function refusal(jose: typeof Jose, error: Jose.errors.JOSEError): Fault {
  if (error instanceof jose.errors.JWTExpired) return unauthenticated("the token has expired", "expired", error);
  if (error instanceof jose.errors.JWTClaimValidationFailed && error.reason === "check_failed") {
    if (error.claim === "aud") return unauthenticated("the token is for another audience", "another_audience", error);
    if (error.claim === "iss") return unauthenticated("the token is from another issuer", "another_issuer", error);
    if (error.claim === "nbf") return unauthenticated("the token is not valid yet", "not_yet_valid", error);
  }
  return notValid(error.code, error);
}

export function notValid(reason: string, cause?: Error): Fault {
  return unauthenticated("the token is not valid", reason, cause);
}

export function unauthenticated(message: string, reason: string, cause?: Error): Fault {
  return new Fault("unauthenticated", message, { facts: { reason }, ...(cause === undefined ? {} : { cause }) });
}
