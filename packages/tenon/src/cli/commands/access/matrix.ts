/** `tenon access`: operations by kinds of callers, as a table, as JSON, and compared with the file that was agreed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MatrixCell } from "../../../trust/index.ts";
import { type PresentAccess, presentAccess, readAccessRecord, recordFile, toRecordText } from "../../access-record.ts";
import { enterApp } from "../../app-location.ts";
import { alignColumns } from "../../columns.ts";
import { type Answer, appOperand, type CommandSpec } from "../../command.ts";
import { loadApp } from "../../load-app.ts";
import { countOf } from "../../plural.ts";
import { CommandProblem } from "../../problem.ts";
import type { Terminal } from "../../terminal.ts";

interface MatrixOptions {
  readonly check?: true;
  readonly write?: true;
}

export const accessMatrixCommand: CommandSpec<MatrixOptions> = {
  name: "matrix",
  operands: appOperand,
  isDefault: true,
  summary: "print who may call what",
  description: "Prints each operation with the kinds of callers that its rule tells apart: yes, no, or what has to hold besides.",
  options: [
    { flags: "--check", about: `compare with ${recordFile} beside the app; ends with 1 when they differ` },
    { flags: "--write", about: `write ${recordFile}` },
  ],
  examples: [
    ["tenon access", "a table"],
    ["tenon access --json", "for programs, as the file has it"],
    ["tenon access --write", "agree to the rights as they are"],
    ["tenon access --check", "in CI: rights change only with the file"],
  ],
  async run({ operands, options, terminal }) {
    if (options.check === true && options.write === true) throw new CommandProblem("--check compares, and --write makes them equal", { remedy: "choose one of them", exitCode: 2 });
    const { file, home } = enterApp(operands[0]);
    const app = await loadApp(file);
    const present = await presentAccess(app);
    if (options.write === true) {
      writeFileSync(join(home, recordFile), toRecordText(present.record));
      return { text: `${recordFile} is written: ${countOf(present.matrix.rows.length, "operation")}`, data: present.record };
    }
    if (options.check === true) return checked(present, home, terminal);
    return { text: toText(app.name, present, terminal), data: present.record };
  },
};

async function checked(present: PresentAccess, home: string, terminal: Terminal): Promise<Answer> {
  const agreed = readAccessRecord(home);
  if (agreed === undefined) throw new CommandProblem(`there is no ${recordFile} to compare with`, { remedy: "tenon access --write makes it: look at it, and commit it" });
  const { accessChanges } = await import("../../../trust/index.ts");
  const changes = accessChanges(agreed, present.record);
  if (changes.length === 0) return { text: `${terminal.style("green", "✓")} rights are as in ${recordFile}`, data: { ok: true, changes } };
  const remedy = "  → where it is meant: tenon access --write, and commit the file with the change";
  return { text: [`${terminal.style("red", "✗")} rights are not as in ${recordFile}`, ...changes.map((change) => `  ${change}`), remedy].join("\n"), data: { ok: false, changes }, exitCode: 1 };
}

function toText(app: string, { matrix: { callers, rows }, record }: PresentAccess, terminal: Terminal): string {
  const head = ["OPERATION", ...callers.map(({ name }) => name.toUpperCase())].map((text) => terminal.style("bold", text));
  const table = alignColumns([head, ...rows.map(({ cells, operation }) => [operation, ...cells.map((cell) => shown(cell, terminal))])], "  ");
  const principals = Object.entries(record.principals).map(([name, rights]) => [name, rights.join(", ") || terminal.style("dim", "no rights of its own")]);
  const acting = principals.length === 0 ? [] : ["", "What acts by itself", alignColumns(principals, "  ")];
  return [`${terminal.style("bold", app)}: ${countOf(rows.length, "operation")}`, table, ...acting].join("\n");
}

function shown(cell: MatrixCell, terminal: Terminal): string {
  if (cell === "yes") return terminal.style("green", "yes");
  if (cell === "no") return terminal.style("dim", "-");
  return `if ${cell.if.join(" or ")}`;
}
