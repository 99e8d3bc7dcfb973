/**
 * What a team counts itself: metrics as plain values, declared beside the code that counts them.
 *
 *     const placed = counter("orders_placed", { help: "Orders placed.", labels: ["tier"] });
 *
 *     handlers: {
 *       place({ input, measure }) {
 *         measure(placed, 1, { tier: input.tier });
 *       },
 *     }
 *
 * A metric holds no numbers, so declaring one in a module is as safe as reading it; the numbers are the running app's, whose
 * handler hands over `measure`. Two apps in one process, or two tests, each see their own.
 */
import type { DeclaredMetric } from "../telemetry/index.ts";

export interface MetricOptions<L extends string> {
  /** A sentence: what is counted. */
  readonly help: string;
  /** What the numbers are, in base units: `seconds`, `bytes`, `euros`. The name ends with it. Default: pieces. */
  readonly unit?: string;
  /** What it is told apart by. Values are to be few, and never personal: each combination is a series of its own. */
  readonly labels?: readonly L[];
}

export interface HistogramOptions<L extends string> extends MetricOptions<L> {
  /** Upper bounds of the buckets, ascending and above 0. Needed unless the unit is `seconds`, whose default is 0.5 ms to 10 s. */
  readonly bounds?: readonly number[];
}

/** A metric that a handler measures. */
export interface Metric<L extends string = string> extends DeclaredMetric {
  readonly kind: "tenon-metric";
  readonly labels: readonly L[];
}

/**
 * Adds to a counter, sets a gauge, or observes a value of a histogram. Labels are needed where the metric has some. What is
 * no finite number, or below 0 for a counter or a histogram, is left out, and the log tells of it.
 *
 * It counts when the call has ended, well or not, and once: an attempt that is run again, since the transaction lost
 * against another one, takes back what it measured.
 */
export type Measure = <L extends string>(metric: Metric<L>, value: number, ...labels: [L] extends [never] ? [] : [labels: Readonly<Record<L, string>>]) => void;

/** Bounds there may be: each is a series in every scrape. */
const boundsMax = 100;
const namePattern = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
/** The platform's own, and those of the process. */
const ownPrefixes = ["tenon_", "process_", "nodejs_"];
/** What formats put behind a name. */
const takenSuffixes = ["_total", "_created", "_bucket", "_sum", "_count", "_info"];

/**
 * Declares what only grows: `counter("orders_placed", { help: "Orders placed.", labels: ["tier"] })` is shown as
 * `orders_placed_total{tier="…"}`.
 *
 * @throws {RangeError} the name, the unit or a label cannot be one.
 */
export function counter<const L extends string = never>(name: string, options: MetricOptions<L>): Metric<L> {
  return declare("counter", name, options);
}

/**
 * Declares what goes up and down: `measure` sets it.
 *
 * @throws {RangeError} the name, the unit or a label cannot be one.
 */
export function gauge<const L extends string = never>(name: string, options: MetricOptions<L>): Metric<L> {
  return declare("gauge", name, options);
}

/**
 * Declares what is counted by size: `histogram("parcel_kilograms", { help: "Weight.", unit: "kilograms", bounds: [1, 5, 30] })`.
 *
 * @throws {RangeError} the name, the unit, a label or the bounds cannot be one.
 */
export function histogram<const L extends string = never>(name: string, options: HistogramOptions<L>): Metric<L> {
  const { bounds, unit } = options;
  if (bounds === undefined && unit !== "seconds") throw new RangeError(`the histogram ${name} needs bounds: those that are there by default are of durations in seconds`);
  if (bounds !== undefined) assertBounds(name, bounds);
  return declare("histogram", name, options);
}

function declare<L extends string>(type: DeclaredMetric["type"], name: string, options: HistogramOptions<L>): Metric<L> {
  const { bounds, help, labels = [], unit } = options;
  assertName(name, unit);
  for (const label of labels) {
    if (!namePattern.test(label) || label === "le") throw new RangeError(`"${label}" cannot be a label of ${name}: lower-case letters, digits and _, and not "le", which buckets have`);
  }
  if (new Set(labels).size < labels.length) throw new RangeError(`${name} has a label twice`);
  return Object.freeze({ kind: "tenon-metric", type, name, help, labels, ...(unit === undefined ? {} : { unit }), ...(bounds === undefined ? {} : { bounds }) });
}

function assertName(name: string, unit: string | undefined): void {
  if (!namePattern.test(name)) throw new RangeError(`"${name}" cannot be the name of a metric: lower-case letters, digits and _, starting with a letter`);
  const prefix = ownPrefixes.find((each) => name.startsWith(each));
  if (prefix !== undefined) throw new RangeError(`the metric ${name} begins with ${prefix}, as those of the platform do: choose another name`);
  const suffix = takenSuffixes.find((each) => name.endsWith(each));
  if (suffix !== undefined) throw new RangeError(`the metric ${name} ends with ${suffix}, which is added where it belongs: leave it out`);
  if (unit !== undefined && !name.endsWith(`_${unit}`)) throw new RangeError(`the metric ${name} is in ${unit}, so its name ends with it: ${name}_${unit}`);
}

function assertBounds(name: string, bounds: readonly number[]): void {
  const isAscending = bounds.every((bound, at) => Number.isFinite(bound) && bound > (bounds[at - 1] ?? 0));
  if (!isAscending || bounds.length === 0 || bounds.length > boundsMax) throw new RangeError(`the bounds of ${name} have to be 1 to ${boundsMax} numbers above 0, each above the one before`);
}
