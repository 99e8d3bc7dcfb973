/**
 * The two small objects at which every HTTP host meets the platform. A host adapter turns what it has into an
 * {@link HttpRequest} and sends an {@link HttpAnswer}; it decides nothing.
 */
import type { Fault } from "../kernel/index.ts";

export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** The request target as it was sent: `/orders?limit=10`. */
  readonly target: string;
  /** A header's value by lower-case name; several are joined by `, `. */
  header(name: string): string | undefined;
  /** All headers, for handlers of the web's own shape. */
  headers(): Iterable<readonly [string, string]>;
  /** Network address of the peer. */
  readonly address: string;
  /** Whether it came over TLS that ends here. Left out: it did not. */
  readonly isSecure?: boolean;
  /** The certificate that the peer showed in TLS, DER. Whether it is trusted is not said by that. */
  readonly peerCertificate?: Uint8Array | undefined;
  /** The clock's `elapsedMs` when the request was first seen. */
  readonly receivedAtMs: number;
  /** Whether a body was announced. */
  readonly hasBody: boolean;
  /** Whether a part of the body has yet to come. */
  readonly isReceiving: boolean;
  /** The body as it comes. Begun once. @throws {Fault} as an {@link AwaitedBody} is told. */
  streamBody(maxBytes: number): AsyncIterable<Uint8Array>;
  /** Calls `listener` when the caller goes away before the answer has been sent. */
  onClose(listener: () => void): void;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case and values in turn: `["content-type", "text/plain"]`. The answer's own: a host may add to it. */
  readonly headers: string[];
  /**
   * `undefined` is no body. Text is sent as UTF-8. What is iterated is asked for no faster than the caller takes it,
   * and told to stop when the caller goes away. One that fails breaks the connection off; whoever made it tells why.
   */
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array> | undefined;
}

/**
 * Instead of an answer: the body is needed first, whole. The host receives it and goes on with it. Not a promise,
 * because most bodies come with their headers: such a request is answered without leaving the turn that brought it.
 */
export class AwaitedBody {
  /** More is not taken. */
  readonly maxBytes: number;
  /**
   * Called once: with the body, or with why it cannot be had. `payload_too_large` as soon as more than `maxBytes` are
   * announced or have come, `request_timeout` when it comes too slowly, `invalid_argument` when it is not framed as
   * HTTP has it, `overloaded` when bodies take too much memory, `canceled` when the caller went away.
   */
  readonly answer: (body: Uint8Array | Fault) => HttpAnswer | Promise<HttpAnswer>;

  constructor(maxBytes: number, answer: AwaitedBody["answer"]) {
    this.maxBytes = maxBytes;
    this.answer = answer;
  }
}

/** What a request is answered with, at once or later. */
export type HttpReply = HttpAnswer | Promise<HttpAnswer> | AwaitedBody;

/** Answers every request, failures included; never throws. */
export type HttpHandler = (request: HttpRequest) => HttpReply;
