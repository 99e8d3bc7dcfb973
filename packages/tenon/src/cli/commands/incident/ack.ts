/** `tenon incident ack`: somebody takes an incident. */
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { actorOf, byOption, dryRunOption, findIncident, incidentStore } from "../../incidents/find-incident.ts";
import { incidentData } from "../../incidents/incident-text.ts";
import { CommandProblem } from "../../problem.ts";

interface AckOptions extends OperatorOptions {
  readonly by?: string;
  readonly dryRun?: true;
}

export const incidentAckCommand: CommandSpec<AckOptions> = {
  name: "ack",
  operands: "<incident>",
  summary: "acknowledge an incident: somebody deals with it",
  options: [byOption, dryRunOption, appOption],
  examples: [["tenon incident ack 4f2a --by ada", "ada deals with it"]],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const actor = actorOf(options.by);
      const store = await incidentStore(operator);
      const { id } = await findIncident(store, operands[0] ?? "");
      const { systemClock } = await import("../../../app/index.ts");
      const { acknowledge } = await import("../../../incidents/index.ts");
      const act = { actor, atMs: systemClock.nowMs() };
      const edits = options.dryRun === true ? (await store.find(id)).flatMap((each) => acknowledge(each, act) ?? []) : await store.edit((open) => open.filter((each) => each.id === id).flatMap((each) => acknowledge(each, act) ?? []));
      const [edit] = edits;
      if (edit === undefined) {
        const now = await findIncident(store, id);
        throw new CommandProblem(now.state === "closed" ? `${id} is closed` : `${id} was acknowledged by ${now.acknowledgedBy ?? "somebody"} already`, { remedy: `tenon incident show ${id}` });
      }
      return { text: `${id} ${options.dryRun === true ? "would be" : "is"} acknowledged by ${actor}`, data: { isDone: options.dryRun !== true, incident: incidentData(edit.incident) } };
    }),
};
