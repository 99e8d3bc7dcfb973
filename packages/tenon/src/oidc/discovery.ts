/** Finds where an issuer publishes its keys. */
import { fetchJson, type FetchJsonOptions, IssuerUnreachable } from "./fetch-json.ts";

/** Over which lines keys may come: `https` (and http on this machine), or any. */
export type Transport = "https" | "any";

export interface DiscoveryOptions extends FetchJsonOptions {
  readonly transport: Transport;
}

/**
 * The URL of an issuer's keys, from its metadata.
 *
 * @throws {IssuerUnreachable} no metadata, metadata of another issuer, or keys over a line that anybody could read
 *   and rewrite.
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html section 4
 */
export async function discoverJwksUrl(issuer: string, options: DiscoveryOptions): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: named, jwks_uri: jwksUrl } = await fetchJson(url, options);
  // Section 4.3: "MUST exactly match". A near miss, such as a slash too many, fails every token later: say it now.
  if (named !== issuer) throw new IssuerUnreachable(`${url} speaks for the issuer ${JSON.stringify(named)}, and not for "${issuer}"`);
  if (typeof jwksUrl !== "string") throw new IssuerUnreachable(`${url} has no "jwks_uri"`);
  if (options.transport === "https" && !isSafeUrl(jwksUrl)) throw new IssuerUnreachable(`${url} points to keys at "${jwksUrl}", which is not https`);
  return jwksUrl;
}

/** https, or http to this machine, where nobody stands in between. */
export function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  const isLoopback = url.hostname === "localhost" || url.hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback);
}
