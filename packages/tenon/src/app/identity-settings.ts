/** The settings of who is calling: issuers of tokens, sign-in of browsers, and the issuer that is embedded in development. */
import { anyText, list, oneOf, safeUrl, type SettingsOf, SettingProblem, webUrl, wholeNumber } from "./setting.ts";

export interface IdentityConfig {
  readonly publicUrl: string;
  readonly oidcIssuer: string;
  readonly oidcAudience: string;
  readonly oidcJwksUrl: string;
  readonly oidcAlgorithms: readonly string[];
  readonly oidcTokenTypes: "any" | "at+jwt";
  readonly oidcClockSkewMs: number;
  readonly oidcIntrospection: "on" | "off";
  readonly oidcClientId: string;
  readonly oidcClientSecret: string;
  readonly oidcScopes: string;
  readonly oidcResource: string;
  readonly sessionIdleMin: number;
  readonly sessionLifeH: number;
  readonly dpopNonceSecret: string;
  readonly issuerFile: string;
  readonly issuerPort: number;
}

/** Those of the room of tokens, which is not loaded to read a setting; a test compares the two. */
const asymmetricAlgorithmNames: readonly string[] = "ES256 ES384 ES512 EdDSA Ed25519 PS256 PS384 PS512 RS256 RS384 RS512".split(" ");

/** In the order in which `tenon config` shows them. */
export const identitySettings: SettingsOf<IdentityConfig> = {
  publicUrl: {
    env: "PUBLIC_URL",
    about: "where callers find the app: https://shop.example; proofs of possession and sign-in name it; in development empty is what the request says",
    fallback: "",
    parse: originUrl,
  },
  oidcIssuer: {
    env: "OIDC_ISSUER",
    about: "issuer of tokens; several with commas between, each with =audience where it has one of its own; empty is the local development issuer",
    fallback: "",
    parse: issuers,
  },
  oidcAudience: { env: "OIDC_AUDIENCE", about: "what tokens must be meant for (aud); needed with OIDC_ISSUER", fallback: "", parse: anyText },
  oidcJwksUrl: { env: "OIDC_JWKS_URL", about: "the issuer's keys; empty is what its discovery document says", fallback: "", parse: webUrl },
  oidcAlgorithms: { env: "OIDC_ALGORITHMS", about: "algorithms of tokens, separated by commas: RS256,ES256; empty is every one with a public key", fallback: [], parse: algorithms },
  oidcTokenTypes: {
    env: "OIDC_TOKEN_TYPES",
    about: "at+jwt takes tokens that are marked as access tokens (RFC 9068) and no others; any takes unmarked ones, too",
    fallback: "any",
    parse: oneOf("any", "at+jwt"),
  },
  oidcClockSkewMs: { env: "OIDC_CLOCK_SKEW_MS", about: "how far the issuer's clock may be off", fallback: 5_000, parse: wholeNumber(0, 300_000) },
  oidcIntrospection: {
    env: "OIDC_INTROSPECTION",
    about: "on: tokens that are no JWTs are asked about at the first issuer, with OIDC_CLIENT_ID and OIDC_CLIENT_SECRET",
    fallback: "off",
    parse: oneOf("on", "off"),
  },
  oidcClientId: { env: "OIDC_CLIENT_ID", about: "what the app is called at the first issuer; with it browsers can sign in at /auth/sign-in", fallback: "", parse: anyText },
  oidcClientSecret: { env: "OIDC_CLIENT_SECRET", about: "by what the app shows there that it is that client; empty is a public client", fallback: "", isSecret: true, parse: anyText },
  oidcScopes: { env: "OIDC_SCOPES", about: "what a sign-in asks for, separated by spaces", fallback: "openid profile", parse: scopes },
  oidcResource: { env: "OIDC_RESOURCE", about: "what tokens of a sign-in are to be meant for (RFC 8707), where the issuer has to be told", fallback: "", parse: anyText },
  sessionIdleMin: { env: "SESSION_IDLE_MIN", about: "minutes after which a session that nobody uses is over", fallback: 60, parse: wholeNumber(1, 43_200) },
  sessionLifeH: { env: "SESSION_LIFE_H", about: "hours after which a session is over, however much it is used", fallback: 12, parse: wholeNumber(1, 8_760) },
  dpopNonceSecret: {
    env: "DPOP_NONCE_SECRET",
    about: "32 characters at least, the same in every instance: DPoP proofs need a nonce of the app; empty asks for none",
    fallback: "",
    isSecret: true,
    parse: longSecret,
  },
  issuerFile: { env: "ISSUER_FILE", about: "people and clients of the embedded issuer, which runs in development where OIDC_ISSUER is empty and the file is there", fallback: "issuer.json", parse: anyText },
  issuerPort: { env: "ISSUER_PORT", about: "TCP port of the embedded issuer, or any other where that is taken; 0 lets the system choose", fallback: 3100, parse: wholeNumber(0, 65_535) },
};

