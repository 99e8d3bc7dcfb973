/** What the commands about persons' data work with: the app's databases and keys, opened directly, whether or not the app runs. */
import { userInfo } from "node:os";
import type { SubjectDesk, SubjectRequests } from "../../privacy/index.ts";
import { wholeLayers } from "../config-layers.ts";
import { type Operator, type OperatorOptions, withOperator } from "../events/operator.ts";
import { CommandProblem } from "../problem.ts";
import { terminalLog } from "../terminal-log.ts";
import type { Terminal } from "../terminal.ts";

export interface AtDesk extends Operator {
  readonly desk: SubjectDesk;
  /** Of an app that has operations for the rights of persons. */
  readonly requests: SubjectRequests | undefined;
  /** Who asked for it, for reports: the user of this machine. */
  readonly by: string;
}

/** @throws {CommandProblem} */
export async function withSubjectDesk<T>(options: OperatorOptions, terminal: Terminal, work: (at: AtDesk) => Promise<T>): Promise<T> {
  return withOperator(options, terminal, async (operator) => {
    const { openSubjectDesk, parseConfig, systemClock } = await import("../../app/index.ts");
    const { config } = parseConfig(await wholeLayers(operator.location.home));
    const { close, desk, requests } = await openSubjectDesk(operator.app, { config, database: operator.database, clock: systemClock, log: terminalLog(terminal) });
    try {
      return await work({ ...operator, desk, requests, by: userInfo().username });
    } finally {
      await close();
    }
  });
}

export function subjectOf(operands: readonly string[]): string {
  const [subject = ""] = operands;
  if (subject.trim() === "") throw new CommandProblem("nobody is named", { remedy: "name the person as the `subject` columns of the tables do: tenon subject export customer-1", exitCode: 2 });
  return subject;
}
