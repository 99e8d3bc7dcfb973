/**
 * One operation as HTTP reaches it: a request becomes a call, and what the call answers becomes a response.
 *
 * A JSON body is received before the call begins, and parsed within it, once it is known that the caller may call.
 * A peer that sends slowly then takes none of the places that admission gives to calls, and its slowness is not counted
 * as the service's. What is wrong with a request is told by the call too, so that it is recorded, and so that whoever
 * may not call at all hears of that first.
 */
import { type Bytes, hasJsonBody, type Operation, type OperationDescription } from "../contract/index.ts";
import { Call, type Handler, isPromise } from "../calls/index.ts";
import { type Clock, Fault, type IdSource, type Log } from "../kernel/index.ts";
import type { AddressOf } from "../trust/index.ts";
import type { SpanShape } from "../telemetry/index.ts";
import { encodingRefusal, jsonRefusal } from "./body.ts";
import { credentialsOf, type CredentialsOptions } from "./credentials.ts";
import { createEncoder, type Encoder } from "./encode.ts";
import { type InputReader, inputReader } from "./input.ts";
import { isOneOf, preferredType } from "./negotiate.ts";
import { continuedBy, serverShape } from "./server-span.ts";
import { AwaitedBody, type HttpAnswer, type HttpReply, type HttpRequest } from "./ports.ts";
import { toProblem } from "./problem.ts";
import { pushRateLimits } from "./rate-limit-headers.ts";

export interface BoundOperationOptions extends CredentialsOptions {
  readonly operation: Operation;
  readonly description: OperationDescription;
  /** The compiled pipeline of the operation. */
  readonly handler: Handler;
  /** Whoever sent a request, behind proxies too. */
  readonly addressOf: AddressOf;
  readonly bodyMaxBytes: number;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Log;
}

/** Where the router found the fields of the URL. */
export interface Found {
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly query: string;
}

/** What has come of a JSON body: its bytes, nothing, or why it cannot be had. */
type Received = Uint8Array | Fault | undefined;

/** `accept` headers whose choice is remembered: those of a few kinds of clients. */
const acceptsMax = 64;

export class BoundOperation {
  readonly #options: BoundOperationOptions;
  readonly #encoder: Encoder;
  readonly #read: InputReader;
  readonly #readsJson: boolean;
  readonly #shape: SpanShape | undefined;
  readonly #typeByAccept = new Map<string, string | undefined>();

  constructor(options: BoundOperationOptions) {
    const { clock, description, log, operation } = options;
    this.#options = options;
    this.#encoder = createEncoder(operation, description, { clock, log });
    this.#read = inputReader(description);
    this.#readsJson = hasJsonBody(description);
    this.#shape = description.http === undefined ? undefined : serverShape(operation, description.http);
  }

