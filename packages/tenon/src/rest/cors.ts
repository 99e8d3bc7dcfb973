/** Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol): which pages of other origins may call. */
import type { HttpAnswer, HttpRequest } from "./ports.ts";

/** How long a browser may keep the answer to a preflight, in s: the longest that any browser honors is a day. */
const preflightMaxAgeS = 7_200;

const exposed = "etag, x-request-id, retry-after, idempotency-replayed, deprecation, sunset";

export class CorsPolicy {
  readonly #origins: ReadonlySet<string>;
  readonly #any: boolean;

  /** @param origins  Such as `https://shop.example`; `*` for any, without credentials. Empty: no page of another origin. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
    this.#any = this.#origins.has("*");
  }

  /** Adds what lets a browser show the answer to the page. The answer to a request without `origin` stays as it is. */
  decorate(request: HttpRequest, answer: HttpAnswer): HttpAnswer {
    const origin = this.#allowed(request);
    if (origin === undefined) return answer;
    answer.headers.push("access-control-allow-origin", origin, "access-control-expose-headers", exposed, "vary", "origin");
    return answer;
  }

  /** The answer to a preflight, or `undefined` when the request is none or the origin is not allowed. */
  preflight(request: HttpRequest, methods: readonly string[]): HttpAnswer | undefined {
    const origin = this.#allowed(request);
    if (origin === undefined || request.header("access-control-request-method") === undefined) return undefined;
    const headers = [
      "access-control-allow-origin", origin,
      "access-control-allow-methods", methods.join(", "),
      "access-control-allow-headers", request.header("access-control-request-headers") ?? "authorization, content-type, idempotency-key",
      "access-control-max-age", String(preflightMaxAgeS),
      "vary", "origin",
    ];
    return { status: 204, headers, body: undefined };
  }

  #allowed(request: HttpRequest): string | undefined {
    if (this.#origins.size === 0) return undefined;
    const origin = request.header("origin");
    if (origin === undefined) return undefined;
    if (this.#any) return "*";
    return this.#origins.has(origin) ? origin : undefined;
  }
}
