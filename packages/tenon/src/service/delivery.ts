/** What is common to everything that is delivered to a handler: an event, a run of a schedule. */
import type { Caller, LagObjective, OutputOf, RetryOptions, Schema } from "../contract/index.ts";
import type { CallOperation } from "../calls/index.ts";
import type { Db } from "../data/index.ts";
import type { Duration, Log } from "../kernel/index.ts";
import type { Measure } from "./measures.ts";
import type { Dependency, Emit, Tables } from "./needs.ts";
import type { Runs, StartRun } from "./workflows.ts";

/** What the handler of a delivery gets. */
export interface ReactionContext<T extends Tables, C extends Schema> {
  /** The service's rows, in the one transaction in which the delivery is marked as done. */
  readonly db: Db<T>;
  /** Rows as last committed, outside of the transaction. */
  readonly read: Db<T>;
  /** Calls an operation, before the first use of `db`. A repeated delivery repeats it under the same idempotency key. */
  readonly call: CallOperation;
  readonly emit: Emit;
  /** Starts a run of one of the service's workflows, if and only if this delivery is done. */
  readonly start: StartRun;
  readonly runs: Runs;
  /** The platform itself: a delivery has no caller of its own. */
  readonly caller: Caller;
  readonly log: Log;
  /** Counts with a metric of the service's own: `measure(placed, 1, { tier })`. */
  readonly measure: Measure;
  /** Does something outside of the app where it can be seen: `dependency("payment provider", () => fetch(url))`. */
  readonly dependency: Dependency;
  /** Aborted when the deadline passes or the process stops. */
  readonly signal: AbortSignal;
  readonly remainingMs: number;
  readonly config: OutputOf<C>;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same at every attempt: for systems outside that take such a key. */
  readonly idempotencyKey: string;
  /** `throw giveUp("no such order")`: no further attempt, a dead letter at once. */
  readonly giveUp: (reason: string) => Error;
}

export interface DeliveryOptions extends RetryOptions {
  /** Deliveries at once in one process. Default 4. */
  readonly concurrency?: number;
  /** How long one attempt may take. Default `"30s"`. */
  readonly deadline?: Duration;
  /**
   * Once a delivery is given up, later ones of its key `continue` (the default), or are `hold`: they wait until an
   * operator has retried or discarded the dead letter.
   */
  readonly afterDeath?: "continue" | "hold";
  /** How far behind its events it may be: `{ lag: "30s" }`. Alerts and an error budget follow from it. */
  readonly objective?: LagObjective;
}
