/** `tenon subject export`: everything that is held of a person, as JSON. */
import { writeFile } from "node:fs/promises";
import { appOption, type CommandSpec } from "../../command.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { subjectOf, withSubjectDesk } from "../../privacy/with-desk.ts";

interface ExportOptions extends OperatorOptions {
  readonly out?: string;
}

export const subjectExportCommand: CommandSpec<ExportOptions> = {
  name: "export",
  operands: "<subject>",
  summary: "everything that is held of a person, as JSON",
  description: "Rows of every table that names the person as its subject, events and deliveries that hold something of them, and a signed report of what was given.",
  options: [{ flags: "--out <file>", about: "write it there, for its owner alone to read; otherwise to standard output" }, appOption],
  examples: [["tenon subject export customer-1 --out customer-1.json", "a file that the person can be given"]],
  run({ operands, options, terminal }) {
    const subject = subjectOf(operands);
    return withSubjectDesk(options, terminal, async ({ by, desk }) => {
      const { jws, report, services } = await desk.export(subject, by);
      const data = { subject, at: report.at, services, report: jws };
      const text = JSON.stringify(data, undefined, 2);
      if (options.out === undefined) return { text, data };
      await writeFile(options.out, `${text}\n`, { mode: 0o600 });
      return { text: `${options.out} holds what is held of ${subject}`, data: { subject, at: report.at, file: options.out, report: jws } };
    });
  },
};
