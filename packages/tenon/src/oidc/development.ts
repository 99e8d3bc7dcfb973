/**
 * An issuer of tokens for the laptop: one ES256 key in a file, with which the command line signs and the app verifies.
 *
 * Whoever can read the file can be anybody, so this is for development alone. It has no users, no login and no
 * metadata over HTTP.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import type { Clock } from "../kernel/index.ts";
import type { TokenVerifier } from "../trust/index.ts";
import { type DevelopmentKey, openDevelopmentKey } from "./development-key.ts";
import { verifyToken } from "./verify-token.ts";

export const developmentIssuer = "urn:tenon:development";
export const developmentAudience = "tenon";

export interface DevelopmentToken {
  /** Who the caller is: `sub`. */
  readonly subject: string;
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  /** Seconds until it expires. Default 3 600. */
  readonly expiresInS?: number;
  /** Further claims. Those that the other fields set cannot be replaced here. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface DevelopmentIssuer {
  readonly issuer: typeof developmentIssuer;
  readonly audience: typeof developmentAudience;
  /** Where the key is. */
  readonly file: string;
  /** A signed token, ready for `authorization: Bearer`. @throws {RangeError} no subject, or a life of no length. */
  sign(token: DevelopmentToken): Promise<string>;
  readonly verifier: TokenVerifier;
}

/**
 * The issuer whose key is `<directory>/issuer.json`; made, for its owner's eyes only, when it is not there. Processes
 * that open one directory share one key, also when they make it at the same time.
 *
 * @throws {DevelopmentKeyError} the file cannot be read, or is not such a key; says which file, and what to do.
 */
export async function openDevelopmentIssuer(options: { readonly directory: string; readonly clock: Clock }): Promise<DevelopmentIssuer> {
  const { clock, directory } = options;
  const { file, jwk } = await openDevelopmentKey(directory);
  const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
  return {
    issuer: developmentIssuer,
    audience: developmentAudience,
    file,
    sign: (token) => sign(token, { jwk, privateKey, clock }),
    verifier: developmentVerifier(createPublicKey(privateKey), clock),
  };
}

interface Signing {
  readonly jwk: DevelopmentKey;
  readonly privateKey: KeyObject;
  readonly clock: Clock;
}

async function sign(token: DevelopmentToken, { jwk, privateKey, clock }: Signing): Promise<string> {
  const { subject, scopes = [], roles = [], expiresInS = 3_600, claims = {} } = token;
  if (subject === "") throw new RangeError("a token needs a subject");
  if (!(expiresInS > 0 && Number.isFinite(expiresInS))) throw new RangeError(`expiresInS must be a positive number, got ${expiresInS}`);
  const nowS = Math.floor(clock.nowMs() / 1_000);
  const { SignJWT } = await import("jose");
  return new SignJWT({
    ...claims,
    iss: developmentIssuer,
    aud: developmentAudience,
    sub: subject,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
    ...(roles.length === 0 ? {} : { roles: [...roles] }),
    iat: nowS,
    exp: nowS + Math.ceil(expiresInS),
    jti: randomUUID(),
  })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: jwk.kid })
    .sign(privateKey);
}

/** No skew: the clock that signs and the one that verifies are the same. */
function developmentVerifier(publicKey: KeyObject, clock: Clock): TokenVerifier {
  const expected = { issuer: developmentIssuer, audience: [developmentAudience], algorithms: ["ES256"], clockSkewMs: 0, clock };
  return {
    async verify(token) {
      return verifyToken(await import("jose"), token, () => Promise.resolve(publicKey), expected);
    },
  };
}