/** One issuer, and what tokens of it have to be meant for. */
export interface TrustedIssuer {
  readonly issuer: string;
  readonly audience: readonly string[];
}

/** Those of OIDC_ISSUER, in its order. One that stands there several times has several audiences. */
export function trustedIssuers({ oidcAudience, oidcIssuer }: Pick<IdentityConfig, "oidcAudience" | "oidcIssuer">): readonly TrustedIssuer[] {
  const byIssuer = new Map<string, Set<string>>();
  for (const { audience, issuer } of split(oidcIssuer)) {
    const audiences = byIssuer.get(issuer) ?? new Set();
    const own = audience ?? oidcAudience;
    if (own !== "") audiences.add(own);
    byIssuer.set(issuer, audiences);
  }
  return [...byIssuer].map(([issuer, audience]) => ({ issuer, audience: [...audience] }));
}

/** What is wrong with values that are right each by itself. */
export function identityProblems(config: IdentityConfig & { readonly mode: string }): readonly string[] {
  const issuersSet = trustedIssuers(config);
  const problems: string[] = [];
  if (issuersSet.some(({ audience }) => audience.length === 0)) problems.push("OIDC_AUDIENCE is missing: with OIDC_ISSUER it says which tokens are meant for this app");
  if (issuersSet.length > 1 && config.oidcJwksUrl !== "") problems.push("OIDC_JWKS_URL belongs to one issuer, and OIDC_ISSUER names several: leave it to discovery");
  if (config.oidcIntrospection === "on") {
    if (issuersSet.length === 0) problems.push("OIDC_INTROSPECTION=on needs OIDC_ISSUER: who is to be asked about tokens?");
    if (config.oidcClientId === "" || config.oidcClientSecret === "") problems.push("OIDC_INTROSPECTION=on needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: the issuer answers nobody whom it does not know");
  }
  if (config.oidcClientId !== "" && issuersSet.length === 0) problems.push("OIDC_CLIENT_ID needs OIDC_ISSUER: where is the app a client?");
  if (config.oidcClientId !== "" && config.oidcIntrospection === "off" && config.publicUrl === "" && config.mode === "production") {
    problems.push("PUBLIC_URL is missing: with OIDC_CLIENT_ID it says where people come back to when they have signed in");
  }
  return problems;
}

function split(text: string): readonly { readonly issuer: string; readonly audience: string | undefined }[] {
  return list(text).map((each) => {
    const at = each.lastIndexOf("=");
    return at < 0 ? { issuer: each, audience: undefined } : { issuer: each.slice(0, at), audience: each.slice(at + 1) };
  });
}

function issuers(text: string): string {
  for (const { audience, issuer } of split(text)) {
    webUrl(issuer);
    if (audience === "") throw new SettingProblem("has a = with no audience behind it");
  }
  return text;
}

function algorithms(text: string): readonly string[] {
  const names = list(text);
  const unknown = names.filter((name) => !asymmetricAlgorithmNames.includes(name));
  if (unknown.length > 0) throw new SettingProblem(`must be some of ${asymmetricAlgorithmNames.join(", ")}`);
  return names;
}

function originUrl(text: string): string {
  const url = new URL(webUrl(text));
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "") throw new SettingProblem("must be a scheme and a host, without a path: https://shop.example");
  safeUrl(text);
  return url.origin;
}

function scopes(text: string): string {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (!words.includes("openid")) throw new SettingProblem('must have "openid" among its words: it asks who it is that signs in');
  return words.join(" ");
}

function longSecret(text: string): string {
  if (text.length >= 32) return text;
  throw new SettingProblem("must have 32 characters at least");
}
