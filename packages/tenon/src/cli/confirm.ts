/** Asks before something is done that cannot be taken back. */
import { createInterface } from "node:readline/promises";
import { CommandProblem } from "./problem.ts";
import type { Terminal } from "./terminal.ts";

export const yesOption = { flags: "-y, --yes", about: "do not ask" } as const;

/** @throws {CommandProblem} it was not confirmed, or there is nobody to ask. */
export async function confirm(terminal: Terminal, question: string, options: { readonly yes?: true }): Promise<void> {
  if (options.yes === true) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandProblem(`${question} There is nobody to ask: this is not a terminal`, { remedy: "say that it is meant: --yes", exitCode: 2 });
  }
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asked.question(`${terminal.styleSaid("bold", question)} [y/N] `);
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandProblem("nothing was done", { remedy: "answer y to do it" });
  } finally {
    asked.close();
  }
}
