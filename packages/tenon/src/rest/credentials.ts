/** What a request shows to say who sends it: a token, a key of the app's own, or the cookie of a signed-in browser. */
import type { Credentials, Evidence } from "../calls/index.ts";
import type { HttpRequest } from "./ports.ts";

export interface CredentialsOptions {
  /**
   * Where callers find the app: `https://shop.example`. `"as asked"` believes the header `host`, which whoever sends
   * the request can choose; `undefined` believes nobody, and proofs that name a URL are not accepted.
   */
  readonly publicOrigin?: string | undefined;
  /** The cookie that sessions of browsers are in. Left out: cookies are not looked at. */
  readonly sessionCookie?: string | undefined;
}

/** RFC 6750 section 2.1. An unknown scheme is passed on as a token that cannot be valid, so that it is refused, not ignored. */
export function credentialsOf(request: HttpRequest, options: CredentialsOptions): Credentials | undefined {
  const authorization = request.header("authorization");
  if (authorization === undefined) return options.sessionCookie === undefined ? undefined : ofCookie(request, options.sessionCookie, options);
  const evidence = (): Evidence => evidenceOf(request, options);
  if (isScheme(authorization, "Bearer ", "bearer ")) return { bearer: authorization.slice(7).trim(), evidence };
  if (isScheme(authorization, "DPoP ", "dpop ")) return { bearer: authorization.slice(5).trim(), scheme: "DPoP", evidence };
  if (isScheme(authorization, "ApiKey ", "apikey ")) return { bearer: authorization.slice(7).trim(), evidence };
  return { bearer: "", evidence };
}

/** Schemes are written in any case (RFC 9110 section 11.1), and nearly always as in their documents. */
function isScheme(authorization: string, usual: string, lower: string): boolean {
  return authorization.startsWith(usual) || authorization.slice(0, lower.length).toLowerCase() === lower;
}

function ofCookie(request: HttpRequest, name: string, options: CredentialsOptions): Credentials | undefined {
  const session = cookieIn(request.header("cookie"), name);
  return session === undefined ? undefined : { session, evidence: () => evidenceOf(request, options) };
}

/** The value of a cookie; `undefined` where it is missing, or there twice: then somebody else has put one there. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  const values = header
    .split(/[;,]/) // lines that were sent apart have been joined by commas
    .map((each) => each.trim())
    .filter((each) => each.startsWith(`${name}=`))
    .map((each) => each.slice(name.length + 1));
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}

function evidenceOf(request: HttpRequest, { publicOrigin }: CredentialsOptions): Evidence {
  return {
    method: request.method,
    url: urlOf(request, publicOrigin),
    proof: request.header("dpop"),
    certificate: request.peerCertificate,
    site: request.header("sec-fetch-site"),
    origin: request.header("origin"),
  };
}

function urlOf(request: HttpRequest, publicOrigin: string | undefined): string {
  if (publicOrigin === undefined || !request.target.startsWith("/")) return "";
  const path = request.target.split("?", 1)[0] ?? "";
  if (publicOrigin !== "as asked") return `${publicOrigin}${path}`;
  const host = request.header("host");
  return host === undefined ? "" : `${request.isSecure === true ? "https" : "http"}://${host}${path}`;
}
