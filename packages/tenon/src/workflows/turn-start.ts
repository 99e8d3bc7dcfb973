/** What a turn starts from, and the ways in which it ends. */
import type { RetryPolicy } from "../contract/index.ts";
import type { Clock, Random } from "../kernel/index.ts";
import type { IsFinal, Program, RunAttempt } from "./program.ts";
import type { Run, Step } from "./run.ts";
import type { RunStore } from "./run-store.ts";
import type { TurnOf } from "./statements.ts";

/** `forward` does work; `undo` and `look` only go as far as the record does. */
export type TurnMode = "forward" | "undo" | "look";

export type TurnEnd =
  | { readonly kind: "blocked" }
  /** It has done so much that others have their turn first. */
  | { readonly kind: "paused" }
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly thrown: unknown }
  | { readonly kind: "unfit"; readonly message: string }
  /** Not the run's failure: the turn is tried again. */
  | { readonly kind: "broken"; readonly thrown: unknown };

export interface TurnStart {
  readonly mode: TurnMode;
  readonly of: TurnOf;
  readonly run: Run;
  readonly steps: readonly Step[];
  readonly program: Program;
  /** All of the service, for children. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly store: RunStore;
  readonly runAttempt: RunAttempt;
  readonly isFinal: IsFinal;
  readonly clock: Clock;
  readonly random: Random;
}

/** An undo step that the code has registered. */
export interface UndoEntry {
  readonly place: string;
  readonly name: string;
  readonly step: Step | undefined;
  readonly policy: RetryPolicy;
  readonly deadlineMs: number;
  readonly work: (context: never) => unknown;
}

/** A question that is open: for whoever answers it. */
export interface Question {
  readonly place: string;
  readonly name: string;
  readonly check: (value: unknown) => unknown;
}
