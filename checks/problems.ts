/** How a check reports: sentences, one per problem, each with its place, and nothing around them. */
import assert from "node:assert/strict";

/** @throws {AssertionError} with every sentence on a line of its own. */
export function assertNoProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  assert.fail(`${count}:\n${problems.map((problem) => `  ${problem}`).join("\n")}\n`);
}
