/** `tenon incident show`: one incident whole, with its time line. */
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { findIncident, incidentStore } from "../../incidents/find-incident.ts";
import { entryData, incidentData, incidentText } from "../../incidents/incident-text.ts";
import { runbooksFor } from "../../incidents/runbooks.ts";

export const incidentShowCommand: CommandSpec<OperatorOptions> = {
  name: "show",
  operands: "<incident>",
  summary: "show an incident: alerts, suspect, reach, sample traces, time line, runbooks",
  options: [appOption],
  examples: [
    ["tenon incident show 4f2a", "by the beginning of its id"],
    ["tenon incident show 4f2a --json", "for programs"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const store = await incidentStore(operator);
      const incident = await findIncident(store, operands[0] ?? "");
      const timeLine = await store.timeLine(incident.id);
      const runbooks = runbooksFor(operator.app, incident);
      return { text: incidentText({ incident, timeLine, runbooks }, terminal), data: { ...incidentData(incident), timeLine: timeLine.map(entryData), runbooks } };
    }),
};
