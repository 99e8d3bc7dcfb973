/** Reads series of metrics: by name, labels and time, one point a step. */
import type { Labels, MetricFamily } from "../telemetry/index.ts";
import type { MetricPoint } from "./intake.ts";
import type { ReadSegment, Row } from "./read-segment.ts";

export interface MetricQuery {
  readonly name: string;
  /** Of the series, each with this value; `service` is that of its resource. */
  readonly labels?: Labels;
  /** From here on, in ms since 1970. */
  readonly fromMs: number;
  /** Up to here, itself included. */
  readonly toMs: number;
  /** One point for each so many ms, at the multiples of it. There may be 10 000 from `fromMs` to `toMs`. */
  readonly stepMs: number;
  /** Series, at most. Default 100, at most 1 000. */
  readonly limit?: number;
}

export interface StoredPoint {
  /** Of the last reading within the step; of a delta, of the last that was added. */
  readonly timeMs: number;
  readonly value?: number;
  readonly histogram?: StoredHistogram;
}

export interface StoredHistogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export interface StoredSeries {
  readonly name: string;
  readonly type: MetricFamily["type"];
  readonly unit: string;
  readonly help: string;
  readonly service: string;
  readonly labels: Labels;
  /** `cumulative`: a point is the last reading of its step. `delta`: the sum of its step. */
  readonly temporality: MetricPoint["temporality"];
  readonly points: readonly StoredPoint[];
}

const limitMax = 1_000;
const stepsMax = 10_000;
/** Readings that one question looks at. */
const examinedMax = 500_000;

interface Gathering extends Omit<StoredSeries, "points"> {
  /** By the number of the step. */
  readonly points: Map<number, StoredPoint>;
}

/** @throws {RangeError} a step of no length, too many steps, or a limit that is none. */
export function readSeries(segments: readonly ReadSegment[], query: MetricQuery): readonly StoredSeries[] {
  const { fromMs, limit = 100, stepMs, toMs } = query;
  if (!(stepMs > 0) || !((toMs - fromMs) / stepMs <= stepsMax)) throw new RangeError(`stepMs must make ${stepsMax} steps at most, got ${stepMs}`);
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > limitMax) throw new RangeError(`limit must be a whole number from 1 to ${limitMax}, got ${limit}`);
  const found = new Map<string, Gathering>();
  let left = examinedMax;
  for (const segment of segments) {
    for (const row of segment.all("SELECT s.*, r.service, r.attributes FROM series s LEFT JOIN resources r ON r.id = s.resource WHERE s.name = ?", query.name)) {
      const labels = JSON.parse(String(row["labels"])) as Labels;
      const service = String(row["service"]);
      if (!isAsked({ ...labels, service }, query.labels)) continue;
      const key = JSON.stringify([row["type"], row["temporality"], row["labels"], row["attributes"]]);
      if (!found.has(key) && found.size >= limit) continue;
      const series = found.get(key) ?? gatheringOf(row, { labels, service });
      found.set(key, series);
      left -= gather(series, segment, { query, id: Number(row["id"]), max: left });
    }
  }
  return [...found.values()].map((series) => ({ ...series, points: [...series.points.values()] })).filter(({ points }) => points.length > 0);
}

/** The names of all metrics, in alphabetic order, with what is known of them. 1 000 at most. */
export function metricNames(segments: readonly ReadSegment[]): readonly Pick<StoredSeries, "name" | "type" | "unit" | "help">[] {
  const rows = segments.flatMap((segment) => segment.all("SELECT DISTINCT name, type, unit, help FROM series LIMIT ?", limitMax));
  const byName = new Map(rows.map(({ help, name, type, unit }) => [String(name), { name: String(name), type: type as MetricFamily["type"], unit: String(unit), help: String(help) }]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limitMax);
}

function isAsked(labels: Labels, wanted: Labels = {}): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function gatheringOf(row: Row, { labels, service }: { readonly labels: Labels; readonly service: string }): Gathering {
  return {
    name: String(row["name"]),
    type: row["type"] as MetricFamily["type"],
    unit: String(row["unit"]),
    help: String(row["help"]),
    service,
    labels,
    temporality: row["temporality"] as MetricPoint["temporality"],
    points: new Map(),
  };
}

/** Returns how many readings it looked at. */
function gather(series: Gathering, segment: ReadSegment, { id, max, query }: { readonly query: MetricQuery; readonly id: number; readonly max: number }): number {
  const { fromMs, stepMs, toMs } = query;
  const [fromUs, toUs] = [Math.floor(fromMs * 1_000), Math.ceil(toMs * 1_000)];
  // Of a cumulative series SQLite gives the last reading of each step, and the others are never made into objects.
  const isCumulative = series.temporality === "cumulative";
  const sql = isCumulative
    ? "SELECT max(time_us) AS time, value, histogram FROM points WHERE series = ? AND time_us BETWEEN ? AND ? GROUP BY time_us / ? ORDER BY time LIMIT ?"
    : "SELECT time_us AS time, value, histogram FROM points WHERE series = ? AND time_us BETWEEN ? AND ? AND ? ORDER BY time LIMIT ?";
  const rows = segment.all(sql, id, fromUs, toUs, Math.max(1, Math.round(stepMs * 1_000)), Math.max(0, max));
  for (const row of rows) {
    const point = toPoint(row);
    const step = Math.floor(point.timeMs / stepMs);
    const before = series.points.get(step);
    series.points.set(step, isCumulative || before === undefined ? point : sum(before, point));
  }
  return rows.length;
}

function toPoint(row: Row): StoredPoint {
  const { histogram, time, value } = row;
  return {
    timeMs: Number(time) / 1_000,
    ...(typeof value === "number" ? { value } : {}),
    ...(typeof histogram === "string" ? { histogram: JSON.parse(histogram) as StoredHistogram } : {}),
  };
}

/** Two deltas. Histograms with other bounds do not add up: the later one stands for both. */
function sum(a: StoredPoint, b: StoredPoint): StoredPoint {
  const [one, other] = [a.histogram, b.histogram];
  if (one === undefined || other === undefined) return { timeMs: b.timeMs, value: (a.value ?? 0) + (b.value ?? 0) };
  if (one.bounds.join() !== other.bounds.join()) return b;
  return {
    timeMs: b.timeMs,
    histogram: { bounds: one.bounds, counts: one.counts.map((count, at) => count + (other.counts[at] ?? 0)), sum: one.sum + other.sum, count: one.count + other.count },
  };
}
