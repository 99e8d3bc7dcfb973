/**
 * The two small objects at which every HTTP host meets the platform. A host adapter turns what it has into an
 * {@link HttpRequest} and sends an {@link HttpAnswer}; it decides nothing.
 */

export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** Path and query as they were sent: `/orders?limit=10`. */
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
  /**
   * The body, whole.
   * @throws {Fault} `payload_too_large` as soon as more than `maxBytes` are announced or have come; `canceled` when
   * the caller went away.
   */
  readBody(maxBytes: number): Promise<Uint8Array>;
  /** The body as it comes. @throws {Fault} like `readBody`. */
  streamBody(maxBytes: number): AsyncIterable<Uint8Array>;
  /** Calls `listener` when the caller goes away before the answer has been sent. */
  onClose(listener: () => void): void;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case and values in turn: `["content-type", "text/plain"]`. */
  readonly headers: string[];
  /** `undefined` is no body. Text is sent as UTF-8. */
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array> | undefined;
}

/** Answers every request, failures included; never throws. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
