/** Spans, metrics and log lines in OTLP's JSON: names in lowerCamelCase, identifiers in hexadecimal digits, 64 bits in digits. */
import { type Attributes, type Exemplar, type LogRecord, type MetricFamily, type Series, type Span, spanKinds } from "../telemetry/index.ts";
import { toNanosecondsText } from "./instant.ts";
import { fieldsOf, type PlainValue } from "./plain-value.ts";
import { isList } from "./proto-attributes.ts";
import { severities } from "./proto-logs.ts";
import { cumulative, unitOf } from "./proto-metrics.ts";
import { statusCodes } from "./proto-spans.ts";

type Json = Readonly<Record<string, unknown>>;

export function toAttributesJson(attributes: Attributes | { readonly [name: string]: PlainValue }): readonly Json[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: toAnyValueJson(value) }));
}

function toAnyValueJson(value: PlainValue): Json {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: toDoubleJson(value) };
    case "object":
      return isList(value) ? { arrayValue: { values: value.map(toAnyValueJson) } } : { kvlistValue: { values: toAttributesJson(value) } };
    default:
      return {};
  }
}

/** JSON has no words for what is no finite number; protobuf's JSON has these. */
function toDoubleJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

export function toSpanJson(span: Span): string {
  return JSON.stringify({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.traceState === "" ? {} : { traceState: span.traceState }),
    ...(span.parentSpanId === "" ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: spanKinds[span.kind],
    startTimeUnixNano: toNanosecondsText(span.startMs),
    endTimeUnixNano: toNanosecondsText(span.endMs),
    attributes: toAttributesJson(span.attributes),
    events: span.events.map(({ attributes = {}, name, timeMs }) => ({ timeUnixNano: toNanosecondsText(timeMs), name, attributes: toAttributesJson(attributes) })),
    links: span.links.map(({ attributes = {}, spanId, traceId }) => ({ traceId, spanId, attributes: toAttributesJson(attributes) })),
    ...(span.status === "unset" ? {} : { status: { code: statusCodes[span.status], ...(span.message === "" ? {} : { message: span.message }) } }),
  });
}

export function toLogRecordJson(record: LogRecord): string {
  const time = toNanosecondsText(record.timeMs);
  return JSON.stringify({
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: severities[record.level],
    severityText: record.level.toUpperCase(),
    body: { stringValue: record.message },
    attributes: toAttributesJson(fieldsOf(record)),
    ...(record.traceId === "" ? {} : { traceId: record.traceId }),
    ...(record.spanId === "" ? {} : { spanId: record.spanId }),
  });
}

/** @param timeMs  When the family was read. */
export function toFamilyJson(family: MetricFamily, timeMs: number): string {
  const common = { name: family.name, description: family.help, unit: unitOf(family) };
  const timeUnixNano = toNanosecondsText(timeMs);
  if (family.type === "histogram") {
    const dataPoints = family.series.map((series) => toHistogramPointJson(series, timeUnixNano));
    return JSON.stringify({ ...common, histogram: { aggregationTemporality: cumulative, dataPoints } });
  }
  const isCounter = family.type === "counter";
  const dataPoints = family.series.map((series) => ({
    attributes: toAttributesJson(series.labels),
    ...(isCounter ? { startTimeUnixNano: toNanosecondsText(series.sinceMs) } : {}),
    timeUnixNano,
    asDouble: toDoubleJson(series.value ?? 0),
  }));
  return JSON.stringify({ ...common, ...(isCounter ? { sum: { aggregationTemporality: cumulative, isMonotonic: true, dataPoints } } : { gauge: { dataPoints } }) });
}

function toHistogramPointJson({ histogram, labels, sinceMs }: Series, timeUnixNano: string): Json {
  return {
    attributes: toAttributesJson(labels),
    startTimeUnixNano: toNanosecondsText(sinceMs),
    timeUnixNano,
    count: String(histogram?.count ?? 0),
    sum: toDoubleJson(histogram?.sum ?? 0),
    bucketCounts: Array.from(histogram?.counts ?? [0], String),
    explicitBounds: (histogram?.bounds ?? []).map(toDoubleJson),
    exemplars: [...(histogram?.exemplars?.values() ?? [])].map(toExemplarJson),
  };
}

function toExemplarJson({ spanId, timeMs, traceId, value }: Exemplar): Json {
  return { timeUnixNano: toNanosecondsText(timeMs), asDouble: toDoubleJson(value), spanId, traceId };
}
