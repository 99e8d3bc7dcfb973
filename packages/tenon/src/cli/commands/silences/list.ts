/** `tenon silences list`: which alerts are quiet, until when, and why. */
import type { Silence, SilenceMatcher } from "../../../objectives/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { findService } from "../../events/targets.ts";
import { openStore } from "../../objectives/status.ts";

export const silencesListCommand: CommandSpec<OperatorOptions> = {
  name: "list",
  operands: "[service]",
  summary: "list the silences that are not over",
  options: [appOption],
  examples: [["tenon silences list", "those of all services"]],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async ({ app, database, owners }) => {
      const { systemClock } = await import("../../../app/index.ts");
      const asked = operands[0] === undefined ? owners : [findService(owners, operands[0])];
      const found: { readonly service: string; readonly silence: Silence }[] = [];
      for (const { name: service } of asked) for (const silence of await (await openStore(database, service)).silences(systemClock.nowMs())) found.push({ service, silence });
      const rows = found.map(({ service, silence }) => [silence.id, service, matcherText(silence.matcher), new Date(silence.untilMs).toISOString(), silence.reason]);
      return {
        text: rows.length === 0 ? "nothing is silenced" : alignColumns([["ID", "SERVICE", "ALERTS", "UNTIL", "REASON"].map((head) => terminal.style("bold", head)), ...rows]),
        data: { app: app.name, silences: found.map(({ service, silence }) => silenceData(service, silence)) },
      };
    }),
};

export function silenceData(service: string, { id, matcher, reason, untilMs }: Silence): object {
  return { id, service, matcher, until: new Date(untilMs).toISOString(), reason };
}

export function matcherText(matcher: SilenceMatcher): string {
  return Object.entries(matcher).map(([field, pattern]) => `${field} ${pattern}`).join(", ") || "all";
}
