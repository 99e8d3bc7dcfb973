/** `tenon incident postmortem`: a draft in Markdown, from what is on record. */
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { findIncident, incidentStore } from "../../incidents/find-incident.ts";

export const incidentPostmortemCommand: CommandSpec<OperatorOptions> = {
  name: "postmortem",
  operands: "<incident>",
  summary: "draft a blameless post-mortem in Markdown",
  description: "Prints summary, impact with figures, time line in UTC, contributing causes, what went well, and a table of actions, from the incident alone. What is not on record is marked with (?).",
  options: [appOption],
  examples: [["tenon incident postmortem 4f2a > 2026-11-24-checkout.md", "a draft to work on"]],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const store = await incidentStore(operator);
      const incident = await findIncident(store, operands[0] ?? "");
      const { postmortemOf } = await import("../../../incidents/index.ts");
      const markdown = postmortemOf(incident, await store.timeLine(incident.id));
      return { text: markdown.trimEnd(), data: { incident: incident.id, markdown } };
    }),
};
