/**
 * Workflows: work that takes longer than a call, written as plain code. The platform runs the code from its start at every
 * turn; steps that finished give back what they gave, so nothing is done twice and nothing is forgotten.
 *
 * Code outside of steps must come to the same steps at every turn: what depends on time, chance or the world belongs into a
 * step, or comes from `flow.now`, `flow.random` and `flow.uuid`.
 */
import type { AnyOutput, CallPromise, ContractEvent, DeclaredFaults, ErrorSpecs, InputOf, NoErrors, NoInput, Operation, OperationKind, OutputOf, Received, RetryOptions, Returned, Schema } from "../contract/index.ts";
import type { CallOperation } from "../calls/index.ts";
import type { Db } from "../data/index.ts";
import type { Duration, Log } from "../kernel/index.ts";
import type { Measure } from "./measures.ts";
import type { Dependency, Emit, Fail, NoConfig, NoTables, Tables } from "./needs.ts";

/** What is kept of a value: what JSON has of it. A `Date` comes back as its text, and so does a big integer. */
export type Recorded<T> = T extends string | number | boolean | null | undefined | void
  ? T
  : T extends bigint
  ? string
  : T extends { toJSON(): infer J }
    ? J
    : T extends object
      ? { [K in keyof T]: Recorded<T[K]> }
      : T;

export interface StepOptions extends RetryOptions {
  /** How long one attempt may take. Default: the workflow's. */
  readonly deadline?: Duration;
}

/** What the code of a step gets. Its effects, its result and its record are one transaction. */
export interface StepContext<T extends Tables = NoTables, C extends Schema = NoConfig> {
  readonly db: Db<T>;
  /** Rows as last committed, outside of the transaction. */
  readonly read: Db<T>;
  /** Calls an operation, before the first use of `db`; a repeated attempt repeats it under the same idempotency key. */
  readonly call: CallOperation;
  readonly emit: Emit;
  readonly start: StartRun;
  readonly log: Log;
  /** Counts with a metric of the service's own: `measure(placed, 1, { tier })`. */
  readonly measure: Measure;
  /** Does something outside of the app where it can be seen: `dependency("payment provider", () => fetch(url))`. */
  readonly dependency: Dependency;
  /** Aborted when the deadline passes or the run is canceled. */
  readonly signal: AbortSignal;
  readonly remainingMs: number;
  readonly config: OutputOf<C>;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same at every attempt: for systems outside that take such a key. */
  readonly idempotencyKey: string;
  /** `throw giveUp("no such address")`: no further attempt, the step has failed. */
  readonly giveUp: (reason: string) => Error;
}

type Events = readonly ContractEvent[];
/** A workflow that gives nothing back has no output. */
type Result = Schema | undefined;

/** What the code of a workflow is given. Every name is unique in its place; a repeated one becomes `charge#2`, `charge#3`. */
export interface Flow<I extends Schema = NoInput, E extends ErrorSpecs = NoErrors, V extends Events = Events, T extends Tables = NoTables, C extends Schema = NoConfig> {
  /** Of the run: `checkout:42`. */
  readonly id: string;
  readonly input: OutputOf<I>;
  /** `throw flow.fail.X(...)`: fails the run with an error that the workflow declares. */
  readonly fail: Fail<E>;
  /** Silent while steps on record are gone through again. */
  readonly log: Log;
  /** Work that is done once: rows, events, calls. */
  step<R>(name: string, work: (context: StepContext<T, C>) => R): Promise<Recorded<Awaited<R>>>;
  step<R>(name: string, options: StepOptions, work: (context: StepContext<T, C>) => R): Promise<Recorded<Awaited<R>>>;
  /** Calls an operation under an idempotency key of this run and step. Its declared errors are not retried: take them apart with `outcome`. */
  call<K extends OperationKind, I2 extends Schema, O extends AnyOutput, E2 extends ErrorSpecs>(
    name: string,
    operation: Operation<K, I2, O, E2>,
    ...rest: undefined extends InputOf<I2> ? [input?: InputOf<I2>, options?: StepOptions] : [input: InputOf<I2>, options?: StepOptions]
  ): CallPromise<Received<O>, E2>;
  /** Says how what was done so far is undone. Undo steps run in reverse when the run fails or is canceled. */
  undo(name: string, work: (context: StepContext<T, C>) => unknown): void;
  undo(name: string, options: StepOptions, work: (context: StepContext<T, C>) => unknown): void;
  sleep(name: string, duration: Duration): Promise<void>;
  /** Waits for an event that came, or comes, after the run was started. With a time-out, `undefined` when it passes. */
  until<D extends Schema>(name: string, event: ContractEvent<D> & V[number], options?: { readonly key?: string }): Promise<OutputOf<D>>;
  until<D extends Schema>(name: string, event: ContractEvent<D> & V[number], options: { readonly key?: string; readonly timeout: Duration }): Promise<OutputOf<D> | undefined>;
  /** Asks a person, who answers by `tenon workflows answer` or by `runs.answer`. */
  ask<S extends Schema>(name: string, options: { readonly question: string; readonly schema: S }): Promise<OutputOf<S>>;
  ask<S extends Schema>(name: string, options: { readonly question: string; readonly schema: S; readonly timeout: Duration }): Promise<OutputOf<S> | undefined>;
  /** Branches beside each other, each with a flow of its own. Ends when all have; the first failure, in their order, is thrown. */
  all<B extends Readonly<Record<string, (flow: Flow<I, E, V, T, C>) => unknown>>>(name: string, branches: B): Promise<{ readonly [K in keyof B]: Awaited<ReturnType<B[K]>> }>;
  /** A run of another workflow of this service. Its declared errors are failures here, as with `call`. */
  child<I2 extends Schema, O extends Result, E2 extends ErrorSpecs>(
    name: string,
    workflow: Workflow<I2, O, E2, never, never>,
    ...rest: undefined extends InputOf<I2> ? [input?: InputOf<I2>] : [input: InputOf<I2>]
  ): CallPromise<Received<O>, E2>;
  /** Marks a change of the code: runs that had passed here get 1, later ones `current`, and each keeps what it got. */
  version(name: string, current: number): Promise<number>;
  /** When the last step ended: the same at every turn. */
  now(): Date;
  /** From 0 up to 1: the same at every turn. */
  random(): number;
  uuid(): string;
}

