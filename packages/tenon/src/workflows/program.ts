/** A workflow as the platform runs it, and what a turn asks of whoever runs users' code. */
import type { RetryPolicy } from "../contract/index.ts";
import type { RunStatement, Statement } from "../data/index.ts";
import type { BranchFlow } from "./branch-flow.ts";
import type { Run, StepKind } from "./run.ts";

/** Is told whose values were opened. */
export interface MetPersons {
  meetSubject(subject: string): void;
}

/** What an attempt has met, and where it did its work. */
export interface Effects {
  readonly persons: readonly string[];
  readonly run: RunStatement;
}

/** Checks a value. @throws what says what is wrong with it. */
export type Check = (value: unknown) => unknown;

export interface Program {
  readonly name: string;
  /** Of its steps, where they say nothing else. */
  readonly policy: RetryPolicy;
  /** How long one attempt at a step may take, in ms. */
  readonly deadlineMs: number;
  /** Identifiers of the events that it may wait for. */
  readonly events: ReadonlySet<string>;
  readonly run: (flow: BranchFlow) => unknown;
  readonly checkInput: Check;
  readonly checkOutput: Check;
  /** From the data of an event as it was emitted to the present version. @throws when it cannot be read. */
  readonly readEvent: (type: string, mail: { readonly id: string; readonly version: number; readonly data: unknown }, met: MetPersons) => unknown;
  /** The person whom an input names. */
  readonly subjectOf: (input: unknown) => string | undefined;
}

/** One attempt at a step. */
export interface Attempt {
  readonly run: Run;
  readonly name: string;
  readonly place: string;
  readonly kind: StepKind;
  /** 1 for the first. */
  readonly attempt: number;
  readonly deadlineMs: number;
  readonly work: (context: never) => unknown;
  /** What is kept in the transaction of its effects, once its result is known. */
  readonly keep: (result: unknown, effects: Effects) => Promise<readonly Statement[]>;
  /** What the code of the run has seen so far, by reference: its input, and what its steps gave. */
  readonly known: () => readonly unknown[];
  /** Aborted when nobody wants its end any more. */
  readonly signal: AbortSignal;
}

/**
 * Runs users' code as one transaction. Rejects with what the code threw, or with {@link TurnLost} or a failure of the
 * database when it could not be kept.
 */
export type RunAttempt = (attempt: Attempt) => Promise<void>;

/** Whether a failure of a step is for ever: one more attempt would end the same. */
export type IsFinal = (thrown: unknown) => boolean;
