/**
 * Understands the body of an OTLP export: bytes in, in protobuf or in JSON, and what the store takes out.
 *
 * What is not OTLP at all is a `MalformedBody`. Single items that cannot be kept, a span without identifiers, are left
 * out and counted, as OTLP's partial success asks.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
import { type LogRecord, type Span, type SpanEvent, type SpanKind, type SpanLink, spanKinds } from "../../telemetry/index.ts";
import type { Intake, MetricPoint } from "../intake.ts";
import { attributesOf, enumOf, idOf, listOf, type Loose, msOf, nameOf, numberOf, objectOf, textOf, valueOf } from "./loose-values.ts";
import { logsRequest, metricsRequest, traceRequest } from "./otlp-messages.ts";
import { decodeMessage, MalformedBody } from "./protobuf-reader.ts";
import { Refusals } from "./refusals.ts";
import { pointsOf } from "./read-metric.ts";

export type Signal = "traces" | "logs" | "metrics";
export type Encoding = "protobuf" | "json";

export interface ReadExport {
  readonly batches: readonly Intake[];
  /** Items left out. */
  readonly rejected: number;
  /** Why the first one was; empty where none was. */
  readonly reason: string;
}

const requests = { traces: traceRequest, logs: logsRequest, metrics: metricsRequest };
const eventsMax = 128;
const kindNames = ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"];
const statusNames = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
const statuses = ["unset", "ok", "error"] as const;
const kinds = Object.fromEntries(Object.entries(spanKinds).map(([name, number]) => [number, name])) as Readonly<Record<number, SpanKind>>;

/**
 * @param nowMs  The time of what has none.
 * @throws {MalformedBody}
 */
export function readExport(signal: Signal, body: { readonly encoding: Encoding; readonly bytes: Uint8Array; readonly nowMs: number }): ReadExport {
  const request = body.encoding === "protobuf" ? decodeMessage(body.bytes, requests[signal]) : parseJson(body.bytes);
  const refusals = new Refusals();
  const batches = readers[signal](request, { refusals, nowMs: body.nowMs });
  return { batches: batches.filter(isFull), ...refusals.result() };
}

interface Reading {
  readonly refusals: Refusals;
  readonly nowMs: number;
}

const readers: Readonly<Record<Signal, (request: Loose, reading: Reading) => readonly Intake[]>> = {
  traces: ({ resourceSpans }, { refusals }) =>
    listOf(resourceSpans).map((each) => ({
      resource: resourceOf(each),
      spans: itemsOf(objectOf(each)["scopeSpans"], "spans").flatMap((span) => refusals.keep(spanOf(span))),
    })),
  logs: ({ resourceLogs }, { nowMs }) =>
    listOf(resourceLogs).map((each) => ({
      resource: resourceOf(each),
      logs: itemsOf(objectOf(each)["scopeLogs"], "logRecords").map((record) => logOf(record, nowMs)),
    })),
  metrics: ({ resourceMetrics }, { nowMs, refusals }) =>
    listOf(resourceMetrics).map((each) => ({
      resource: resourceOf(each),
      points: itemsOf(objectOf(each)["scopeMetrics"], "metrics").flatMap((metric): readonly MetricPoint[] => pointsOf(metric, { refusals, nowMs })),
    })),
};

/** What stands in all scopes of one resource. */
function itemsOf(scopes: unknown, name: string): readonly Loose[] {
  return listOf(scopes).flatMap((scope) => listOf(objectOf(scope)[name]).map(objectOf));
}

function resourceOf(each: unknown): Intake["resource"] {
  return attributesOf(objectOf(objectOf(each)["resource"])["attributes"]);
}

function isFull({ logs = [], points = [], spans = [] }: Intake): boolean {
  return logs.length + points.length + spans.length > 0;
}

/** A span, or why it is none. */
function spanOf(span: Loose): Span | string {
  const traceId = idOf(span["traceId"], 32);
  const spanId = idOf(span["spanId"], 16);
  const startMs = msOf(span["startTimeUnixNano"]);
  const endMs = msOf(span["endTimeUnixNano"]);
  if (traceId === undefined) return "a span needs a traceId of 16 bytes that are not all zero";
  if (spanId === undefined) return "a span needs a spanId of 8 bytes that are not all zero";
  if (startMs === undefined || endMs === undefined) return "a span needs the times of its start and its end";
  const { code, message } = objectOf(span["status"]);
  return {
    traceId,
    spanId,
    parentSpanId: idOf(span["parentSpanId"], 16) ?? "",
    traceState: textOf(span["traceState"]),
    name: nameOf(span["name"]),
    kind: kinds[enumOf(span["kind"], kindNames)] ?? "internal",
    startMs,
    endMs: Math.max(startMs, endMs),
    status: statuses[enumOf(code, statusNames)] ?? "unset",
    message: textOf(message),
    attributes: attributesOf(span["attributes"]),
    links: listOf(span["links"]).slice(0, eventsMax).flatMap((link) => linkOf(objectOf(link))),
    events: listOf(span["events"]).slice(0, eventsMax).map((event) => eventOf(objectOf(event), startMs)),
  };
}

function linkOf(link: Loose): readonly SpanLink[] {
  const traceId = idOf(link["traceId"], 32);
  const spanId = idOf(link["spanId"], 16);
  if (traceId === undefined || spanId === undefined) return [];
  return [{ traceId, spanId, attributes: attributesOf(link["attributes"]) }];
}

function eventOf(event: Loose, startMs: number): SpanEvent {
  return { name: nameOf(event["name"]), timeMs: msOf(event["timeUnixNano"]) ?? startMs, attributes: attributesOf(event["attributes"]) };
}

function logOf(record: Loose, nowMs: number): LogRecord {
  const body = valueOf(record["body"], 0);
  return {
    timeMs: msOf(record["timeUnixNano"]) ?? msOf(record["observedTimeUnixNano"]) ?? nowMs,
    level: levelOf(numberOf(record["severityNumber"]) ?? 0, textOf(record["severityText"])),
    message: typeof body === "string" ? body : textOf(JSON.stringify(body) ?? ""),
    fields: attributesOf(record["attributes"]),
    traceId: idOf(record["traceId"], 32) ?? "",
    spanId: idOf(record["spanId"], 16) ?? "",
  };
}

/** Four numbers of severity each for trace, debug, info, warn, error and fatal; by the text where there is no number. */
function levelOf(severity: number, text: string): LogRecord["level"] {
  if (severity >= 17) return "error";
  if (severity >= 13) return "warn";
  if (severity >= 9) return "info";
  if (severity >= 1) return "debug";
  if (/^(?:err|fatal|crit|alert|emerg)/i.test(text)) return "error";
  if (/^warn/i.test(text)) return "warn";
  return /^(?:debug|trace)/i.test(text) ? "debug" : "info";
}

function parseJson(bytes: Uint8Array): Loose {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new MalformedBody("the body is not JSON", { cause });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new MalformedBody("the body is not a JSON object");
  return value as Loose;
}
