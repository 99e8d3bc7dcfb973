/** `tenon objectives gate`: whether a release may go out. */
import { appOption, type CommandSpec } from "../../command.ts";
import { dangersOf, readStatus, type StatusOptions } from "../../objectives/status.ts";

export const objectivesGateCommand: CommandSpec<StatusOptions> = {
  name: "gate",
  operands: "",
  summary: "end with 1 while an error budget is spent or burns fast, to hold a release",
  description: [
    "Ends with 0 when every objective has some of its error budget left and none burns at a rate that pages somebody, and with",
    "1 otherwise. For a step before a release: with the budget spent, the next change is one that makes things safer.",
  ].join(" "),
  options: [{ flags: "--service <name>", about: "look at the objectives of one service" }, appOption],
  examples: [
    ["tenon objectives gate && ./release.sh", "releases when there is budget for it"],
    ["tenon objectives gate --service orders", "looks at one service"],
  ],
  async run({ options, terminal }) {
    const { badMin } = await import("../../../objectives/index.ts");
    const status = await readStatus(options, terminal);
    const dangers = dangersOf(status, badMin);
    const unknown = status.objectives.filter(({ reading }) => reading === undefined).map(({ target }) => target.id);
    const known = status.objectives.length - unknown.length;
    const note = unknown.length === 0 ? "" : `\nnot known here, since their services have no database: ${unknown.join(", ")}`;
    const text = dangers.length === 0 ? `open: ${known} of ${status.objectives.length} objectives looked at, none in danger` : `closed:\n${dangers.map((line) => `  ${line}`).join("\n")}`;
    return { text: text + note, data: { app: status.app.name, isOpen: dangers.length === 0, dangers, unknown }, exitCode: dangers.length === 0 ? 0 : 1 };
  },
};
