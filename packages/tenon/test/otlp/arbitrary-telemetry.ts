/** Any telemetry that the platform could hand over, and what OpenTelemetry's definitions have to make of it. */
import fc from "fast-check";
import { type Attributes, type AttributeValue, type Exemplar, type HistogramValue, type LogRecord, type MetricFamily, type Series, type Span, type SpanEvent, spanKinds, type SpanLink } from "../../src/telemetry/index.ts";
import type { Decoded } from "./oracle.ts";

/** Well-formed: half a surrogate pair has no UTF-8. */
const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "grapheme", maxLength: 200 }), fc.constantFrom("", "POST /orders", "a".repeat(127), "ü".repeat(64), "a".repeat(16_384)));
const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.constantFrom(0, -1, -128, 2 ** 31, 2 ** 32, -(2 ** 32), Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
const value: fc.Arbitrary<AttributeValue> = fc.oneof(text, number, fc.boolean(), fc.array(text, { maxLength: 4 }), fc.array(number, { maxLength: 4 }), fc.array(fc.boolean(), { maxLength: 4 }));
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(text.filter((name) => name !== "__proto__"), value, { maxKeys: 8, noNullPrototype: true });
const traceId = fc.stringMatching(/^[0-9a-f]{32}$/);
const spanId = fc.stringMatching(/^[0-9a-f]{16}$/);
const timeMs = fc.oneof(fc.double({ min: 1, max: 18_000_000_000_000, noNaN: true }), fc.double({ min: 1_700_000_000_000, max: 1_900_000_000_000, noNaN: true }), fc.constantFrom(0.000_001, 1, 1_764_000_000_000.999_8));

const event: fc.Arbitrary<SpanEvent> = fc.record({ name: text, timeMs, attributes }, { requiredKeys: ["name", "timeMs"] });
const link: fc.Arbitrary<SpanLink> = fc.record({ traceId, spanId, attributes }, { requiredKeys: ["traceId", "spanId"] });

export const span: fc.Arbitrary<Span> = fc.record({
  traceId,
  spanId,
  parentSpanId: fc.oneof(spanId, fc.constant("")),
  traceState: fc.constantFrom("", "vendor=1,other=2"),
  name: text,
  kind: fc.constantFrom("internal", "server", "client", "producer", "consumer"),
  startMs: timeMs,
  endMs: timeMs,
  status: fc.constantFrom("unset", "ok", "error"),
  message: text,
  attributes,
  links: fc.array(link, { maxLength: 3 }),
  events: fc.array(event, { maxLength: 3 }),
});

export const logRecord: fc.Arbitrary<LogRecord> = fc.record({
  timeMs,
  level: fc.constantFrom("debug", "info", "warn", "error"),
  message: text,
  fields: attributes,
  traceId: fc.oneof(traceId, fc.constant("")),
  spanId: fc.oneof(spanId, fc.constant("")),
});

/** JSON knows no −0. */
const double = fc.double().map((value) => (value === 0 ? 0 : value));
const labels = fc.dictionary(text.filter((name) => name !== "__proto__"), text, { maxKeys: 4, noNullPrototype: true });
const count = fc.oneof(fc.nat(), fc.maxSafeNat());
const exemplar: fc.Arbitrary<Exemplar> = fc.record({ value: double, timeMs, traceId, spanId });
const histogram: fc.Arbitrary<HistogramValue> = fc.uniqueArray(double.filter((value) => !Number.isNaN(value)), { maxLength: 12 }).chain((bounds) =>
  fc.record({
    bounds: fc.constant(bounds.toSorted((a, b) => a - b)),
    counts: fc.array(count, { minLength: bounds.length + 1, maxLength: bounds.length + 1 }).map((counts) => Float64Array.from(counts)),
    sum: double,
    count,
    exemplars: fc.array(fc.tuple(fc.nat(bounds.length), exemplar), { maxLength: 3 }).map((entries) => new Map(entries)),
  }),
);

export const family: fc.Arbitrary<MetricFamily> = fc.constantFrom("counter", "gauge", "histogram").chain((type) =>
  fc.record({
    name: text,
    help: text,
    unit: fc.constantFrom("", "seconds", "bytes", "ratio", "calls"),
    type: fc.constant(type),
    series: fc.array<Series>(type === "histogram" ? fc.record({ labels, histogram, sinceMs: timeMs }) : fc.record({ labels, value: double, sinceMs: timeMs }), { maxLength: 5 }),
  }),
);

export function expectedSpan(span: Span): Decoded {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.traceState === "" ? {} : { traceState: span.traceState }),
    ...(span.parentSpanId === "" ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: spanKinds[span.kind],
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    ...expectedAttributes(span.attributes),
    ...list("events", span.events.map((each) => ({ timeUnixNano: nanoseconds(each.timeMs), name: each.name, ...expectedAttributes(each.attributes) }))),
    ...list("links", span.links.map((each) => ({ traceId: each.traceId, spanId: each.spanId, ...expectedAttributes(each.attributes) }))),
    ...(span.status === "unset" ? {} : { status: { code: span.status === "ok" ? 1 : 2, ...(span.message === "" ? {} : { message: span.message }) } }),
  };
}

