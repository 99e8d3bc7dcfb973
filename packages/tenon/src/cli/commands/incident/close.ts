/** `tenon incident close`: it is over, and somebody says so. */
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { actorOf, byOption, dryRunOption, findIncident, incidentStore } from "../../incidents/find-incident.ts";
import { incidentData } from "../../incidents/incident-text.ts";
import { CommandProblem } from "../../problem.ts";

interface CloseOptions extends OperatorOptions {
  readonly by?: string;
  readonly reason?: string;
  readonly dryRun?: true;
}

export const incidentCloseCommand: CommandSpec<CloseOptions> = {
  name: "close",
  operands: "<incident>",
  summary: "close an incident whose pages are over",
  description: "What was done is told by --reason, which is kept in the time line. An incident with a page that fires cannot be closed: it would be opened again at once.",
  options: [{ flags: "--reason <text>", about: "what ended it" }, byOption, dryRunOption, appOption],
  examples: [['tenon incident close 4f2a --reason "rolled back to 1.4.1"', "it is over"]],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const reason = options.reason?.trim() ?? "";
      if (reason === "") throw new CommandProblem("what ended it?", { remedy: '--reason "rolled back to 1.4.1"', exitCode: 2 });
      const actor = actorOf(options.by);
      const store = await incidentStore(operator);
      const found = await findIncident(store, operands[0] ?? "");
      const { systemClock } = await import("../../../app/index.ts");
      const { close, isPaging } = await import("../../../incidents/index.ts");
      const act = { actor, atMs: systemClock.nowMs() };
      const edits = options.dryRun === true ? [close(found, act, reason) ?? []].flat() : await store.edit((open) => open.filter(({ id }) => id === found.id).flatMap((each) => close(each, act, reason) ?? []));
      const [edit] = edits;
      if (edit === undefined) {
        const now = await findIncident(store, found.id);
        if (now.state === "closed") throw new CommandProblem(`${found.id} is closed already`, { remedy: `tenon incident show ${found.id}` });
        throw new CommandProblem(`${found.id} has a page that fires: ${now.alerts.filter(isPaging).map(({ id }) => id).join(", ")}`, { remedy: `end the trouble first, or keep it quiet meanwhile: tenon silences add ${now.service} --for 2h --reason "…"` });
      }
      return { text: `${found.id} ${options.dryRun === true ? "would be" : "is"} closed by ${actor}`, data: { isDone: options.dryRun !== true, incident: incidentData(edit.incident) } };
    }),
};
