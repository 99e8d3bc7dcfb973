/**
 * Whether the certificate of the other side is that of a service. What TLS itself has checked by then: the chain up to
 * the bundle, the times of every certificate in it, and that it may be used for this side of a connection.
 *
 * What is left is what SPIFFE asks for: exactly one URI, in our trust domain, that names a service we know; not an
 * authority's own certificate; not withdrawn. Times are looked at again, because connections outlive certificates.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md "Validation"
 */
import type { X509Certificate } from "node:crypto";
import type { Identities } from "./ports.ts";
import type { IdPattern } from "./spiffe.ts";

export interface PeerRules {
  readonly pattern: IdPattern;
  readonly identities: Pick<Identities, "isRevoked">;
  /** Who may be on the other side at all: the services of the app. */
  readonly services: ReadonlySet<string>;
}

export interface Peer {
  readonly service: string;
  readonly id: string;
  readonly serial: string;
  readonly thumbprint: string;
  readonly expiresAtMs: number;
}

/** Why a certificate is refused; for logs, never for the other side. */
export class PeerRefusal {
  readonly reason: string;
  /** What the certificate says of itself, where it says it well. */
  readonly id: string;

  constructor(reason: string, id = "") {
    this.reason = reason;
    this.id = id;
  }
}

const clientAuth = "1.3.6.1.5.5.7.3.2";
const serverAuth = "1.3.6.1.5.5.7.3.1";

/** How far clocks may be apart, in ms. Only for the beginning of a certificate: its end is its end. */
const skewMs = 60_000;

/** @param side  What the other side is. */
export function toPeer(certificate: X509Certificate, { identities, pattern, services }: PeerRules, { nowMs, side }: { readonly nowMs: number; readonly side: "client" | "server" }): Peer | PeerRefusal {
  const id = uriOf(certificate);
  if (id instanceof PeerRefusal) return id;
  const service = pattern.serviceOf(id);
  if (service === undefined) return new PeerRefusal(id.startsWith(`spiffe://${pattern.trustDomain}/`) ? "not the id of a service" : "another trust domain", id);
  if (!services.has(service)) return new PeerRefusal("not a service of this app", id);
  if (certificate.ca) return new PeerRefusal("the certificate of an authority, not of a service", id);
  const usages = certificate.keyUsage as readonly string[] | undefined;
  if (usages !== undefined && !usages.includes(side === "client" ? clientAuth : serverAuth)) return new PeerRefusal(`not for use as a ${side}`, id);
  const expiresAtMs = certificate.validToDate.getTime();
  if (nowMs >= expiresAtMs) return new PeerRefusal("expired", id);
  if (nowMs < certificate.validFromDate.getTime() - skewMs) return new PeerRefusal("not valid yet", id);
  const serial = certificate.serialNumber.toUpperCase();
  if (identities.isRevoked(serial, id)) return new PeerRefusal("revoked", id);
  return { service, id, serial, thumbprint: thumbprintOf(certificate), expiresAtMs };
}

/** `x5t#S256` of RFC 8705 section 3.1. */
export function thumbprintOf(certificate: X509Certificate): string {
  return Buffer.from(certificate.fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
}

/**
 * The one URI of a certificate. Node puts values with special characters in quotes, which no SPIFFE id needs: a text
 * with quotes in it is refused whole, so that nothing inside of them is taken for an entry.
 */
function uriOf({ subjectAltName }: X509Certificate): string | PeerRefusal {
  if (subjectAltName === undefined || subjectAltName.includes('"')) return new PeerRefusal("no SPIFFE id");
  const uris = subjectAltName.split(", ").filter((entry) => entry.startsWith("URI:"));
  const [only] = uris;
  if (only === undefined) return new PeerRefusal("no SPIFFE id");
  return uris.length === 1 ? only.slice("URI:".length) : new PeerRefusal("more than one URI");
}
