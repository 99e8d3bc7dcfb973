/** What a scenario is given to run with, and what it gives back. */
import type { Children } from "./children.ts";
import type { Cores } from "./cores.ts";
import type { Pair, Spread } from "./ratio.ts";

export interface Subject {
  readonly name: string;
  /** Its server, relative to `bench/`. */
  readonly file: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Settings {
  /** Counted rounds; round 0 comes on top. */
  readonly rounds: number;
  /** Length of the measured window, in s. */
  readonly seconds: number;
  /** Names of the subjects that take part; empty: all. */
  readonly subjects: readonly string[];
  /** PostgreSQL on which databases may be created. */
  readonly databaseUrl: string;
  /** NATS with JetStream, on which streams may be made. */
  readonly natsUrl: string;
  /** For the scenario `events` alone. */
  readonly events: EventSettings;
}

/** What the scenario `events` can measure. */
export const eventMeasures = ["noop", "row", "latency", "backlog", "idle"] as const;
export type EventMeasure = (typeof eventMeasures)[number];

export interface EventSettings {
  /** Events whose handling is timed. */
  readonly jobs: number;
  /** Events that wait meanwhile, in the measure `backlog`. */
  readonly backlog: number;
  readonly measures: readonly EventMeasure[];
}

export interface Bench {
  readonly settings: Settings;
  readonly cores: Cores;
  readonly children: Children;
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
  /** One line of progress. */
  readonly say: (line: string) => void;
}

/** `tenon/raw` to the spread of each measure's ratio. */
export type Ratios = Readonly<Record<string, Readonly<Record<string, Spread>>>>;

export interface Outcome {
  /** Measure to its spread, by subject. */
  readonly subjects: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  readonly ratios: Ratios;
  /** Everything that was measured, turn by turn. */
  readonly figures: readonly object[];
  /** What else the result depends on, for the file: settings of the scenario's own, the database. */
  readonly facts?: object;
}

/** A scenario that cannot run here, told instead of left out. */
export interface Skipped {
  readonly skipped: string;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly subjects: readonly Subject[];
  readonly pairs: readonly Pair[];
  run(bench: Bench): Promise<Outcome | Skipped>;
}

/** A scenario's options with only the subjects that were asked for, and the pairs of which both sides are there. */
export function withChosenSubjects<O extends { readonly subjects: readonly Subject[]; readonly pairs: readonly Pair[] }>(options: O, { subjects }: Settings): O {
  if (subjects.length === 0) return options;
  return {
    ...options,
    subjects: options.subjects.filter(({ name }) => subjects.includes(name)),
    pairs: options.pairs.filter(({ subject, peer }) => subjects.includes(subject) && subjects.includes(peer)),
  };
}
