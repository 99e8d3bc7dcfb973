/** What a flow asks of the turn that it is part of. */
import type { RetryPolicy } from "../contract/index.ts";
import type { Branch } from "./branch.ts";
import type { Run, StepKind } from "./run.ts";

export type StepWork = (context: never) => unknown;

export interface StepSpec {
  readonly kind: StepKind;
  readonly name: string;
  readonly policy: RetryPolicy;
  readonly deadlineMs: number;
  readonly work: StepWork;
}

export interface UntilSpec {
  readonly type: string;
  readonly key: string | undefined;
  readonly timeoutMs: number | undefined;
}

export interface AskSpec {
  /** @throws what says what is wrong with an answer. */
  readonly check: (value: unknown) => unknown;
  /** The question, and the schema of its answer. */
  readonly detail: unknown;
  readonly timeoutMs: number | undefined;
}

/** The code of a branch gets a branch: whoever opens it makes a flow of it. */
export type BranchCode = (branch: Branch) => unknown;

/** Each of these gives the same at every turn, or does not come back in this one. */
export interface FlowTurn {
  readonly run: Run;
  /** What the code may have seen so far. */
  readonly known: readonly unknown[];
  /** What holds for steps that say nothing else. */
  readonly defaults: { readonly policy: RetryPolicy; readonly deadlineMs: number };
  perform(branch: Branch, spec: StepSpec): Promise<unknown>;
  undo(branch: Branch, spec: StepSpec): void;
  sleep(branch: Branch, name: string, waitMs: number): Promise<void>;
  until(branch: Branch, name: string, spec: UntilSpec): Promise<unknown>;
  ask(branch: Branch, name: string, spec: AskSpec): Promise<unknown>;
  all(branch: Branch, name: string, branches: Readonly<Record<string, BranchCode>>): Promise<Readonly<Record<string, unknown>>>;
  child(branch: Branch, name: string, child: { readonly workflow: string; readonly input: unknown }): Promise<unknown>;
  version(branch: Branch, name: string, current: number): Promise<number>;
}
