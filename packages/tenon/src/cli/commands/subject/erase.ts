/** `tenon subject erase`: removes a person, and destroys the key to whatever is left of them elsewhere. */
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { confirm, yesOption } from "../../confirm.ts";
import type { OperatorOptions } from "../../events/operator.ts";
import { subjectOf, withSubjectDesk } from "../../privacy/with-desk.ts";

interface EraseOptions extends OperatorOptions {
  readonly yes?: true;
}

export const subjectEraseCommand: CommandSpec<EraseOptions> = {
  name: "erase",
  operands: "<subject>",
  summary: "remove a person, and destroy the key to what is left elsewhere",
  description: "Rows go as the tables say (erase: …). Events, dead letters, answers and copies of the database become unreadable. It cannot be taken back: export first.",
  options: [yesOption, appOption],
  examples: [["tenon subject erase customer-1", "ends with a signed report"]],
  async run({ operands, options, terminal }) {
    const subject = subjectOf(operands);
    await confirm(terminal, `Erase all data of ${subject}? This cannot be taken back.`, options);
    return withSubjectDesk(options, terminal, async ({ by, desk }) => {
      const { jws, report } = await desk.erase(subject, by);
      const rows = report.services.flatMap(({ service, tables }) => tables.filter(({ found }) => found > 0).map(({ done, found, ground, table }) => [`${service}.${table}`, String(found), done, ground ?? ""]));
      const unreadable = report.services.flatMap(({ service, unreadable: counts }) => Object.entries(counts).map(([table, count]) => [`${service}.${table}`, String(count), "unreadable", ""]));
      const runs = report.services.flatMap(({ runs: of, service }) => (of === undefined ? [] : [[`${service}.tenon_runs`, String(of.emptied), "emptied", ""], ...(of.underWay.length === 0 ? [] : [[`${service}.tenon_runs`, String(of.underWay.length), "under way", `emptied at their end: ${of.underWay.join(", ")}`]])]));
      const table = alignColumns([["WHERE", "ROWS", "DONE", "GROUND"].map((head) => terminal.style("bold", head)), ...rows, ...runs, ...unreadable]);
      return { text: `${table}\n${report.keysDestroyed} key${report.keysDestroyed === 1 ? "" : "s"} of ${subject} destroyed. The signed report:\n${jws}`, data: { report, jws } };
    });
  },
};
