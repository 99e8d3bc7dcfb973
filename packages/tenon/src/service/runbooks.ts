/**
 * Runbooks: what to do when something is wrong, as code that is at hand with the incident. Each step can be tried without
 * changing anything, and what came of it is in the incident's time line.
 */
import type { Operation, OutputOf, Schema } from "../contract/index.ts";
import type { CallOperation } from "../calls/index.ts";
import type { Db } from "../data/index.ts";
import type { Duration, Log } from "../kernel/index.ts";
import type { Dependency, Emit, NoConfig, NoTables, Tables } from "./needs.ts";
import type { ReadRuns, Runs, StartRun } from "./workflows.ts";

/** The incident for which a step runs. */
export interface IncidentInfo {
  readonly id: string;
  readonly title: string;
  /** When the trouble began, in UTC (RFC 3339). */
  readonly onset: string;
  /** Operations and subscriptions whose objectives are in danger. */
  readonly subjects: readonly string[];
  /** What is suspected, as the graph of calls names it: `dependency:payment provider`; `undefined` where nothing is. */
  readonly suspect: string | undefined;
}

interface LookContext<I extends Schema, T extends Tables, C extends Schema> {
  /** What the person who runs the step gave, validated. */
  readonly input: OutputOf<I>;
  readonly incident: IncidentInfo;
  /** Rows as last committed. */
  readonly read: Db<T>;
  readonly dependency: Dependency;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly remainingMs: number;
  readonly config: OutputOf<C>;
}

export interface DryRunContext<I extends Schema, T extends Tables, C extends Schema> extends LookContext<I, T, C> {
  /** Read-only: the database refuses a write. */
  readonly db: Db<T>;
  readonly runs: ReadRuns;
}

export interface RunbookContext<I extends Schema, T extends Tables, C extends Schema> extends LookContext<I, T, C> {
  /** The service's rows, in the step's one transaction. */
  readonly db: Db<T>;
  /** Calls an operation, as the platform, before the first use of `db`. */
  readonly call: CallOperation;
  readonly emit: Emit;
  readonly start: StartRun;
  readonly runs: Runs;
  readonly idempotencyKey: string;
}

export interface RunbookStepOptions<I extends Schema, T extends Tables, C extends Schema> {
  /** What it does, for whoever is about to run it. */
  readonly about: string;
  /** What has to be given to it: `--input '{ "orderId": "…" }'`. */
  readonly input?: I;
  /** How long it may take. Default `"5m"`. */
  readonly deadline?: Duration;
  /**
   * Says what `run` would do, and changes nothing. Left out, `run` itself is tried in a transaction that is rolled back,
   * which shows the rows that it would change; it stops at the first call to an operation. Give one where `run` does
   * something outside.
   */
  readonly dryRun?: (context: DryRunContext<I, T, C>) => unknown;
  /** Does it. What it returns is kept in the time line as JSON, so it is to name counts and ids, and nobody. */
  readonly run: (context: RunbookContext<I, T, C>) => unknown;
}

/** A step of a runbook. */
export interface RunbookStep<T extends Tables = NoTables, C extends Schema = NoConfig> {
  readonly kind: "runbook step";
  readonly name: string;
  readonly about: string;
  readonly input: Schema | undefined;
  readonly deadline: Duration;
  readonly dryRun: ((context: never) => unknown) | undefined;
  readonly run: (context: never) => unknown;
  /** For the compiler alone: which tables and settings it counts on. */
  readonly needs?: (tables: T, config: C) => void;
}

export interface RunbookOptions {
  /** When it is of use. */
  readonly about: string;
  /** Operations, or names of subscriptions of the service, whose trouble it is for. Default: all of the service. */
  readonly for?: readonly (Operation | string)[];
}

export interface Runbook<T extends Tables = NoTables, C extends Schema = NoConfig> {
  readonly kind: "runbook";
  readonly name: string;
  readonly about: string;
  /** Operations by id, subscriptions by name; empty for all of the service. */
  readonly subjects: readonly string[];
  readonly steps: readonly RunbookStep<T, C>[];
}

export interface RunbookMakers<T extends Tables, C extends Schema> {
  /** What to do when something is wrong: steps for a person, in order. */
  readonly runbook: (name: string, options: RunbookOptions, steps: readonly (RunbookStep<T, C> | RunbookStep<T>)[]) => Runbook<T, C>;
  /** One step of a runbook. */
  readonly step: <I extends Schema = Schema<undefined, undefined>>(name: string, options: RunbookStepOptions<I, T, C>) => RunbookStep<T, C>;
}

export function runbookMakers<T extends Tables, C extends Schema>(): RunbookMakers<T, C> {
  return {
    runbook: (name, { about, for: subjects = [] }, steps) => ({
      kind: "runbook",
      name,
      about,
      subjects: subjects.map((subject) => (typeof subject === "string" ? subject : subject.id)),
      steps: steps as readonly RunbookStep<T, C>[],
    }),
    step: (name, { about, deadline = "5m", dryRun, input, run }) => ({ kind: "runbook step", name, about, input, deadline, dryRun, run }),
  };
}

