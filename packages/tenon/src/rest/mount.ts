/** Asks a mounted handler of the web's own shape. */
import { Fault } from "../kernel/index.ts";
import type { Mount } from "../service/index.ts";
import type { HttpAnswer, HttpRequest } from "./ports.ts";
import { assertAuthority, type Target } from "./target.ts";

/** Of the connection, not of the answer (RFC 9110 section 7.6.1): the host writes its own. */
const connectionHeaders = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/** The Fetch standard has no requests with these: https://fetch.spec.whatwg.org/#forbidden-method */
const forbiddenMethods = new Set(["CONNECT", "TRACE", "TRACK"]);

/** The mount that takes a path, of several the one with the longest path. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.find((mount) => isUnder(mount, path));
}

/**
 * @param options.maxBytes  Bytes of body that are let through.
 * @throws {Fault} `invalid_argument` for a request that has no URL; what the handler throws.
 */
export async function answerMount(mount: Mount, request: HttpRequest, options: { readonly target: Target; readonly maxBytes: number }): Promise<HttpAnswer> {
  if (forbiddenMethods.has(request.method)) throw new Fault("method_not_allowed", `nothing answers ${request.method} here`);
  const url = urlOf(mount, request, options.target);
  const gone = new AbortController();
  request.onClose(() => gone.abort());
  const init: RequestInit & { duplex?: "half" } = { method: request.method, headers: [...request.headers()].map(([name, value]) => [name, value]), signal: gone.signal };
  if (request.hasBody && request.method !== "GET" && request.method !== "HEAD") {
    init.body = ReadableStream.from(request.streamBody(options.maxBytes)) as unknown as NonNullable<RequestInit["body"]>;
    init.duplex = "half";
  }
  try {
    return toAnswer(await mount.handler(new Request(url, init)));
  } catch (thrown) {
    // Whatever fails after the caller went away has failed because of it.
    throw gone.signal.aborted ? new Fault("canceled", "the caller went away", { cause: thrown }) : thrown;
  }
}

/** Joined by hand: `//host/path` as a reference to be resolved would name another host. */
function urlOf(mount: Mount, request: HttpRequest, { authority, path, query }: Target): URL {
  const host = authority ?? request.header("host") ?? "";
  assertAuthority(host);
  let url: URL;
  try {
    url = new URL(`http://${host === "" ? "localhost" : host}${path}${query === "" ? "" : `?${query}`}`);
  } catch (error) {
    throw new Fault("invalid_argument", "the Host header is not the name of a host", { cause: error });
  }
  // A URL resolves `..`, also where it is written `%2e%2e`: what was routed here would ask for something else.
  if (!isUnder(mount, url.pathname)) throw new Fault("invalid_argument", "the path leaves the place where it was sent");
  return url;
}

function isUnder(mount: Mount, path: string): boolean {
  return mount.path === "/" || path === mount.path || path.startsWith(`${mount.path}/`);
}

function toAnswer(response: Response): HttpAnswer {
  const headers: string[] = [];
  for (const [name, value] of response.headers) {
    if (!connectionHeaders.has(name)) headers.push(name, value);
  }
  // Response.error() has status 0: it is a failed fetch, handed on.
  if (response.status < 200) throw new Fault("unavailable", "the handler answered with a failed fetch");
  return { status: response.status, headers, body: response.body === null ? undefined : (response.body as AsyncIterable<Uint8Array>) };
}