  /** Answers every request, failures included. */
  answer(request: HttpRequest, found: Found): HttpReply {
    if (!this.#readsJson || !request.hasBody) return this.#call(request, found, undefined);
    const refusal = jsonRefusal(request);
    if (refusal !== undefined) return this.#call(request, found, refusal);
    return new AwaitedBody(this.#options.bodyMaxBytes, (body) => this.#call(request, found, body));
  }

  #call(request: HttpRequest, found: Found, body: Received): HttpAnswer | Promise<HttpAnswer> {
    const { addressOf, clock, handler, ids, operation } = this.#options;
    const type = this.#typeFor(request.header("accept"));
    const timeoutMs = parseTimeout(request.header("request-timeout-ms"));
    const call = new Call({
      operation,
      id: ids(),
      startedAtMs: body === undefined ? request.receivedAtMs : clock.elapsedMs(),
      input: () => {
        const refusal = body instanceof Fault ? body : this.#refusal(request, type, timeoutMs);
        if (refusal !== undefined) throw refusal;
        return this.#read({ request, path: found.path, query: found.query, body: body as Uint8Array | undefined });
      },
      body: operation.body === undefined ? undefined : toUpload(operation.body.maxBytes, request),
      credentials: credentialsOf(request, this.#options),
      idempotencyKey: operation.kind === "command" ? request.header("idempotency-key") : undefined,
      timeoutMs: Number.isNaN(timeoutMs) ? undefined : timeoutMs,
      address: addressOf(request),
      continues: continuedBy(request),
      baggage: request.header("baggage"),
      shape: this.#shape,
    });
    // Nobody waits for the answer to a body that broke off; the call is made to be recorded.
    if (body instanceof Fault && body.code === "canceled") call.cancel(body);
    else request.onClose(() => call.cancel());

    let result: unknown;
    try {
      result = handler(call);
    } catch (thrown) {
      return this.#failed(thrown, call, request);
    }
    if (!isPromise(result)) return this.#encode(call, result, { type: type ?? "", request });
    return result.then(
      (value) => this.#encode(call, value, { type: type ?? "", request }),
      (thrown: unknown) => this.#failed(thrown, call, request),
    );
  }

  #encode(call: Call, value: unknown, how: { readonly type: string; readonly request: HttpRequest }): HttpAnswer {
    try {
      return this.#encoder.encode(call, value, { type: how.type, ifNoneMatch: how.request.header("if-none-match") });
    } catch (error) {
      this.#options.log.error("an answer could not be written", { operation: call.operation.id, call: call.id, error });
      return this.#failed(error, call, how.request);
    }
  }

  #failed(thrown: unknown, call: Call, request: HttpRequest): HttpAnswer {
    let fault = Fault.from(thrown);
    // The time was spent on waiting for the caller.
    if (fault.code === "deadline_exceeded" && request.isReceiving) fault = new Fault("request_timeout", "the body took too long to arrive", { cause: fault });
    let answer: HttpAnswer;
    try {
      answer = toProblem(fault, call.id);
    } catch (error) {
      // The data of a declared failure may be anything where its schema allows anything.
      this.#options.log.error("a failure could not be written", { operation: call.operation.id, call: call.id, error });
      answer = toProblem(Fault.from(error), call.id);
    }
    answer.headers.push("x-request-id", call.id);
    pushRateLimits(answer.headers, call.limits);
    return answer;
  }

  #typeFor(accept: string | undefined): string | undefined {
    const { offered } = this.#encoder;
    if (offered.length === 0) return "";
    if (accept === undefined || accept === "*/*" || accept === offered[0]) return offered[0]; // most callers, without a look-up
    const known = this.#typeByAccept.get(accept);
    if (known !== undefined || this.#typeByAccept.has(accept)) return known;
    const type = preferredType(accept, offered);
    if (this.#typeByAccept.size >= acceptsMax) this.#typeByAccept.clear();
    this.#typeByAccept.set(accept, type);
    return type;
  }

  /** What is wrong with the request besides its fields. */
  #refusal(request: HttpRequest, type: string | undefined, timeoutMs: number | undefined): Fault | undefined {
    const { operation } = this.#options;
    if (type === undefined) return new Fault("not_acceptable", `${operation.id} answers ${this.#encoder.offered.join(" or ")}`);
    if (Number.isNaN(timeoutMs)) return new Fault("invalid_argument", "request-timeout-ms is a whole number of milliseconds, from 1");
    return operation.body === undefined ? undefined : uploadRefusal(operation.id, operation.body, request);
  }
}

/** Milliseconds; `NaN` for a text that says none. */
function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^[1-9]\d{0,7}$/.test(text) ? Number(text) : Number.NaN;
}

function toUpload(maxBytes: number, request: HttpRequest): Bytes {
  const announced = request.header("content-length");
  return {
    mediaType: (request.header("content-type") ?? "application/octet-stream").toLowerCase(),
    content: request.streamBody(maxBytes),
    length: announced === undefined ? undefined : Number(announced),
  };
}

/** Before a byte of it is taken. */
function uploadRefusal(id: string, { maxBytes, mediaTypes }: { readonly maxBytes: number; readonly mediaTypes: readonly string[] }, request: HttpRequest): Fault | undefined {
  if (!isOneOf(request.header("content-type") ?? "application/octet-stream", mediaTypes)) {
    return new Fault("unsupported_media_type", `${id} takes ${mediaTypes.join(", ")}`);
  }
  if (Number(request.header("content-length") ?? 0) > maxBytes) {
    return new Fault("payload_too_large", `the body is larger than ${maxBytes} bytes`);
  }
  return encodingRefusal(request);
}
