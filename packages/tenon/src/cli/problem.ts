/**
 * What stands between a person and what they asked for: in their words, with what to do about it.
 *
 * Every command ends in an answer or in one of these. Other errors are turned into one by `explain-error.ts`.
 */

export interface ProblemMore {
  /** What to do about it, in the imperative. Several lines are several steps. */
  readonly remedy?: string;
  /** Lines of the person's own code, with a mark where it is wrong. */
  readonly excerpt?: readonly string[];
  /** 1: something is wrong; 2: the command was not used as it is meant. Default 1. */
  readonly exitCode?: 1 | 2;
  readonly cause?: unknown;
}

export class CommandProblem extends Error {
  override readonly name = "CommandProblem";
  readonly remedy: string | undefined;
  readonly excerpt: readonly string[];
  readonly exitCode: 1 | 2;

  /** @param message  One sentence without a full stop, or several lines of which the first is the heading. */
  constructor(message: string, more: ProblemMore = {}) {
    super(message, "cause" in more ? { cause: more.cause } : undefined);
    this.remedy = more.remedy;
    this.excerpt = more.excerpt ?? [];
    this.exitCode = more.exitCode ?? 1;
  }
}

/** The problem as one block of text. */
export function problemText(problem: CommandProblem): string {
  const remedies = problem.remedy === undefined ? [] : problem.remedy.split("\n").map((line) => `  → ${line}`);
  const excerpt = problem.excerpt.length === 0 ? [] : ["", ...problem.excerpt.map((line) => `    ${line}`), ""];
  return [problem.message, ...excerpt, ...remedies].join("\n");
}

/** The same for machines. */
export function problemData(problem: CommandProblem): { readonly error: { readonly problem: string; readonly remedy?: string } } {
  return { error: { problem: problem.message, ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }) } };
}
