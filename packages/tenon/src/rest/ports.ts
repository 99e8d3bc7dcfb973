/**
 * The two small objects at which every HTTP host meets the platform. A host adapter turns what it has into an
 * {@link HttpRequest} and sends an {@link HttpAnswer}; it decides nothing.
 */

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
  /** The clock's `elapsedMs` when the request was first seen. */
  readonly receivedAtMs: number;
  /** Whether a body was announced. */
  readonly hasBody: boolean;
  /** Whether a part of the body has yet to come. */
  readonly isReceiving: boolean;
  /**
   * The body, whole. Asked for once, and not beside `streamBody`.
   * @throws {Fault} `payload_too_large` as soon as more than `maxBytes` are announced or have come, `request_timeout`
   * when it comes too slowly, `invalid_argument` when it is not framed as HTTP has it, `overloaded` when bodies take
   * too much memory, `canceled` when the caller went away.
   */
  readBody(maxBytes: number): Promise<Uint8Array>;
  /** The body as it comes. Begun once. @throws {Fault} like `readBody`. */
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

/** Answers every request, failures included; never throws. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
