/**
 * Tokens of several issuers, and texts that are no JSON Web Tokens at all: each goes to the one verifier that can tell.
 *
 * Which issuer a token claims to be from is read before anything is verified, and decides nothing but who verifies:
 * that one is pinned to its own issuer, keys, algorithms and audience.
 */
import type { TokenVerifier } from "../trust/index.ts";
import { compactForm, notValid, unauthenticated } from "./verify-token.ts";

export interface SeveralIssuers {
  /** By `iss`, to the letter. */
  readonly byIssuer: ReadonlyMap<string, TokenVerifier>;
  /** For tokens that say nothing by themselves. Left out, they are refused. */
  readonly opaque?: TokenVerifier | undefined;
}

export function severalIssuers({ byIssuer, opaque }: SeveralIssuers): TokenVerifier {
  return {
    async verify(token) {
      if (!compactForm.test(token)) {
        if (opaque === undefined) throw notValid("malformed");
        return opaque.verify(token);
      }
      const verifier = byIssuer.get(issuerIn(token) ?? "");
      if (verifier === undefined) throw unauthenticated("the token is from another issuer", "another_issuer");
      return verifier.verify(token);
    },
  };
}

function issuerIn(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".", 2)[1] ?? "", "base64url").toString("utf8")) as { readonly iss?: unknown } | null;
    if (typeof claims?.iss === "string") return claims.iss;
  } catch (thrown) {
    throw notValid("malformed", thrown as Error);
  }
  throw notValid("no_issuer_named");
}
