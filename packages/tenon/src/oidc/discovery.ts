/** Finds what an issuer publishes of itself: where its keys are, and where it is asked for what. */
import { isSafeUrl } from "../kernel/index.ts";
import { fetchJson, type FetchJsonOptions, IssuerUnreachable } from "./fetch-json.ts";

/** Over which lines keys may come: `https` (and http on this machine), or any. */
export type Transport = "https" | "any";

export interface DiscoveryOptions extends FetchJsonOptions {
  readonly transport: Transport;
}

export type Metadata = Readonly<Record<string, unknown>>;

/**
 * What an issuer says of itself.
 *
 * @throws {IssuerUnreachable} no metadata, or metadata of another issuer.
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html section 4
 */
export async function fetchMetadata(issuer: string, options: DiscoveryOptions): Promise<Metadata> {
  const url = metadataUrlOf(issuer);
  const metadata = await fetchJson(url, options);
  // Section 4.3: "MUST exactly match". A near miss, such as a slash too many, fails every token later: say it now.
  if (metadata["issuer"] !== issuer) throw new IssuerUnreachable(`${url} speaks for the issuer ${JSON.stringify(metadata["issuer"])}, and not for "${issuer}"`);
  return metadata;
}

/**
 * One of the issuer's addresses, by its name in the metadata.
 *
 * @throws {IssuerUnreachable} it is missing, or on a line that anybody could read and rewrite.
 */
export function endpointOf(metadata: Metadata, name: string, { transport }: Pick<DiscoveryOptions, "transport">): string {
  const url = metadata[name];
  const place = metadataUrlOf(String(metadata["issuer"]));
  if (typeof url !== "string") throw new IssuerUnreachable(`${place} has no "${name}"`);
  if (transport === "https" && !isSafeUrl(url)) throw new IssuerUnreachable(`${place} has "${url}" as its "${name}", which is not https`);
  return url;
}

function metadataUrlOf(issuer: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}
