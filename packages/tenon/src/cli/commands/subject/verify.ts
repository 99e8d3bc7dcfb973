/** `tenon subject verify`: whether a report was signed by this app, and what it says. */
import { readFile } from "node:fs/promises";
import { appOption, type CommandSpec } from "../../command.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { withSubjectDesk } from "../../privacy/with-desk.ts";
import { CommandProblem } from "../../problem.ts";

export const subjectVerifyCommand: CommandSpec<OperatorOptions> = {
  name: "verify",
  operands: "<file>",
  summary: "whether a report was signed by this app, and what it says",
  options: [appOption],
  examples: [["tenon subject verify report.jws", "prints the report"]],
  async run({ operands, options, terminal }) {
    const path = operands[0] ?? "";
    const jws = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new CommandProblem(`${path} cannot be read`, { remedy: "name the file with the report: a text of three parts with dots between", exitCode: 2, cause });
    });
    return withSubjectDesk(options, terminal, async ({ desk }) => {
      const report = await desk.verify(jws);
      if (report === undefined) throw new CommandProblem(`${path} was not signed by this app, or was changed since`);
      return { text: JSON.stringify(report, undefined, 2), data: { report } };
    });
  },
};