export interface WorkflowOptions<I extends Schema, O extends Result, E extends ErrorSpecs, V extends Events> {
  readonly input?: I;
  readonly output?: O;
  /** How a run may fail, as an operation declares it. */
  readonly errors?: E;
  /**
   * The field of the input that names the person of whom a run tells. Persons whose data is met by the call that starts a run,
   * by its steps and in its events are known without it.
   */
  readonly subject?: keyof OutputOf<I> & string;
  /** What `flow.until` may wait for: the platform delivers these to the runs. */
  readonly events?: V;
  /** Of its steps, where they say nothing else. Default: 10 attempts within a week, the first wait below a second. */
  readonly retry?: RetryOptions;
  /** How long one attempt at a step may take. Default `"30s"`. */
  readonly deadline?: Duration;
  /** Runs at work at once in one process; those that wait do not count. Default 4. */
  readonly concurrency?: number;
}

/** A workflow: made by `workflow` of `reactions(tables)`. */
export interface Workflow<I extends Schema = Schema, O extends Result = Result, E extends ErrorSpecs = ErrorSpecs, T extends Tables = NoTables, C extends Schema = NoConfig> {
  readonly kind: "workflow";
  readonly name: string;
  readonly input: I | undefined;
  readonly output: O | undefined;
  readonly errors: E;
  readonly subject: string | undefined;
  readonly events: Events;
  readonly options: { readonly retry?: RetryOptions; readonly deadline?: Duration; readonly concurrency?: number };
  readonly code: (flow: never) => unknown;
  /** For the compiler alone: which tables and settings the code counts on. */
  readonly needs?: (tables: T, config: C) => void;
}

/** A workflow of any kind. */
export type AnyWorkflow = Workflow<Schema, Result, ErrorSpecs, never, never>;

/** Makes a workflow. The name is its name for ever: runs are known by it. */
export type MakeWorkflow<T extends Tables, C extends Schema> = <
  I extends Schema = NoInput,
  O extends Result = undefined,
  const E extends ErrorSpecs = NoErrors,
  const V extends Events = readonly [],
>(
  name: string,
  options: WorkflowOptions<I, O, E, V>,
  code: (flow: Flow<I, E, V, T, C>) => Promise<Returned<O>>,
) => Workflow<I, O, E, T, C>;

export function createWorkflow(name: string, options: WorkflowOptions<Schema, Result, ErrorSpecs, Events>, code: Workflow["code"]): Workflow {
  const { errors = {}, events = [], input, output, subject, ...rest } = options;
  return { kind: "workflow", name, input, output, errors, subject, events, options: rest, code };
}

/** A run that was started, or was there already. */
export interface StartedRun {
  /** `checkout:42` */
  readonly id: string;
}

export interface StartOptions {
  /** A second start under the same one starts nothing. Default: a UUID. 200 characters at most. */
  readonly id?: string;
}

type StartRest<I extends Schema> = undefined extends InputOf<I> ? [input?: InputOf<I>, options?: StartOptions] : [input: InputOf<I>, options?: StartOptions];

/** `start(checkout, { ... }, { id: order.id })`: a run of one of the service's workflows, if and only if this transaction commits. */
export type StartRun = <I extends Schema, O extends Result, E extends ErrorSpecs>(workflow: Workflow<I, O, E, never, never>, ...rest: StartRest<I>) => Promise<StartedRun>;

/** How a run failed. */
export type RunFailure<E extends ErrorSpecs> =
  | DeclaredFaults<E>
  | { readonly reason?: undefined; readonly name: string; readonly message: string; readonly step?: string };

/** A run as it stood when it was read. */
export type RunInfo<O extends Result, E extends ErrorSpecs> = {
  readonly id: string;
  /** RFC 3339, in UTC. */
  readonly startedAt: string;
} & (
  | { readonly state: "running" | "compensating" | "parked"; readonly result?: undefined; readonly failure?: undefined }
  | { readonly state: "completed"; readonly result: Received<O>; readonly failure?: undefined }
  | { readonly state: "failed" | "canceled"; readonly result?: undefined; readonly failure: RunFailure<E> }
);

/** Runs of the service's workflows, for its handlers. */
export interface ReadRuns {
  /** `undefined` where there is none, or none any more. */
  get<I extends Schema, O extends Result, E extends ErrorSpecs>(workflow: Workflow<I, O, E, never, never>, id: string): Promise<RunInfo<O, E> | undefined>;
}

export interface Runs extends ReadRuns {
  /** Asks a run to end, if and only if this transaction commits: its undo steps run. Nothing happens where it has ended. */
  cancel(workflow: AnyWorkflow, id: string, reason: string): Promise<void>;
  /**
   * Answers a question of a run, if and only if this transaction commits.
   *
   * @throws {Fault} `not_found`: nobody asks that (any more). `invalid_argument`: the answer does not fit.
   */
  answer(workflow: AnyWorkflow, id: string, question: string, answer: unknown): Promise<void>;
}
