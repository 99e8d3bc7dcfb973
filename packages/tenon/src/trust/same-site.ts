/**
 * Whether a request that a cookie came with was sent by a page of the app itself. A browser sends cookies along with
 * requests that any page makes it send; what those could change must not be changed (cross-site request forgery).
 *
 * Browsers say where a page stands (`sec-fetch-site`), and cannot be made to say otherwise by a page. Old ones say at
 * least the page's origin. A request that says neither was sent by something that is no browser and has no business
 * with its cookies.
 *
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
import type { Evidence } from "../calls/index.ts";
import { Fault } from "../kernel/index.ts";

/** Methods that change nothing (RFC 9110 section 9.2.1). What they read, the browser itself keeps from other sites. */
const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** @throws {Fault} `permission_denied` */
export function assertSameSite(evidence: Evidence | undefined): void {
  if (evidence === undefined) throw crossSite();
  const { method, origin, site, url } = evidence;
  if (safeMethods.has(method)) return;
  // Neither a sub-domain nor another port is the app.
  if (site !== undefined && site !== "same-origin") throw crossSite();
  if (origin !== undefined && origin !== URL.parse(url)?.origin) throw crossSite();
  if (site === undefined && origin === undefined) throw crossSite();
}

function crossSite(): Fault {
  return new Fault("permission_denied", "a page of another site may not call with the cookie of a signed-in browser", { facts: { reason: "cross_site" } });
}
