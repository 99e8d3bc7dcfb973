/**
 * One webhook as HTTP reaches it. The body is received whole before the call begins, as a JSON body is, and handed on as
 * it came: what is signed are its bytes.
 *
 * | status | |
 * |---|---|
 * | 202 | it is stored, and what follows from it is under way |
 * | 204 | it was stored before, or there is nothing to tell |
 * | 401 | the signature does not fit, with the reason |
 * | 400, 408, 413, 415, 429, 503 | as everywhere |
 */
import type { Operation } from "../contract/index.ts";
import { type Handler, type PostedMessage, WebhookCall } from "../calls/index.ts";
import { type Clock, Fault, type IdSource } from "../kernel/index.ts";
import type { AddressOf } from "../trust/index.ts";
import type { SpanShape } from "../telemetry/index.ts";
import { encodingRefusal, parseJson } from "./body.ts";
import { continuedBy, serverShape } from "./server-span.ts";
import { AwaitedBody, type HttpAnswer, type HttpReply, type HttpRequest } from "./ports.ts";
import { pushRateLimits } from "./rate-limit-headers.ts";
import { toProblem } from "./problem.ts";
import { securityHeaders } from "./security-headers.ts";

export interface WebhookRoute {
  readonly path: string;
  readonly bodyMaxBytes: number;
  readonly operation: Operation;
  /** The compiled pipeline; it answers `stored`, `known` or `nothing`. */
  readonly handler: Handler;
}

export interface BoundWebhookOptions {
  readonly route: WebhookRoute;
  /** Whoever sent a request, behind proxies too. */
  readonly addressOf: AddressOf;
  readonly clock: Clock;
  readonly ids: IdSource;
}

const noBytes = new Uint8Array();

export class BoundWebhook {
  readonly #options: BoundWebhookOptions;
  readonly #shape: SpanShape;

  constructor(options: BoundWebhookOptions) {
    const { operation, path } = options.route;
    this.#options = options;
    this.#shape = serverShape(operation, { method: "POST", path, status: 202 });
  }

  /** Answers every request, failures included. */
  answer(request: HttpRequest): HttpReply {
    const refusal = encodingRefusal(request);
    if (refusal !== undefined) return this.#call(request, refusal);
    if (!request.hasBody) return this.#call(request, noBytes);
    return new AwaitedBody(this.#options.route.bodyMaxBytes, (body) => this.#call(request, body));
  }

  /** @param body  The bytes, or why they cannot be had. */
  async #call(request: HttpRequest, body: Uint8Array | Fault): Promise<HttpAnswer> {
    const { addressOf, clock, ids, route } = this.#options;
    const posted = postedMessage(request, body instanceof Fault ? noBytes : body);
    const start = { operation: route.operation, id: ids(), startedAtMs: clock.elapsedMs(), input: () => assertReceived(body), address: addressOf(request), continues: continuedBy(request), shape: this.#shape };
    const call = new WebhookCall(start, posted);
    if (body instanceof Fault && body.code === "canceled") call.cancel(body);
    else request.onClose(() => call.cancel());
    try {
      return toAnswer(call.id, await route.handler(call));
    } catch (thrown) {
      const answer = toProblem(Fault.from(thrown), call.id);
      answer.headers.push("x-request-id", call.id);
      pushRateLimits(answer.headers, call.limits);
      return answer;
    }
  }
}

/** @throws {Fault} why the body cannot be had. */
function assertReceived(body: Uint8Array | Fault): void {
  if (body instanceof Fault) throw body;
}

function postedMessage(request: HttpRequest, body: Uint8Array): PostedMessage {
  return {
    body,
    header: (name) => request.header(name),
    headers() {
      const headers: Record<string, string> = {};
      for (const [name] of request.headers()) headers[name.toLowerCase()] = request.header(name.toLowerCase()) ?? "";
      return headers;
    },
    json() {
      const value = parseJson(body);
      if (value === undefined) throw new Fault("invalid_argument", "the body is empty");
      return value;
    },
  };
}

function toAnswer(callId: string, result: unknown): HttpAnswer {
  return { status: result === "stored" ? 202 : 204, headers: ["cache-control", "no-store", ...securityHeaders, "x-request-id", callId], body: undefined };
}
