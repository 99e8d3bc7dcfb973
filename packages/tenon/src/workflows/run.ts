/** A run of a workflow, and its steps, as the database keeps them. Their states are drawn in ARCHITECTURE.md. */
import type { RecordedFailure } from "./run-failure.ts";

export type RunState = "running" | "compensating" | "parked" | "completed" | "failed" | "canceled";

export interface Run {
  readonly id: string;
  /** Name of the workflow. */
  readonly workflow: string;
  readonly state: RunState;
  readonly input: unknown;
  readonly output: unknown;
  readonly failure: RecordedFailure | null;
  /** The state that a parked run goes back to. */
  readonly parkedFrom: "running" | "compensating" | null;
  readonly parkedReason: string | null;
  /** Why it is to end, where somebody said so. */
  readonly cancelReason: string | null;
  readonly parent: string | null;
  readonly parentPlace: string | null;
  /** 0 for a run that is nobody's child. */
  readonly depth: number;
  readonly trace: string | null;
  /** Of whom it tells. */
  readonly persons: readonly string[];
  /** How often one of them was erased. */
  readonly erasures: number;
  /** Whether all that it holds can be read: the key of a person may have been destroyed. */
  readonly isWhole: boolean;
  /** RFC 3339, in UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
}

export type StepKind = "step" | "call" | "sleep" | "until" | "ask" | "child" | "version" | "undo";

/**
 * `done` and `failed` are for ever. `retrying` failed and waits for its next attempt; `waiting` waits for a time, an
 * event, a person or a child; `registered` is an undo step that has not run.
 */
export type StepState = "done" | "failed" | "retrying" | "waiting" | "registered";

export interface Step {
  /** Where in the code: `2` is the third thing that it asked for, `2/left/0` the first of the branch `left` of an `all`. */
  readonly place: string;
  /** In the order in which they were written down. */
  readonly seq: number;
  /** `reserve`, or within a branch `prepare/left/reserve`. */
  readonly name: string;
  readonly kind: StepKind;
  readonly state: StepState;
  readonly result: unknown;
  readonly failure: RecordedFailure | null;
  /** That failed or succeeded so far. */
  readonly attempts: number;
  readonly detail: unknown;
  readonly mail: number | null;
  readonly dueAt: string | null;
  /** Whether `dueAt` has come, by the database's clock. */
  readonly isDue: boolean;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** Whether nothing happens in a run any more. A parked one waits for an operator, and has not ended. */
export function isEnded(state: RunState): boolean {
  return state === "completed" || state === "failed" || state === "canceled";
}

/** The name of the subscription under which the turns of a workflow stand in the inbox. No subscription of a team has a space in it. */
export function turnsOf(workflow: string): string {
  return `workflow ${workflow}`;
}

/** The name of the subscription of the events that runs of a workflow may wait for. */
export function mailOf(workflow: string): string {
  return `mail ${workflow}`;
}

/** `checkout:42` for `42`, and for itself: the identifiers of two workflows never meet. */
export function toRunId(workflow: string, id: string): string {
  return id.startsWith(`${workflow}:`) ? id : `${workflow}:${id}`;
}

export const runColumns =
  "id, workflow, state, input, output, failure, parked_from, parked_reason, cancel_reason, parent, parent_place, depth, trace, subjects, erasures, started_at, ended_at";
export const stepColumns =
  "place, seq, name, kind, state, result, failure, attempts, detail, mail, due_at, coalesce(due_at <= now(), false) as is_due, started_at, ended_at";

type Row = Readonly<Record<string, unknown>>;

/** @param row  With its values opened. */
export function toRun(row: Row, isWhole: boolean): Run {
  const { cancel_reason, ended_at, parent_place, parked_from, parked_reason, started_at, subjects, waits_for: _waits, ...same } = row;
  return { ...same, cancelReason: cancel_reason, endedAt: ended_at, parentPlace: parent_place, parkedFrom: parked_from, parkedReason: parked_reason, persons: subjects, startedAt: started_at, isWhole } as unknown as Run;
}

/** @param row  With its values opened. */
export function toStep(row: Row): Step {
  const { due_at, ended_at, is_due, started_at, ...same } = row;
  return { ...same, dueAt: due_at, endedAt: ended_at, isDue: is_due, startedAt: started_at } as unknown as Step;
}
