/** Turns what an operation answered into an HTTP answer. Compiled once per operation. */
import { hash } from "node:crypto";
import { type Bytes, isBytesOutput, isStreamOutput, type Operation, type OperationDescription } from "../contract/index.ts";
import type { Call } from "../calls/index.ts";
import { type Clock, Fault, type Log } from "../kernel/index.ts";
import { closeBody } from "./close-body.ts";
import { isOneOf } from "./negotiate.ts";
import type { HttpAnswer } from "./ports.ts";
import { pushRateLimits } from "./rate-limit-headers.ts";
import { securityHeaders } from "./security-headers.ts";
import { sseType, type StreamFailed, toNdjson, toServerSentEvents } from "./stream.ts";

export const jsonType = "application/json";
export const ndjsonType = "application/x-ndjson";

export interface Encoder {
  /** Media types that the operation can answer with; empty where there is no body, or where any type may come. */
  readonly offered: readonly string[];
  /**
   * @param type  The one of `offered` that the caller likes best.
   * @throws what cannot be encoded: a bug of the service.
   */
  encode(call: Call, value: unknown, how: { readonly type: string; readonly ifNoneMatch: string | undefined }): HttpAnswer;
}

export interface EncoderOptions {
  readonly clock: Clock;
  readonly log: Log;
}

export function createEncoder(operation: Operation, description: OperationDescription, options: EncoderOptions): Encoder {
  const status = description.http?.status ?? 200;
  const sunset = operation.deprecated?.sunset;
  // RFC 8594. The id of the call comes last, so that what is the same for every answer is copied in one go.
  const common = [...securityHeaders, ...(sunset === undefined ? [] : ["sunset", new Date(`${sunset}T00:00:00Z`).toUTCString()]), "x-request-id"];
  const { output } = operation;

  if (output === undefined) {
    const own = ["cache-control", "no-store", ...common];
    return { offered: [], encode: (call) => ({ status, headers: headersOf(call, own), body: undefined }) };
  }
  if (isBytesOutput(output)) {
    const own = ["cache-control", "private, no-cache", ...common];
    const { mediaTypes } = output;
    const offered = mediaTypes.some((type) => type.includes("*")) ? [] : mediaTypes;
    return { offered, encode: (call, value) => bytesAnswer(headersOf(call, own), status, checkedBytes(operation.id, mediaTypes, value as Bytes)) };
  }
  if (isStreamOutput(output)) {
    const own = ["cache-control", "no-store", "x-accel-buffering", "no", ...common];
    return {
      offered: [ndjsonType, sseType],
      encode(call, value, { type }) {
        const items = value as AsyncIterable<unknown>;
        const failed = streamFailed(call, options.log);
        const headers = headersOf(call, own);
        headers.push("content-type", type);
        return { status, headers, body: type === sseType ? toServerSentEvents(items, options.clock, failed) : toNdjson(items, failed) };
      },
    };
  }
  if (operation.kind === "command") {
    const own = ["content-type", jsonType, "cache-control", "no-store", ...common];
    return { offered: [jsonType], encode: (call, value) => ({ status, headers: headersOf(call, own), body: toJson(value) }) };
  }
  // Whoever asks again has to check: what a caller may see can change with its rights.
  const own = ["cache-control", "private, no-cache", ...common];
  return { offered: [jsonType], encode: (call, value, { ifNoneMatch }) => queryAnswer(headersOf(call, own), status, { value, ifNoneMatch }) };
}

/** @param own  Ends in the name of the header that carries the call's id. */
function headersOf(call: Call, own: readonly string[]): string[] {
  const headers = own.slice();
  headers.push(call.id);
  pushRateLimits(headers, call.limits);
  if (call.isReplay) headers.push("idempotency-replayed", "true");
  return headers;
}

/** An output that may be left out is `null` on the wire: JSON has no text for nothing. */
function toJson(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** A query's answer carries a strong validator (RFC 9110 section 8.8.3); the caller that has it already gets 304. */
function queryAnswer(headers: string[], status: number, given: { readonly value: unknown; readonly ifNoneMatch: string | undefined }): HttpAnswer {
  const body = toJson(given.value);
  const etag = `"${hash("sha1", body, "base64url")}"`;
  headers.push("etag", etag);
  if (given.ifNoneMatch !== undefined && matches(given.ifNoneMatch, etag)) return { status: 304, headers, body: undefined };
  headers.push("content-type", jsonType);
  return { status, headers, body };
}

/** Weak comparison, as RFC 9110 section 13.1.2 asks for. */
function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}

function bytesAnswer(headers: string[], status: number, bytes: Bytes): HttpAnswer {
  headers.push("content-type", bytes.mediaType);
  const length = bytes.content instanceof Uint8Array ? bytes.content.length : bytes.length;
  if (length !== undefined) headers.push("content-length", String(length));
  if (bytes.fileName !== undefined) headers.push("content-disposition", `attachment; filename*=UTF-8''${toExtendedValue(bytes.fileName)}`);
  return { status, headers, body: bytes.content };
}

/** RFC 8187 section 3.2.1 leaves fewer characters as they are than `encodeURIComponent` does. */
function toExtendedValue(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** @throws {AnswerError} when a header made of them would lie, or not be one. */
function checkedBytes(id: string, mediaTypes: readonly string[], bytes: Bytes): Bytes {
  const { content, length, mediaType } = bytes;
  const isType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;[\t\x20-\x7e]*)?$/.test(mediaType);
  const isLength = length === undefined || (Number.isSafeInteger(length) && length >= 0);
  if (isType && isLength && isOneOf(mediaType, mediaTypes)) return bytes;
  closeBody(content);
  if (!isLength) throw new AnswerError(`${id}: the length of the bytes is ${length}`);
  throw new AnswerError(`${id}: the media type of the bytes is ${JSON.stringify(mediaType)}, which is not among ${mediaTypes.join(", ")}`);
}

/** A handler gave back what cannot be sent as it is. A bug of the service, answered `internal`. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

/** The pipeline has recorded the call by then, at its first item; what breaks it off later is told here. */
function streamFailed(call: Call, log: Log): StreamFailed {
  return (thrown) => {
    const fault = Fault.from(thrown);
    fault.operation ??= call.operation.id;
    const about = { operation: call.operation.id, call: call.id, code: fault.publicCode };
    if (fault.code === "internal") log.error("a stream broke off by a bug", { ...about, error: fault.cause ?? fault });
    else if (call.canceled === undefined) log.warn("a stream broke off", { ...about, error: fault });
    return fault;
  };
}
