/** Work that takes longer than a call: runs, their steps and waits, turns, compensation. */
export { answerStatements } from "./answer.ts";
export { UnfitError } from "./branch.ts";
export type { BranchFlow } from "./branch-flow.ts";
export { workflowLimits } from "./limits.ts";
export type { Attempt, IsFinal, Program, RunAttempt } from "./program.ts";
export { RecordError, toRecordedValue } from "./recorded-value.ts";
export { isEnded, mailOf, type Run, runColumns, type RunState, type Step, type StepKind, type StepState, toRun, toRunId, turnsOf } from "./run.ts";
export { type ListedRun, RunDesk, type RunDeskOptions, type RunFilter } from "./run-desk.ts";
export { RunDriver, type RunDriverOptions } from "./run-driver.ts";
export { fromRecordedFailure, type RecordedFailure, StepFailure, toRecordedFailure } from "./run-failure.ts";
export { RunStore, TurnLost } from "./run-store.ts";
export { isTurnLost, RunStatements } from "./statements.ts";
export { mailLock } from "./mail-lock.ts";
export { runSweeps } from "./sweeps.ts";
export { nextDueMs, shiftDue } from "./due.ts";
