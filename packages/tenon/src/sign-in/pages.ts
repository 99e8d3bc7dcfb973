/**
 * Where browsers sign in and out, below `/auth`:
 *
 *     GET  /auth/sign-in?to=/cart   to the issuer, and by way of /auth/callback to /cart
 *     GET  /auth/callback           where the issuer sends people back to
 *     POST /auth/sign-out           ends the session, here and at the issuer, and comes back to /; tells a script where to go
 *     GET  /auth/session            who is signed in, for pages: { "signedIn": true, "subject": "…" }
 *
 * What a sign-in needs to remember until the browser comes back stands in a cookie of that browser, so that nobody can
 * finish in one browser what was begun in another one.
 */
import { createHash, randomBytes } from "node:crypto";
import { Fault, type Log } from "../kernel/index.ts";
import { isSameText } from "../oidc/index.ts";
import { toProblem } from "../rest/index.ts";
import { assertSameSite } from "../trust/index.ts";
import type { RelyingParty } from "./relying-party.ts";
import { sessionCookie } from "./session-cookie.ts";
import type { Sessions } from "./sessions.ts";

export interface SignInOptions {
  readonly sessions: Sessions;
  readonly party: RelyingParty;
  /** `https://shop.example`. */
  readonly publicOrigin: () => string;
  readonly lifeMs: number;
  readonly log: Log;
}

export const signInPath = "/auth";
const underwayPrefix = "__Host-tenon-sign-in-";
/** How long somebody may take to sign in, in seconds. */
const underwayS = 900;
/** Sign-ins that one browser has begun and not finished: cookies of more are taken back. */
const underwayMax = 5;

/** Begun, and not finished. */
interface Underway {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** A path of the app. */
  readonly to: string;
}

export function signInPages(options: SignInOptions): (request: Request) => Promise<Response> {
  const routes: Readonly<Record<string, (request: Request, url: URL, options: SignInOptions) => Promise<Response>>> = {
    "GET /auth/sign-in": begin,
    "GET /auth/callback": finish,
    "POST /auth/sign-out": signOut,
    "GET /auth/session": tell,
  };
  return async (request) => {
    const url = new URL(request.url);
    const route = routes[`${request.method} ${url.pathname}`];
    try {
      if (route !== undefined) return await route(request, url, options);
      const isOther = Object.keys(routes).some((each) => each.endsWith(` ${url.pathname}`));
      throw new Fault(isOther ? "method_not_allowed" : "not_found", isOther ? `${request.method} is not for this page` : "there is no such page");
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code === "internal") options.log.error("a sign-in failed by a bug", { error: fault.cause ?? fault });
      const { body, headers, status } = toProblem(fault, undefined);
      const pairs: [string, string][] = [];
      for (let at = 0; at + 1 < headers.length; at += 2) pairs.push([headers[at] ?? "", headers[at + 1] ?? ""]);
      return new Response(body, { status, headers: pairs });
    }
  };
}

async function begin(request: Request, url: URL, { party, publicOrigin }: SignInOptions): Promise<Response> {
  const { host } = new URL(publicOrigin());
  if (url.host !== host && !url.searchParams.has("here")) {
    // Under another name of this machine the issuer would send the browser to a place where its cookies are not.
    const there = new URL(`${publicOrigin()}${url.pathname}${url.search}`);
    there.searchParams.set("here", "");
    return new Response(null, { status: 302, headers: { location: there.href, "cache-control": "no-store" } });
  }
  const underway: Underway = { state: text(), nonce: text(), verifier: text(), to: pathOf(url.searchParams.get("to"), publicOrigin()) };
  const challenge = createHash("sha256").update(underway.verifier).digest("base64url");
  const headers = new Headers({ location: await party.authorizationUrl({ state: underway.state, nonce: underway.nonce, challenge }), "cache-control": "no-store", "referrer-policy": "no-referrer" });
  const before = [...cookiesOf(request).keys()].filter((name) => name.startsWith(underwayPrefix));
  if (before.length >= underwayMax) for (const name of before) headers.append("set-cookie", takenBack(name));
  headers.append("set-cookie", cookie(nameOf(underway.state), Buffer.from(JSON.stringify(underway)).toString("base64url"), underwayS));
  return new Response(null, { status: 302, headers });
}

