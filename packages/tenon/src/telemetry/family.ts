/**
 * All series of one name, by the values of their labels. A series is looked up once and then held by whoever counts; a
 * look-up is one step per label and allocates nothing.
 *
 * There are at most `max` of them. What is above goes to one more, whose labels all have the value `other`, so that sums
 * stay right and memory stays bounded whatever somebody puts into a label.
 */
import type { Labels } from "./signals.ts";

/** What a metric is called, and what it means. */
export interface MetricSpec {
  /** As in OpenMetrics, without `_total`: `tenon_calls`. Ends with the unit, where there is one. */
  readonly name: string;
  /** A sentence. */
  readonly help: string;
  /** `seconds`, `bytes`, `ratio`, …; left out for what is counted in pieces. */
  readonly unit?: string;
  readonly labels?: readonly string[];
}

/** The value of every label of what found no place of its own. */
export const otherValue = "other";

/** By the value of the first label, then of the second, down to the series. */
type Level<S> = Map<string, Level<S> | S>;

export interface FamilyOptions<S> {
  /** Most series of the name. */
  readonly max: number;
  readonly create: () => S;
  /** Told each time that something is counted under `other`. */
  readonly onOther: () => void;
}

export class Family<S extends object> {
  readonly spec: MetricSpec;
  readonly #labels: readonly string[];
  readonly #options: FamilyOptions<S>;
  readonly #root: Level<S> = new Map();
  readonly #all: { readonly labels: Labels; readonly series: S }[] = [];
  #only: S | undefined = undefined;
  #other: S | undefined = undefined;

  constructor(spec: MetricSpec, options: FamilyOptions<S>) {
    this.spec = spec;
    this.#labels = spec.labels ?? [];
    this.#options = options;
  }

  get series(): readonly { readonly labels: Labels; readonly series: S }[] {
    return this.#all;
  }

  /**
   * The series of these values, in the order of the labels. Made when it is first asked for.
   *
   * @throws {RangeError} there are more or fewer values than labels.
   */
  with(...values: readonly string[]): S {
    const last = this.#labels.length - 1;
    if (values.length !== last + 1) throw new RangeError(`${this.spec.name} has the labels ${this.#labels.join(", ") || "none"}, and was given ${values.length} values`);
    if (last === -1) return (this.#only ??= this.#create([]));
    let level = this.#root;
    for (let at = 0; at < last; at++) {
      const next = level.get(values[at] as string);
      if (next === undefined) return this.#add(values);
      level = next as Level<S>;
    }
    return (level.get(values[last] as string) as S | undefined) ?? this.#add(values);
  }

  #add(values: readonly string[]): S {
    if (this.#all.length - Number(this.#other !== undefined) >= this.#options.max) {
      this.#options.onOther();
      return (this.#other ??= this.#create(values.map(() => otherValue)));
    }
    const series = this.#create(values);
    let level = this.#root;
    for (const value of values.slice(0, -1)) {
      let next = level.get(value) as Level<S> | undefined;
      if (next === undefined) level.set(value, (next = new Map()));
      level = next;
    }
    level.set(values.at(-1) as string, series);
    return series;
  }

  #create(values: readonly string[]): S {
    const series = this.#options.create();
    this.#all.push({ labels: Object.fromEntries(this.#labels.map((name, at) => [name, values[at] as string])), series });
    return series;
  }
}
