/**
 * What a receiver of OTLP answers, in the encoding of the request.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
import type { Encoding, Signal } from "./read-export.ts";

export const mediaTypes: Readonly<Record<Encoding, string>> = { protobuf: "application/x-protobuf", json: "application/json" };

/** Codes of google.rpc.Status. */
export const rpcCodes = { invalidArgument: 3, notFound: 5, resourceExhausted: 8, unimplemented: 12, unavailable: 14 } as const;

const rejectedNames: Readonly<Record<Signal, string>> = { traces: "rejectedSpans", logs: "rejectedLogRecords", metrics: "rejectedDataPoints" };

/** `Export…ServiceResponse`, with `partial_success` where something was left out. */
export function encodeSuccess(encoding: Encoding, signal: Signal, { reason, rejected }: { readonly rejected: number; readonly reason: string }): Uint8Array {
  if (encoding === "json") {
    // A number of 64 bits is text in JSON.
    const partialSuccess = { [rejectedNames[signal]]: String(rejected), errorMessage: reason };
    return Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess }));
  }
  if (rejected === 0) return new Uint8Array(0);
  return bytesField(1, Buffer.concat([varintField(1, rejected), bytesField(2, Buffer.from(reason))]));
}

/** `google.rpc.Status`. */
export function encodeStatus(encoding: Encoding, code: number, message: string): Uint8Array {
  if (encoding === "json") return Buffer.from(JSON.stringify({ code, message }));
  return Buffer.concat([varintField(1, code), bytesField(2, Buffer.from(message))]);
}

function varintField(field: number, value: number): Uint8Array {
  return Uint8Array.from([field * 8, ...varint(value)]);
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([field * 8 + 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
}
