/**
 * Whether a token is one for calling, and not one of the others that an issuer signs with the same key: identity
 * tokens, logout tokens, proofs of possession (RFC 8725 section 3.11).
 *
 * RFC 9068 marks access tokens by the type `at+jwt`. Issuers that follow it can be held to it; many do not, and write
 * `JWT` or nothing on all that they sign. There what a token says tells it apart.
 */
export type AcceptedTypes =
  | "any"
  | "at+jwt"
  /** Identity tokens, for whoever signs somebody in, and none for calling. */
  | "id token";

/** Media types without `application/`, which RFC 7515 section 4.1.9 lets everybody leave out. */
const marked = new Set(["at+jwt", "application/at+jwt"]);
const unmarked = new Set(["jwt", "application/jwt"]);

/** Why a genuine token is none for calling; `undefined` where it is one. */
export function typeProblem(typ: unknown, claims: Readonly<Record<string, unknown>>, accepted: AcceptedTypes): "another_type" | undefined {
  const name = typeof typ === "string" ? typ.toLowerCase() : typ;
  if (typeof name === "string" && marked.has(name)) return accepted === "id token" ? "another_type" : undefined;
  if (accepted === "at+jwt") return "another_type";
  // Left out is allowed (RFC 7515 section 4.1.9), and nobody but the issuer can leave it out.
  const isUnmarked = name === undefined || (typeof name === "string" && unmarked.has(name));
  if (accepted === "id token") return isUnmarked && claims["events"] === undefined ? undefined : "another_type";
  return isUnmarked && !isForSomethingElse(claims) ? undefined : "another_type";
}

/** By claims that access tokens do not have, and by the names that two widespread issuers give to kinds of tokens. */
function isForSomethingElse(claims: Readonly<Record<string, unknown>>): boolean {
  const { at_hash: tokenHash, c_hash: codeHash, events, nonce, token_use: cognitoUse, typ: keycloakType } = claims;
  // OpenID Connect Core sections 3.1.3.6 and 3.3.2.11; RFC 8417 section 2.2.
  if (tokenHash !== undefined || codeHash !== undefined || events !== undefined) return true;
  if (cognitoUse !== undefined && cognitoUse !== "access") return true;
  if (keycloakType !== undefined && keycloakType !== "Bearer" && keycloakType !== "DPoP") return true;
  // Old versions of Keycloak repeat the nonce in access tokens, beside the scopes that identity tokens lack.
  return nonce !== undefined && claims["scope"] === undefined && claims["scp"] === undefined;
}