export function expectedLogRecord(record: LogRecord): Decoded {
  return {
    timeUnixNano: nanoseconds(record.timeMs),
    observedTimeUnixNano: nanoseconds(record.timeMs),
    severityNumber: { debug: 5, info: 9, warn: 13, error: 17 }[record.level],
    severityText: record.level.toUpperCase(),
    body: { stringValue: record.message },
    ...expectedAttributes(record.fields as Attributes),
    ...(record.traceId === "" ? {} : { traceId: record.traceId }),
    ...(record.spanId === "" ? {} : { spanId: record.spanId }),
  };
}

export function expectedFamily(family: MetricFamily, timeMs: number): Decoded {
  const common = { name: family.name, description: family.help, unit: { seconds: "s", bytes: "By", ratio: "1" }[family.unit] ?? family.unit };
  const time = { timeUnixNano: nanoseconds(timeMs) };
  if (family.type === "histogram") return { ...common, histogram: { aggregationTemporality: 2, ...list("dataPoints", family.series.map((series) => ({ ...expectedHistogram(series), ...time }))) } };
  const isCounter = family.type === "counter";
  const dataPoints = family.series.map(({ labels, sinceMs, value }) => ({ ...(isCounter ? { startTimeUnixNano: nanoseconds(sinceMs) } : {}), ...time, asDouble: value, ...expectedAttributes(labels) }));
  return { ...common, ...(isCounter ? { sum: { aggregationTemporality: 2, isMonotonic: true, ...list("dataPoints", dataPoints) } } : { gauge: { ...list("dataPoints", dataPoints) } }) };
}

function expectedHistogram({ histogram, labels, sinceMs }: Series): Decoded {
  const exemplars = [...(histogram?.exemplars?.values() ?? [])].map((each) => ({ timeUnixNano: nanoseconds(each.timeMs), asDouble: each.value, spanId: each.spanId, traceId: each.traceId }));
  return {
    startTimeUnixNano: nanoseconds(sinceMs),
    count: String(histogram?.count),
    sum: histogram?.sum,
    bucketCounts: Array.from(histogram?.counts ?? [], String),
    ...list("explicitBounds", histogram?.bounds ?? []),
    ...list("exemplars", exemplars),
    ...expectedAttributes(labels),
  };
}

/** Nanoseconds as whole numbers of any size. */
export function nanoseconds(ms: number): string {
  const wholeMs = Math.floor(ms);
  return String(BigInt(wholeMs) * 1_000_000n + BigInt(Math.round((ms - wholeMs) * 1_000_000)));
}

function expectedAttributes(given: Attributes = {}): Decoded {
  return list("attributes", Object.entries(given).map(([key, each]) => ({ key, value: expectedValue(each) })));
}

function expectedValue(given: AttributeValue): Decoded {
  if (typeof given === "string") return { stringValue: given };
  if (typeof given === "boolean") return { boolValue: given };
  if (typeof given === "number") return Number.isSafeInteger(given) ? { intValue: String(given) } : { doubleValue: given };
  return { arrayValue: list("values", given.map(expectedValue)) };
}

/** A list that is empty is as good as absent. */
function list(name: string, items: readonly unknown[]): Decoded {
  return items.length === 0 ? {} : { [name]: items };
}
