/** `Metric` of opentelemetry/proto/metrics/v1 in protobuf. Counts are cumulative: each reading says all since `sinceMs`. */
import type { Exemplar, HistogramValue, MetricFamily, Series } from "../telemetry/index.ts";
import { writeAttributes } from "./proto-attributes.ts";
import type { ProtoWriter } from "./proto-writer.ts";

/** `metrics` of `ScopeMetrics`. */
const metricTag = 0x12;
const tags = { name: 0x0a, description: 0x12, unit: 0x1a, gauge: 0x2a, counter: 0x3a, histogram: 0x4a } as const;
/** Of `Gauge`, `Sum` and `Histogram` alike. */
const dataTags = { point: 0x0a, temporality: 0x10, isMonotonic: 0x18 } as const;
const numberTags = { since: 0x11, time: 0x19, double: 0x21, attribute: 0x3a } as const;
const histogramTags = { since: 0x11, time: 0x19, count: 0x21, sum: 0x29, counts: 0x32, bounds: 0x3a, exemplar: 0x42, attribute: 0x4a } as const;
const exemplarTags = { time: 0x11, double: 0x19, spanId: 0x22, traceId: 0x2a } as const;

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` */
export const cumulative = 2;

/** Units as UCUM writes them, which OTLP wants, for the words that OpenMetrics wants. */
const units: Readonly<Record<string, string>> = { seconds: "s", milliseconds: "ms", bytes: "By", ratio: "1" };

export function unitOf(family: MetricFamily): string {
  return units[family.unit] ?? family.unit;
}

/** @param timeMs  When the family was read. */
export function writeFamily(writer: ProtoWriter, family: MetricFamily, timeMs: number): void {
  const metric = writer.open(metricTag, 2);
  writer.text(tags.name, family.name);
  writer.text(tags.description, family.help);
  writer.text(tags.unit, unitOf(family));
  const data = writer.open(tags[family.type], 2);
  for (const series of family.series) {
    const point = writer.open(dataTags.point);
    if (family.type === "histogram") writeHistogramPoint(writer, series, timeMs);
    else writeNumberPoint(writer, series, { timeMs, sinceMs: family.type === "counter" ? series.sinceMs : undefined });
    writer.close(point);
  }
  if (family.type !== "gauge") writer.uint(dataTags.temporality, cumulative);
  if (family.type === "counter") writer.bool(dataTags.isMonotonic, true);
  writer.close(data, 2);
  writer.close(metric, 2);
}

function writeNumberPoint(writer: ProtoWriter, series: Series, times: { readonly timeMs: number; readonly sinceMs: number | undefined }): void {
  if (times.sinceMs !== undefined) writer.instant(numberTags.since, times.sinceMs);
  writer.instant(numberTags.time, times.timeMs);
  writer.double(numberTags.double, series.value ?? 0);
  writeAttributes(writer, numberTags.attribute, series.labels);
}

const empty: HistogramValue = { bounds: [], counts: [0], sum: 0, count: 0 };

function writeHistogramPoint(writer: ProtoWriter, series: Series, timeMs: number): void {
  const value = series.histogram ?? empty;
  writer.instant(histogramTags.since, series.sinceMs);
  writer.instant(histogramTags.time, timeMs);
  writer.fixed64(histogramTags.count, value.count);
  writer.double(histogramTags.sum, value.sum);
  writer.fixed64s(histogramTags.counts, value.counts);
  writer.doubles(histogramTags.bounds, value.bounds);
  for (const exemplar of value.exemplars?.values() ?? []) writeExemplar(writer, exemplar);
  writeAttributes(writer, histogramTags.attribute, series.labels);
}

function writeExemplar(writer: ProtoWriter, exemplar: Exemplar): void {
  const start = writer.open(histogramTags.exemplar);
  writer.instant(exemplarTags.time, exemplar.timeMs);
  writer.double(exemplarTags.double, exemplar.value);
  writer.hex(exemplarTags.spanId, exemplar.spanId);
  writer.hex(exemplarTags.traceId, exemplar.traceId);
  writer.close(start);
}
