/**
 * One metric of OTLP as points. Exponential histograms become ones with bounds; what lies below zero in them, and
 * summaries, which nothing can be added up from, are refused.
 */
import type { Labels } from "../../telemetry/index.ts";
import type { MetricPoint } from "../intake.ts";
import { attributesOf, enumOf, listOf, type Loose, msOf, nameOf, numberOf, objectOf, textOf } from "./loose-values.ts";
import type { Refusals } from "./refusals.ts";

const temporalityNames = ["AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA", "AGGREGATION_TEMPORALITY_CUMULATIVE"];
const delta = 1;
/** Buckets of one histogram; OpenTelemetry's own default is 160. */
const bucketsMax = 1_000;

interface Reading {
  readonly refusals: Refusals;
  readonly nowMs: number;
}

type Common = Pick<MetricPoint, "name" | "help" | "unit">;

export function pointsOf(metric: Loose, { nowMs, refusals }: Reading): readonly MetricPoint[] {
  const common = { name: nameOf(metric["name"]), help: textOf(metric["description"]), unit: nameOf(metric["unit"]) };
  const reader = readerOf(metric);
  const points = reader.points.map(objectOf);
  if (common.name === "") refusals.refuse(Math.max(1, points.length), "a metric needs a name");
  if (common.name === "") return [];
  if (reader.why !== undefined) refusals.refuse(Math.max(1, points.length), reader.why);
  if (reader.why !== undefined) return [];
  return points.flatMap((point) => refusals.keep(toPoint(common, point, { ...reader, nowMs })));
}

interface Reader {
  readonly points: readonly unknown[];
  readonly type: MetricPoint["type"];
  readonly temporality: MetricPoint["temporality"];
  readonly read: (point: Loose) => Pick<MetricPoint, "value" | "histogram"> | string;
  /** Why none of it is kept. */
  readonly why?: string;
}

function readerOf(metric: Loose): Reader {
  const [kind = "gauge", data] = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"].map((name) => [name, metric[name]] as const).find(([, value]) => value !== undefined) ?? [];
  const { aggregationTemporality, dataPoints, isMonotonic } = objectOf(data);
  const points = listOf(dataPoints);
  const temporality = enumOf(aggregationTemporality, temporalityNames) === delta ? "delta" : "cumulative";
  if (kind === "sum") return { points, type: isMonotonic === true ? "counter" : "gauge", temporality, read: numberIn };
  if (kind === "histogram") return { points, type: "histogram", temporality, read: histogramIn };
  if (kind === "exponentialHistogram") return { points, type: "histogram", temporality, read: exponentialIn };
  if (kind === "summary") return { points, type: "gauge", temporality, read: numberIn, why: "summaries are not kept: send histograms" };
  return { points, type: "gauge", temporality: "cumulative", read: numberIn, ...(data === undefined ? { why: "a metric needs data of a kind that is known" } : {}) };
}

function toPoint(common: Common, point: Loose, { nowMs, read, temporality, type }: Reader & { readonly nowMs: number }): MetricPoint | string {
  const value = read(point);
  if (typeof value === "string") return value;
  return { ...common, type, temporality, labels: labelsOf(point["attributes"]), timeMs: msOf(point["timeUnixNano"]) ?? nowMs, ...value };
}

function labelsOf(pairs: unknown): Labels {
  return Object.fromEntries(Object.entries(attributesOf(pairs)).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]));
}

function numberIn(point: Loose): Pick<MetricPoint, "value"> | string {
  const value = numberOf(point["asDouble"]) ?? numberOf(point["asInt"]);
  return value === undefined ? "a point needs a number" : { value };
}

function histogramIn(point: Loose): Pick<MetricPoint, "histogram"> | string {
  const bounds = listOf(point["explicitBounds"]).map(numberOf);
  const counts = listOf(point["bucketCounts"]).map(numberOf);
  const count = numberOf(point["count"]);
  if (count === undefined) return "a histogram needs a count";
  // Without buckets it still has a count and a sum.
  const isWhole = counts.length === bounds.length + 1 || (counts.length === 0 && bounds.length === 0);
  if (!isWhole || counts.length > bucketsMax || !isAscending(bounds) || counts.includes(undefined)) return "the buckets of a histogram do not fit its bounds";
  return { histogram: { bounds: bounds as readonly number[], counts: counts.length === 0 ? [count] : (counts as readonly number[]), sum: numberOf(point["sum"]) ?? 0, count } };
}

function isAscending(bounds: readonly (number | undefined)[]): boolean {
  return bounds.every((bound, at) => bound !== undefined && (at === 0 || bound > (bounds[at - 1] ?? Number.NaN)));
}

/** Bucket `i` holds values up to base^(i + 1), where base = 2^(2^-scale). */
function exponentialIn(point: Loose): Pick<MetricPoint, "histogram"> | string {
  const count = numberOf(point["count"]);
  const scale = numberOf(point["scale"]) ?? 0;
  const zeroCount = numberOf(point["zeroCount"]) ?? 0;
  const { bucketCounts, offset } = objectOf(point["positive"]);
  const counts = listOf(bucketCounts).map((each) => numberOf(each) ?? 0);
  const below = listOf(objectOf(point["negative"])["bucketCounts"]).some((each) => (numberOf(each) ?? 0) > 0);
  if (count === undefined) return "a histogram needs a count";
  if (below) return "histograms of values below zero are not kept";
  const first = numberOf(offset) ?? 0;
  const bounds = [first, ...counts.map((_, at) => first + at + 1)].map((power) => 2 ** (power * 2 ** -scale));
  if (counts.length > bucketsMax || !isAscending(bounds) || !bounds.every(Number.isFinite)) return "the buckets of a histogram do not fit its scale";
  return { histogram: { bounds, counts: [zeroCount, ...counts, 0], sum: numberOf(point["sum"]) ?? 0, count } };
}
