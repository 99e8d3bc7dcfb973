/**
 * What an app counts: one registry for each, so that two apps in a process, or two tests, see their own figures.
 *
 * Series are made of what code says, and memory is bounded by {@link MetricsOptions.seriesMax} a name. Most are bound to
 * their labels at start; `collect` reads them all for whoever shows or sends them. Nothing here waits, nor has a timer:
 * figures that have to be asked for elsewhere are fetched by `refresh`, which whoever collects calls before.
 */
import type { Clock, Log } from "../kernel/index.ts";
import { Family, type FamilyOptions, type MetricSpec } from "./family.ts";
import { Counter, durationBoundsS, Gauge, Histogram, type TraceRef } from "./series.ts";
import type { Labels, MetricFamily, Series } from "./signals.ts";

export interface MetricsOptions {
  readonly clock: Clock;
  /** Is told, once a name, of labels that have too many values and of values that cannot be counted. Default: nobody is. */
  readonly log?: Log;
  /** Most series of one name; what is above is counted under `other`. Default 1 000: a page of all of them is read in milliseconds. */
  readonly seriesMax?: number;
}

export interface HistogramSpec extends MetricSpec {
  /** Upper bounds in the unit of the metric, ascending. Default {@link durationBoundsS}. */
  readonly bounds?: readonly number[];
}

/** A metric that was declared as a plain value, to be bound to the registry of whichever app counts it. */
export interface DeclaredMetric extends HistogramSpec {
  readonly type: MetricFamily["type"];
}

/** One value that is read when somebody collects. */
export interface Reading {
  /** In the order of the labels of the metric. Default: none. */
  readonly labels?: readonly string[];
  readonly value: number;
}

export interface WatchedSpec extends MetricSpec {
  readonly type: "counter" | "gauge";
  /** When counting began, in ms since 1970. Default: when the registry was made. */
  readonly sinceMs?: number;
}

/** The longest value of a label, in characters, that is taken as it is; the rest is cut off. */
const labelMaxChars = 200;

type Held =
  | { readonly type: "counter"; readonly family: Family<Counter> }
  | { readonly type: "gauge"; readonly family: Family<Gauge> }
  | { readonly type: "histogram"; readonly family: Family<Histogram>; readonly bounds: readonly number[] };

export class Metrics {
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #seriesMax: number;
  readonly #sinceMs: number;
  readonly #families = new Map<string, Held>();
  readonly #watched = new Map<string, { readonly spec: WatchedSpec; readonly read: () => Iterable<Reading> }>();
  readonly #refreshers: (() => Promise<void>)[] = [];
  /** By the value that declares it; `"unusable"` where another one of its name was there first. */
  readonly #declared = new WeakMap<DeclaredMetric, Held | "unusable">();
  readonly #meters = new Map<string, OperationMeter>();
  /** Names of which the log has been told. */
  readonly #told = new Set<string>();
  readonly #calls: Family<Counter>;
  readonly #durations: Family<Histogram>;
  readonly #others: Family<Counter>;

  constructor({ clock, log, seriesMax = 1_000 }: MetricsOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#seriesMax = seriesMax;
    this.#sinceMs = clock.nowMs();
    this.#others = this.counter({ name: "tenon_metric_values_unlabeled", help: "Values counted under the label value other, since their metric had too many series.", labels: ["metric"] });
    this.#calls = this.counter({ name: "tenon_calls", help: "Calls, deliveries and steps that ended.", labels: ["operation", "kind", "code"] });
    this.#durations = this.histogram({ name: "tenon_call_duration_seconds", help: "How long calls, deliveries and steps took.", unit: "seconds", labels: ["operation", "kind"] });
  }

  /** @throws {RangeError} another metric has this name. */
  counter(spec: MetricSpec): Family<Counter> {
    return this.#hold("counter", spec, () => ({ type: "counter", family: new Family(spec, this.#familyOptions(spec, () => new Counter(this.#clock))) })).family as Family<Counter>;
  }

  /** @throws {RangeError} another metric has this name. */
  gauge(spec: MetricSpec): Family<Gauge> {
    return this.#hold("gauge", spec, () => ({ type: "gauge", family: new Family(spec, this.#familyOptions(spec, () => new Gauge(this.#clock))) })).family as Family<Gauge>;
  }

  /** @throws {RangeError} another metric has this name. */
  histogram(spec: HistogramSpec): Family<Histogram> {
    const { bounds = durationBoundsS } = spec;
    return this.#hold("histogram", spec, () => ({ type: "histogram", bounds, family: new Family(spec, this.#familyOptions(spec, () => new Histogram(this.#clock, bounds))) })).family as Family<Histogram>;
  }

  /**
   * Figures that somebody else keeps. `read` is asked at every collection, and must be quick; while it throws, there are none.
   *
   * @throws {RangeError} another metric has this name.
   */
  watch(spec: WatchedSpec, read: () => Iterable<Reading>): void {
    this.#assertFree(spec.name);
    this.#watched.set(spec.name, { spec, read });
  }

  /** Adds a task to {@link refresh}. It must end in bounded time and must not fail. */
  onRefresh(task: () => Promise<void>): void {
    this.#refreshers.push(task);
  }

