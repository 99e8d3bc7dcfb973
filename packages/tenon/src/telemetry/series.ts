/**
 * Series of numbers, each bound to its labels: what the hot path holds. Adding to one is an addition; observing one is a
 * search among a few bounds. None of them allocates, save a histogram at its first exemplar.
 */
import type { Clock } from "../kernel/index.ts";
import type { Exemplar, HistogramValue } from "./signals.ts";

/**
 * Upper bounds in seconds: from a call that does nothing to one that nobody waits for; 2 to 2.5 apart.
 *
 * Explicit, and the same in every process: buckets of several processes can be added up, an objective that lies on a bound
 * is counted exactly, and text carries them. Native (exponential) histograms would be finer, but OpenMetrics 1.0 has no
 * words for them, and Prometheus takes them in protobuf alone.
 */
export const durationBoundsS: readonly number[] = Object.freeze([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]);

/** The span that a value was measured in. Read only when somebody collects: it may make its parts then. */
export type TraceRef = Pick<Exemplar, "traceId" | "spanId">;

/** Only ever grows. */
export class Counter {
  readonly sinceMs: number;
  value = 0;

  constructor(clock: Clock) {
    this.sinceMs = clock.nowMs();
  }

  /** @param by  Not below 0. Default 1. */
  add(by = 1): void {
    this.value += by;
  }
}

/** Goes up and down. */
export class Gauge {
  readonly sinceMs: number;
  value = 0;

  constructor(clock: Clock) {
    this.sinceMs = clock.nowMs();
  }

  set(value: number): void {
    this.value = value;
  }

  add(by: number): void {
    this.value += by;
  }
}

/** Counts values by size. */
export class Histogram {
  readonly sinceMs: number;
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[];
  /** One per bound and one for what is above all of them. Not cumulative. */
  readonly counts: Float64Array;
  sum = 0;
  readonly #clock: Clock;
  /** The same bounds, as bare numbers: a frozen array holds boxes, and a search through those takes four times as long. */
  readonly #edges: Float64Array;
  #exemplars: Exemplars | undefined = undefined;

  constructor(clock: Clock, bounds: readonly number[] = durationBoundsS) {
    this.#clock = clock;
    this.sinceMs = clock.nowMs();
    this.bounds = bounds;
    this.#edges = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  /**
   * @param value  In the unit of the metric: seconds, for durations.
   * @param trace  Stands for its bucket until the next one comes, and is kept for so long.
   */
  observe(value: number, trace?: TraceRef): void {
    const edges = this.#edges;
    let at = 0;
    while (at < edges.length && value > (edges[at] as number)) at += 1;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
    if (trace !== undefined) (this.#exemplars ??= new Exemplars(this.counts.length)).keep(at, value, { trace, timeMs: this.#clock.nowMs() });
  }

  /** As it is now: what is counted later does not change it. */
  read(): HistogramValue {
    const counts = this.counts.slice();
    const count = counts.reduce((sum, each) => sum + each, 0);
    const exemplars = this.#exemplars?.read();
    return { bounds: this.bounds, counts, sum: this.sum, count, ...(exemplars === undefined ? {} : { exemplars }) };
  }
}

/** The latest exemplar of each bucket. */
class Exemplars {
  readonly #values: Float64Array;
  readonly #timesMs: Float64Array;
  readonly #traces: (TraceRef | undefined)[];

  constructor(buckets: number) {
    this.#values = new Float64Array(buckets);
    this.#timesMs = new Float64Array(buckets);
    this.#traces = Array.from({ length: buckets });
  }

  keep(bucket: number, value: number, { timeMs, trace }: { readonly trace: TraceRef; readonly timeMs: number }): void {
    this.#values[bucket] = value;
    this.#timesMs[bucket] = timeMs;
    this.#traces[bucket] = trace;
  }

  read(): ReadonlyMap<number, Exemplar> {
    const read = new Map<number, Exemplar>();
    this.#traces.forEach((trace, at) => {
      if (trace !== undefined) read.set(at, { value: this.#values[at] as number, timeMs: this.#timesMs[at] as number, traceId: trace.traceId, spanId: trace.spanId });
    });
    return read;
  }
}
