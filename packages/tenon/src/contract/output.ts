/** What an operation can answer with besides one JSON value: a stream of items, or bytes. */
import type { InputOf, OutputOf, Schema } from "./schema.ts";

/** Items one after another, as server-sent events or NDJSON over HTTP. Made by {@link stream}. */
export interface StreamOutput<S extends Schema = Schema> {
  readonly kind: "stream";
  readonly item: S;
}

/** Bytes of a media type. Made by {@link bytes}. */
export interface BytesOutput {
  readonly kind: "bytes";
  readonly mediaTypes: readonly string[];
  readonly maxBytes: number;
}

/** What a handler returns, and a client receives, for {@link BytesOutput}. */
export interface Bytes {
  readonly mediaType: string;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** Bytes in all, where that is known before the first is sent. */
  readonly length?: number | undefined;
  /** Offered to a browser as the name to save under. */
  readonly fileName?: string | undefined;
}

/** The handler yields items; the client iterates over them while they come. */
export function stream<S extends Schema>(item: S): StreamOutput<S> {
  return { kind: "stream", item };
}

/**
 * A body of bytes, in or out, that is never held in memory whole.
 *
 * @param options.mediaTypes  What is taken or answered, such as `["image/png"]`; `["*\/*"]` for any.
 * @param options.maxBytes    A larger upload is refused with 413. Default 100 MiB: an attachment, not a film.
 */
export function bytes(options: { readonly mediaTypes: readonly [string, ...string[]]; readonly maxBytes?: number }): BytesOutput {
  return { kind: "bytes", mediaTypes: options.mediaTypes, maxBytes: options.maxBytes ?? 100 * 1024 * 1024 };
}

/** Everything that may stand under `output`. `undefined` is an answer without a body. */
export type AnyOutput = Schema | StreamOutput | BytesOutput | undefined;

/** What the handler gives back. */
export type Returned<O> = O extends StreamOutput<infer S>
  ? AsyncIterable<InputOf<S>>
  : O extends BytesOutput
    ? Bytes
    : O extends Schema
      ? InputOf<O>
      : void;

/** What the caller gets. */
export type Received<O> = O extends StreamOutput<infer S>
  ? AsyncIterable<OutputOf<S>>
  : O extends BytesOutput
    ? Bytes
    : O extends Schema
      ? OutputOf<O>
      : void;

export function isStreamOutput(output: AnyOutput): output is StreamOutput {
  return kindOf(output) === "stream";
}

export function isBytesOutput(output: AnyOutput): output is BytesOutput {
  return kindOf(output) === "bytes";
}

/** `undefined` for a schema; also for what is no output at all, of which the contract tells. */
function kindOf(output: unknown): unknown {
  return output !== null && typeof output === "object" && "kind" in output ? output.kind : undefined;
}