  /** Fetches figures that have to be asked for elsewhere. To be called before {@link collect}. */
  async refresh(): Promise<void> {
    await Promise.all(this.#refreshers.map((task) => task()));
  }

  /** The meter of one operation. The contract bounds its codes, so no caller can make the number of series grow. */
  operation(id: string, kind = "command"): OperationMeter {
    let meter = this.#meters.get(id);
    if (meter === undefined) {
      meter = new OperationMeter(this.#durations.with(id, kind), (code) => this.#calls.with(id, kind, code));
      meter.expect("ok"); // from 0 on, or a rate would not see the first call
      this.#meters.set(id, meter);
    }
    return meter;
  }

  /**
   * Counts, sets or observes a declared metric. Never fails: a value that is none is left out, and told of.
   *
   * @param labels  One value for each label of the metric.
   */
  measure(metric: DeclaredMetric, value: number, labels?: Labels): void {
    const held = this.#declared.get(metric) ?? this.#declare(metric);
    if (held === "unusable") return;
    if (!Number.isFinite(value) || (held.type !== "gauge" && value < 0)) {
      this.#tell(metric.name, "a value of a metric is no number that can be counted, and was left out");
      return;
    }
    const values = (metric.labels ?? []).map((name) => toLabel(labels?.[name]));
    if (held.type === "counter") held.family.with(...values).add(value);
    else if (held.type === "gauge") held.family.with(...values).set(value);
    else held.family.with(...values).observe(value);
  }

  /** Everything, as it is now. Metrics that have no series yet are left out. */
  collect(): readonly MetricFamily[] {
    const families = [...this.#families.values()].map(({ family, type }) => toFamily(family.spec, type, family.series.map(({ labels, series }) => toSeries(labels, series))));
    const watched = [...this.#watched.values()].map(({ read, spec }) => toFamily(spec, spec.type, this.#readWatched(spec, read)));
    return [...families, ...watched].filter(({ series }) => series.length > 0);
  }

  #readWatched({ labels = [], name, sinceMs = this.#sinceMs }: WatchedSpec, read: () => Iterable<Reading>): readonly Series[] {
    try {
      return Array.from(read(), ({ labels: values = [], value }) => ({ labels: Object.fromEntries(labels.map((label, at) => [label, values[at] ?? ""])), value, sinceMs }));
    } catch (error) {
      this.#tell(name, "a metric could not be read", error);
      return [];
    }
  }

  #hold(type: Held["type"], spec: HistogramSpec, create: () => Held): Held {
    const known = this.#families.get(spec.name);
    if (known !== undefined && isSame(known, type, spec)) return known;
    this.#assertFree(spec.name);
    const held = create();
    this.#families.set(spec.name, held);
    return held;
  }

  #assertFree(name: string): void {
    if (this.#families.has(name) || this.#watched.has(name)) throw new RangeError(`there are two metrics of the name ${name}, and they are not the same`);
  }

  /** Two declarations that say the same are one metric: a module may be loaded twice. */
  #declare(metric: DeclaredMetric): Held | "unusable" {
    let held: Held | "unusable" = "unusable";
    try {
      this[metric.type](metric);
      held = this.#families.get(metric.name) as Held;
    } catch (error) {
      this.#tell(metric.name, "a metric cannot be counted", error);
    }
    this.#declared.set(metric, held);
    return held;
  }

  #familyOptions<S>({ name }: MetricSpec, create: () => S): FamilyOptions<S> {
    return {
      max: this.#seriesMax,
      create,
      onOther: () => {
        this.#tell(name, `a metric has more than ${this.#seriesMax} series: the rest is counted under the label value other`);
        this.#others.with(name).add();
      },
    };
  }

  #tell(metric: string, message: string, error?: unknown): void {
    if (this.#told.has(metric)) return;
    this.#told.add(metric);
    this.#log?.warn(message, { metric, ...(error === undefined ? {} : { error }) });
  }
}

/** What is counted for one operation. */
export class OperationMeter {
  readonly #durations: Histogram;
  readonly #counterOf: (code: string) => Counter;
  readonly #counters = new Map<string, Counter>();

  constructor(durations: Histogram, counterOf: (code: string) => Counter) {
    this.#durations = durations;
    this.#counterOf = counterOf;
  }

  /** Shows a code before it has come. */
  expect(code: string): void {
    this.#counters.set(code, this.#counterOf(code));
  }

  /**
   * @param code  `ok`, or the public code of a fault.
   * @param trace  The span of the call, where it is recorded.
   */
  observe(code: string, ms: number, trace?: TraceRef): void {
    this.#durations.observe(ms / 1000, trace);
    let counter = this.#counters.get(code);
    if (counter === undefined) this.#counters.set(code, (counter = this.#counterOf(code)));
    counter.add();
  }
}

/** What is handed over may come from code that nobody compiled. */
function toLabel(value: unknown): string {
  if (typeof value === "string") return value.slice(0, labelMaxChars);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

function isSame(known: Held, type: Held["type"], spec: HistogramSpec): boolean {
  const { spec: own } = known.family;
  const bounds = known.type === "histogram" ? known.bounds : undefined;
  const theirs = type === "histogram" ? (spec.bounds ?? durationBoundsS) : undefined;
  return known.type === type && (own.unit ?? "") === (spec.unit ?? "") && String(own.labels ?? []) === String(spec.labels ?? []) && String(bounds) === String(theirs);
}

function toFamily({ help, name, unit = "" }: MetricSpec, type: MetricFamily["type"], series: readonly Series[]): MetricFamily {
  return { name, help, unit, type, series };
}

function toSeries(labels: Labels, series: Counter | Gauge | Histogram): Series {
  if (series instanceof Histogram) return { labels, histogram: series.read(), sinceMs: series.sinceMs };
  return { labels, value: series.value, sinceMs: series.sinceMs };
}
