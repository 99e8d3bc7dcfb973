/**
 * The messages of OTLP, as far as the store keeps what is in them: a field that is not here is passed over.
 *
 * @see https://github.com/open-telemetry/opentelemetry-proto (v1.9)
 */
import type { Field, Message, Scalar } from "./protobuf-reader.ts";

function one(name: string, type: Scalar | Message): Field {
  return { name, type };
}

function list(name: string, type: Scalar | Message): Field {
  return { name, type, isList: true };
}

/** Made once, at the first use: messages contain themselves. */
function message(fields: () => Readonly<Record<number, Field>>): Message {
  let made: Readonly<Record<number, Field>> | undefined;
  return () => (made ??= fields());
}

const anyValue: Message = message(() => ({
  1: one("stringValue", "text"),
  2: one("boolValue", "bool"),
  3: one("intValue", "int"),
  4: one("doubleValue", "double"),
  5: one("arrayValue", message(() => ({ 1: list("values", anyValue) }))),
  6: one("kvlistValue", message(() => ({ 1: list("values", keyValue) }))),
  7: one("bytesValue", "base64"),
}));
const keyValue: Message = message(() => ({ 1: one("key", "text"), 2: one("value", anyValue) }));
const resource: Message = message(() => ({ 1: list("attributes", keyValue) }));

const spanEvent: Message = message(() => ({ 1: one("timeUnixNano", "fixed64"), 2: one("name", "text"), 3: list("attributes", keyValue) }));
const spanLink: Message = message(() => ({ 1: one("traceId", "hex"), 2: one("spanId", "hex"), 4: list("attributes", keyValue) }));
const span: Message = message(() => ({
  1: one("traceId", "hex"),
  2: one("spanId", "hex"),
  3: one("traceState", "text"),
  4: one("parentSpanId", "hex"),
  5: one("name", "text"),
  6: one("kind", "uint"),
  7: one("startTimeUnixNano", "fixed64"),
  8: one("endTimeUnixNano", "fixed64"),
  9: list("attributes", keyValue),
  11: list("events", spanEvent),
  13: list("links", spanLink),
  15: one("status", message(() => ({ 2: one("message", "text"), 3: one("code", "uint") }))),
}));

/** `ExportTraceServiceRequest`. */
export const traceRequest: Message = message(() => ({
  1: list("resourceSpans", message(() => ({ 1: one("resource", resource), 2: list("scopeSpans", message(() => ({ 2: list("spans", span) }))) }))),
}));

const logRecord: Message = message(() => ({
  1: one("timeUnixNano", "fixed64"),
  2: one("severityNumber", "uint"),
  3: one("severityText", "text"),
  5: one("body", anyValue),
  6: list("attributes", keyValue),
  9: one("traceId", "hex"),
  10: one("spanId", "hex"),
  11: one("observedTimeUnixNano", "fixed64"),
}));

/** `ExportLogsServiceRequest`. */
export const logsRequest: Message = message(() => ({
  1: list("resourceLogs", message(() => ({ 1: one("resource", resource), 2: list("scopeLogs", message(() => ({ 2: list("logRecords", logRecord) }))) }))),
}));

const numberPoint: Message = message(() => ({
  3: one("timeUnixNano", "fixed64"),
  4: one("asDouble", "double"),
  6: one("asInt", "signed64"),
  7: list("attributes", keyValue),
}));
const histogramPoint: Message = message(() => ({
  3: one("timeUnixNano", "fixed64"),
  4: one("count", "fixed64"),
  5: one("sum", "double"),
  6: list("bucketCounts", "fixed64"),
  7: list("explicitBounds", "double"),
  9: list("attributes", keyValue),
}));
const buckets: Message = message(() => ({ 1: one("offset", "zigzag"), 2: list("bucketCounts", "uint") }));
const exponentialPoint: Message = message(() => ({
  1: list("attributes", keyValue),
  3: one("timeUnixNano", "fixed64"),
  4: one("count", "fixed64"),
  5: one("sum", "double"),
  6: one("scale", "zigzag"),
  7: one("zeroCount", "fixed64"),
  8: one("positive", buckets),
  9: one("negative", buckets),
}));
const summaryPoint: Message = message(() => ({ 3: one("timeUnixNano", "fixed64") }));
const metric: Message = message(() => ({
  1: one("name", "text"),
  2: one("description", "text"),
  3: one("unit", "text"),
  5: one("gauge", message(() => ({ 1: list("dataPoints", numberPoint) }))),
  7: one("sum", message(() => ({ 1: list("dataPoints", numberPoint), 2: one("aggregationTemporality", "uint"), 3: one("isMonotonic", "bool") }))),
  9: one("histogram", message(() => ({ 1: list("dataPoints", histogramPoint), 2: one("aggregationTemporality", "uint") }))),
  10: one("exponentialHistogram", message(() => ({ 1: list("dataPoints", exponentialPoint), 2: one("aggregationTemporality", "uint") }))),
  11: one("summary", message(() => ({ 1: list("dataPoints", summaryPoint) }))),
}));

/** `ExportMetricsServiceRequest`. */
export const metricsRequest: Message = message(() => ({
  1: list("resourceMetrics", message(() => ({ 1: one("resource", resource), 2: list("scopeMetrics", message(() => ({ 2: list("metrics", metric) }))) }))),
}));
