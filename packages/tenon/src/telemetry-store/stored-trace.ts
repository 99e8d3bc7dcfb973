/** One trace, whole: its spans from all files, as they were when they came. */
import { type SpanKind, spanKinds } from "../telemetry/index.ts";
import type { ReadSegment, Row } from "./read-segment.ts";
import type { SpanBody } from "./segment.ts";
import { type StoredSpan, toHex } from "./trace-search.ts";

/** Spans of one trace that are read, at most; a trace of a loop that went wrong can have a million. */
export const traceSpansMax = 10_000;

const statuses = ["unset", "ok", "error"] as const;
const kinds = new Map(Object.entries(spanKinds).map(([name, number]) => [number as number, name as SpanKind]));

const sql = `SELECT s.trace, s.span, s.parent, s.start_us AS start, s.duration_us AS duration, s.status, s.body, o.name, o.kind, r.service, r.attributes
  FROM spans s LEFT JOIN operations o ON o.id = s.operation LEFT JOIN resources r ON r.id = s.resource WHERE s.trace = ? LIMIT ?`;

/**
 * The spans of a trace by their start; empty where there are none.
 *
 * @param traceId  32 hexadecimal digits.
 */
export function readTrace(segments: readonly ReadSegment[], traceId: string): readonly StoredSpan[] {
  const rows = segments.flatMap((segment) => segment.all(sql, Buffer.from(traceId, "hex"), traceSpansMax)).slice(0, traceSpansMax);
  // A sender that got no answer sends again, and the store has both.
  const spans = new Map(rows.map((row) => [toHex(row["span"]), toSpan(row)]));
  return [...spans.values()].sort((a, b) => a.startMs - b.startMs || b.endMs - a.endMs);
}

/**
 * Traces whose identifier begins so, two at most: enough to know whether it is one.
 *
 * @param beginning  1 to 32 hexadecimal digits.
 */
export function traceIdsBeginning(segments: readonly ReadSegment[], beginning: string): readonly string[] {
  const [low, high] = ["0", "f"].map((digit) => Buffer.from(beginning.padEnd(32, digit), "hex"));
  if (low === undefined || high === undefined) return [];
  const rows = segments.flatMap((segment) => segment.all("SELECT DISTINCT trace FROM spans WHERE trace BETWEEN ? AND ? LIMIT 2", low, high));
  return [...new Set(rows.map(({ trace }) => toHex(trace)))].slice(0, 2);
}

function toSpan(row: Row): StoredSpan {
  const { attributes = {}, events = [], kind, links = [], message = "", name = "", traceState = "" } = JSON.parse(String(row["body"])) as SpanBody;
  const startMs = Number(row["start"]) / 1_000;
  return {
    traceId: toHex(row["trace"]),
    spanId: toHex(row["span"]),
    parentSpanId: toHex(row["parent"]),
    traceState,
    name: typeof row["name"] === "string" ? row["name"] : name,
    kind: kinds.get(Number(row["kind"] ?? kind)) ?? "internal",
    startMs,
    endMs: (Number(row["start"]) + Number(row["duration"])) / 1_000,
    status: statuses[Number(row["status"])] ?? "unset",
    message,
    attributes,
    links,
    events,
    service: String(row["service"]),
    resource: JSON.parse(String(row["attributes"])) as Readonly<Record<string, unknown>>,
  };
}
