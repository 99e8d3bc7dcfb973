/** Turns what an operation answered into an HTTP answer. Compiled once per operation. */
import { hash } from "node:crypto";
import { type Bytes, isBytesOutput, isStreamOutput, type Operation, type OperationDescription } from "../contract/index.ts";
import type { Call } from "../calls/index.ts";
import type { Clock } from "../kernel/index.ts";
import { preferredType } from "./negotiate.ts";
import type { HttpAnswer } from "./ports.ts";
import { sseType, toNdjson, toServerSentEvents } from "./stream.ts";

export const jsonType = "application/json";
export const ndjsonType = "application/x-ndjson";

/**
 * On every answer of an operation. An API answers data, never a page: nothing in it may run, be framed or be guessed
 * to be of another type (OWASP REST Security Cheat Sheet, "Security Headers").
 */
export const securityHeaders: readonly string[] = [
  "x-content-type-options", "nosniff",
  "content-security-policy", "default-src 'none'; frame-ancestors 'none'",
];

export interface Encoder {
  /** Media types that the operation can answer with; empty where there is no body. */
  readonly offered: readonly string[];
  /** @param type  The one of `offered` that the caller likes best. */
  encode(call: Call, value: unknown, how: { readonly type: string; readonly ifNoneMatch: string | undefined }): HttpAnswer;
}

export function createEncoder(operation: Operation, description: OperationDescription, clock: Clock): Encoder {
  const status = description.http?.status ?? 200;
  const sunset = operation.deprecated?.sunset;
  const common = [...securityHeaders, ...(sunset === undefined ? [] : ["sunset", new Date(`${sunset}T00:00:00Z`).toUTCString()])];
  const { output } = operation;

  if (output === undefined) {
    return { offered: [], encode: (call) => ({ status, headers: headersOf(call, common, ["cache-control", "no-store"]), body: undefined }) };
  }
  if (isBytesOutput(output)) {
    const offered = output.mediaTypes.filter((type) => !type.includes("*"));
    return { offered, encode: (call, value) => bytesAnswer(headersOf(call, common, []), status, value as Bytes) };
  }
  if (isStreamOutput(output)) {
    return {
      offered: [ndjsonType, sseType],
      encode(call, value, { type }) {
        const items = value as AsyncIterable<unknown>;
        const headers = headersOf(call, common, ["content-type", type, "cache-control", "no-store", "x-accel-buffering", "no"]);
        return { status, headers, body: type === sseType ? toServerSentEvents(items, clock) : toNdjson(items) };
      },
    };
  }
  if (operation.kind === "command") {
    const own = ["content-type", jsonType, "cache-control", "no-store"];
    return { offered: [jsonType], encode: (call, value) => ({ status, headers: headersOf(call, common, own), body: JSON.stringify(value) }) };
  }
  return { offered: [jsonType], encode: (call, value, { ifNoneMatch }) => queryAnswer(headersOf(call, common, []), status, { value, ifNoneMatch }) };
}

/** The offered type that the caller likes best; `undefined` when it accepts none (406). */
export function chooseType(encoder: Encoder, accept: string | undefined): string | undefined {
  const { offered } = encoder;
  return offered.length === 0 ? "" : preferredType(accept, offered);
}

function headersOf(call: Call, common: readonly string[], own: readonly string[]): string[] {
  const headers = [...own, ...common, "x-request-id", call.id];
  if (call.isReplay) headers.push("idempotency-replayed", "true");
  return headers;
}

/** A query's answer carries a strong validator (RFC 9110 section 8.8.3); the caller that has it already gets 304. */
function queryAnswer(headers: string[], status: number, given: { readonly value: unknown; readonly ifNoneMatch: string | undefined }): HttpAnswer {
  const body = JSON.stringify(given.value);
  const etag = `"${hash("sha1", body, "base64url")}"`;
  // Whoever asks again has to check: what a caller may see can change with its rights.
  headers.push("etag", etag, "cache-control", "private, no-cache");
  if (given.ifNoneMatch !== undefined && matches(given.ifNoneMatch, etag)) return { status: 304, headers, body: undefined };
  headers.push("content-type", jsonType);
  return { status, headers, body };
}

/** Weak comparison, as RFC 9110 section 13.1.2 asks for. */
function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}

function bytesAnswer(headers: string[], status: number, bytes: Bytes): HttpAnswer {
  headers.push("content-type", bytes.mediaType, "cache-control", "private, no-cache");
  const length = bytes.content instanceof Uint8Array ? bytes.content.length : bytes.length;
  if (length !== undefined) headers.push("content-length", String(length));
  if (bytes.fileName !== undefined) headers.push("content-disposition", `attachment; filename*=UTF-8''${encodeURIComponent(bytes.fileName)}`);
  return { status, headers, body: bytes.content };
}