async function finish(request: Request, url: URL, options: SignInOptions): Promise<Response> {
  const { lifeMs, log, party, publicOrigin, sessions } = options;
  const { searchParams } = url;
  for (const name of ["state", "code", "iss", "error"]) if (searchParams.getAll(name).length > 1) throw new Fault("invalid_argument", `the answer of the issuer has several values of ${name}`);
  const state = searchParams.get("state") ?? "";
  const underway = underwayIn(request, state);
  const iss = searchParams.get("iss");
  // RFC 9207 section 2.4: against an issuer that hands out codes of another one.
  if (iss === null ? await party.saysWhoItIs() : iss !== party.issuer) throw new Fault("permission_denied", "the answer to this sign-in is from another issuer", { facts: { reason: "another_issuer" } });
  const headers = new Headers({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
  headers.append("set-cookie", takenBack(nameOf(state)));
  const error = searchParams.get("error");
  if (error !== null) {
    log.info("a sign-in was not finished", { reason: /^[\w-]{1,64}$/.test(error) ? error : "unknown" });
    headers.set("location", `${publicOrigin()}${pathOf(underway.to, publicOrigin())}`);
    return new Response(null, { status: 303, headers });
  }
  const content = await party.redeem(searchParams.get("code") ?? "", underway);
  // Another cookie than before: one that somebody has put into this browser beforehand is worth nothing.
  const former = cookiesOf(request).get(sessionCookie);
  if (former !== undefined) await sessions.end(former);
  headers.append("set-cookie", cookie(sessionCookie, await sessions.begin(content), Math.floor(lifeMs / 1_000)));
  headers.set("location", `${publicOrigin()}${pathOf(underway.to, publicOrigin())}`);
  return new Response(null, { status: 303, headers });
}

async function signOut(request: Request, _url: URL, { log, party, publicOrigin, sessions }: SignInOptions): Promise<Response> {
  const { headers: sent } = request;
  assertSameSite({ method: request.method, url: `${publicOrigin()}/`, proof: undefined, certificate: undefined, site: sent.get("sec-fetch-site") ?? undefined, origin: sent.get("origin") ?? undefined });
  const own = cookiesOf(request).get(sessionCookie);
  const found = own === undefined ? undefined : await sessions.find(own);
  if (own !== undefined) await sessions.end(own);
  const home = `${publicOrigin()}/`;
  // Signed out here, whatever the issuer does.
  const elsewhere = found === undefined ? undefined : await party.signOutUrl(found.content, home).catch((error: unknown) => {
    log.warn("the issuer cannot be told of a sign-out", { error });
    return undefined;
  });
  const headers = new Headers({ "cache-control": "no-store" });
  headers.append("set-cookie", takenBack(sessionCookie));
  // A script goes there itself: what it fetched from another origin it could not read, nor show.
  if (sent.get("accept")?.includes("application/json") === true) return Response.json({ location: elsewhere ?? home }, { headers });
  headers.set("location", elsewhere ?? home);
  return new Response(null, { status: 303, headers });
}

async function tell(request: Request, _url: URL, { sessions }: SignInOptions): Promise<Response> {
  const own = cookiesOf(request).get(sessionCookie);
  const headers = { "cache-control": "no-store", vary: "cookie" };
  if (own === undefined) return Response.json({ signedIn: false }, { headers });
  try {
    const { claims, expiresAtMs } = await sessions.verify(own);
    const { name, roles, sub } = claims;
    return Response.json({ signedIn: true, subject: sub, name: typeof name === "string" ? name : null, roles: Array.isArray(roles) ? roles : [], expiresAt: new Date(expiresAtMs).toISOString() }, { headers });
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== "unauthenticated") throw thrown;
    return Response.json({ signedIn: false }, { headers: { ...headers, "set-cookie": takenBack(sessionCookie) } });
  }
}

/** @throws {Fault} `invalid_argument`: this browser has begun no such sign-in, or too long ago. */
function underwayIn(request: Request, state: string): Underway {
  const unknown = new Fault("invalid_argument", "this browser has not begun that sign-in, or too long ago: begin again", { facts: { reason: "unknown_state" } });
  const kept = state === "" ? undefined : cookiesOf(request).get(nameOf(state));
  if (kept === undefined) throw unknown;
  let underway: Partial<Underway>;
  try {
    underway = JSON.parse(Buffer.from(kept, "base64url").toString("utf8")) as Partial<Underway>;
  } catch (cause) {
    throw new Fault("invalid_argument", unknown.message, { cause });
  }
  const { nonce, state: own, to, verifier } = underway;
  if (typeof own !== "string" || typeof nonce !== "string" || typeof verifier !== "string" || typeof to !== "string") throw unknown;
  if (!isSameText(own, state)) throw unknown;
  return { state, nonce, verifier, to };
}

/** A path of the app, and nothing that leads elsewhere: `//evil.example` would, and `/.//evil.example` comes to that. */
function pathOf(to: string | null, origin: string): string {
  const url = to === null || !to.startsWith("/") ? null : URL.parse(to, origin);
  return url === null || url.origin !== origin || url.pathname.startsWith("//") ? "/" : `${url.pathname}${url.search}${url.hash}`;
}

/** 256 bits. */
function text(): string {
  return randomBytes(32).toString("base64url");
}

function nameOf(state: string): string {
  return `${underwayPrefix}${createHash("sha256").update(state).digest("hex").slice(0, 16)}`;
}

/** `Lax`: it has to come along when the issuer sends the browser back, which is a navigation from another site. */
function cookie(name: string, value: string, lifeS: number): string {
  return `${name}=${value}; Path=/; Max-Age=${lifeS}; HttpOnly; Secure; SameSite=Lax`;
}

function takenBack(name: string): string {
  return cookie(name, "", 0);
}

/** Of a name that is there twice, none: somebody else has put one there. */
function cookiesOf(request: Request): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const twice = new Set<string>();
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at).trim();
    if (at < 0 || name === "") continue;
    if (found.has(name)) twice.add(name);
    found.set(name, pair.slice(at + 1).trim());
  }
  for (const name of twice) found.delete(name);
  return found;
}
