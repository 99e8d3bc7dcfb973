/**
 * What goes between two processes: one request of HTTP/1.1 over mutual TLS for each call.
 *
 *     POST /.tenon/call/inventory.reserve          the input as JSON
 *     authorization: Bearer …                      for whom; missing for an anonymous caller
 *     tenon-timeout: 1830                          what is left of the deadline, in ms
 *     idempotency-key, traceparent, tracestate, baggage, tenon-address
 *
 * Who calls is in no header: the certificate says it. The header `tenon-answer` says how an answer is to be read; a
 * response without it comes from something else.
 */
export const callPath = "/.tenon/call/";

export const headers = {
  answer: "tenon-answer",
  timeout: "tenon-timeout",
  address: "tenon-address",
  fileName: "tenon-file-name",
  idempotencyKey: "idempotency-key",
} as const;

/** One JSON value; none; a failure; NDJSON of `{"item": …}` until `{"end": true}` or `{"fault": …}`; bytes of a media type. */
export type AnswerKind = "value" | "nothing" | "fault" | "items" | "bytes";

/** The longest input of a call between services, in bytes: it is held in memory, on both sides. */
export const inputMaxBytes = 16 * 1024 * 1024;
/** The longest answer that is one value, in bytes. */
export const answerMaxBytes = 64 * 1024 * 1024;
/** The longest item of a stream, in bytes: it is held in memory. How many there are, and how long bytes go on, has no limit. */
export const itemMaxBytes = 16 * 1024 * 1024;
/** Tokens carry claims, which issuers keep below 4 096 characters. */
export const headersMaxBytes = 64 * 1024;
/** How long a connection may be quiet, in ms. The calling side lets go first, so that no call meets a door that is just being shut. */
export const quietMs = { server: 65_000, client: 30_000 } as const;
