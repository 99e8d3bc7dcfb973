/** `tenon incident list`: what went wrong, the latest first. */
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { parseLimit } from "../../events/targets.ts";
import { incidentStore } from "../../incidents/find-incident.ts";
import { incidentData, instantText, stateText } from "../../incidents/incident-text.ts";

interface ListOptions extends OperatorOptions {
  readonly all?: true;
  readonly limit?: string;
}

export const incidentListCommand: CommandSpec<ListOptions> = {
  name: "list",
  operands: "",
  summary: "list the incidents that are not closed",
  options: [{ flags: "--all", about: "those that are closed, too" }, { flags: "--limit <n>", about: "so many at most (default: 50)" }, appOption],
  examples: [
    ["tenon incident list", "what is to be dealt with"],
    ["tenon incident list --all --json", "with those of before, for programs"],
  ],
  run: ({ options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const max = parseLimit(options.limit, { fallback: 50, max: 1_000 });
      const store = await incidentStore(operator);
      const found = options.all === true ? await store.list(max) : (await store.unclosed()).toReversed().slice(0, max);
      const rows = found.map((incident) => [incident.id, stateText(incident, terminal), incident.severity, instantText(incident.openedAtMs), incident.title, incident.suspect?.name ?? ""]);
      return {
        text: rows.length === 0 ? `there is no incident${options.all === true ? "" : " that is not closed"}` : alignColumns([["ID", "STATE", "SEVERITY", "OPENED", "TITLE", "SUSPECT"].map((head) => terminal.style("bold", head)), ...rows]),
        data: { app: operator.app.name, incidents: found.map(incidentData) },
      };
    }),
};
