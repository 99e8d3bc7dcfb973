/** Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol): which pages of other origins may call. */
import type { HttpAnswer, HttpRequest } from "./ports.ts";

/** How long a browser may keep the answer to a preflight, in s: the longest that every browser honors. */
const preflightMaxAgeS = 7_200;

/** What a page may read of an answer besides the few headers that it always may. */
const exposed = "content-disposition, etag, idempotency-replayed, ratelimit, ratelimit-policy, retry-after, sunset, www-authenticate, x-request-id";

export class CorsPolicy {
  readonly #origins: ReadonlySet<string>;
  readonly #any: boolean;

  /** @param origins  Such as `https://shop.example`; `*` for any, without credentials. Empty: no page of another origin. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
    this.#any = this.#origins.has("*");
  }

  /** Whether answers are the same for every origin, and need no more said. */
  get isEmpty(): boolean {
    return this.#origins.size === 0;
  }

  /** Adds what lets a browser show the answer to the page. */
  decorate(request: HttpRequest, answer: HttpAnswer): HttpAnswer {
    if (this.isEmpty || answer.headers.includes("access-control-allow-origin")) return answer; // a mount may have its own policy
    // To every answer where there is a choice of origins: a cache must not hand the answer to one to another.
    if (!this.#any) answer.headers.push("vary", "origin");
    const origin = this.#allowed(request);
    if (origin !== undefined) answer.headers.push("access-control-allow-origin", origin, "access-control-expose-headers", exposed);
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
      "vary", "origin, access-control-request-headers",
    ];
    return { status: 204, headers, body: undefined };
  }

  #allowed(request: HttpRequest): string | undefined {
    const origin = request.header("origin");
    if (origin === undefined) return undefined;
    if (this.#any) return "*";
    return this.#origins.has(origin) ? origin : undefined;
  }
}
