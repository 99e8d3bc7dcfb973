/** Failures of steps and runs, as they are kept and as code meets them again: at every turn the same. */
import { DeclaredFault, Fault } from "../kernel/index.ts";
import { RecordError } from "./recorded-value.ts";

export interface RecordedFailure {
  readonly name: string;
  readonly message: string;
  /** Of a failure that a contract or a workflow declares. */
  readonly reason?: string;
  readonly data?: unknown;
  readonly status?: number;
  /** Of any other fault: a row of the fault table. */
  readonly code?: string;
  /** The step that failed. */
  readonly step?: string;
  /** Its first lines. */
  readonly stack?: string;
}

/** A step that failed for good, or a child that did. Code may catch it; what does not is undone and ends as failed. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
  /** The name of the step. */
  readonly step: string;
  /** Of a fault: a row of the fault table. */
  readonly code: string | undefined;
  readonly recorded: RecordedFailure;

  constructor(step: string, recorded: RecordedFailure) {
    super(`${step}: ${recorded.message}`);
    this.step = step;
    this.code = recorded.code;
    this.recorded = recorded;
  }
}

/** Beyond these lengths a failure tells nothing new, and fills the table. */
const messageMaxChars = 2_000;
const stackMaxLines = 6;

export function toRecordedFailure(thrown: unknown, step?: string): RecordedFailure {
  if (thrown instanceof StepFailure) return { ...thrown.recorded, step: thrown.step };
  const at = step === undefined ? {} : { step };
  if (thrown instanceof DeclaredFault) {
    return { name: thrown.name, message: cut(thrown.message), reason: thrown.reason as string, data: thrown.data, status: thrown.status, ...at };
  }
  // What hides a bug from callers must not hide it from whoever mends it.
  const error = thrown instanceof Fault && thrown.code === "internal" && thrown.cause !== undefined ? thrown.cause : thrown;
  const code = thrown instanceof Fault ? { code: thrown.code } : {};
  if (!(error instanceof Error)) return { name: "thrown", message: cut(String(error)), ...code, ...at };
  const stack = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)).slice(0, stackMaxLines).join("\n");
  return { name: error.name, message: cut(error.message), ...code, ...at, ...(stack === "" ? {} : { stack }) };
}

/** What code is thrown: a declared failure as itself, anything else as a {@link StepFailure}. */
export function fromRecordedFailure(step: string, failure: RecordedFailure): Error {
  if (failure.reason === undefined) return new StepFailure(step, failure);
  return new DeclaredFault(failure.reason, failure.data, failure.status ?? 422, { message: failure.message });
}

function cut(text: string): string {
  return text.length <= messageMaxChars ? text : `${text.slice(0, messageMaxChars)}…`;
}

/** What the code is to meet, as opposed to what happened to the turn. */
export function isOfRun(thrown: unknown): boolean {
  return thrown instanceof StepFailure || thrown instanceof RecordError || (thrown instanceof Fault && "reason" in thrown);
}
