/** `tenon silences end`: ends a silence before its time. */
import { appOption, type CommandSpec } from "../../command.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { openStore } from "../../objectives/status.ts";
import { CommandProblem } from "../../problem.ts";

export const silencesEndCommand: CommandSpec<OperatorOptions> = {
  name: "end",
  operands: "<silence>",
  summary: "end a silence now",
  options: [appOption],
  examples: [["tenon silences end 00c0ffee", "whatever fires still is told of"]],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async ({ app, database, owners }) => {
      const { systemClock } = await import("../../../app/index.ts");
      const id = operands[0] ?? "";
      for (const { name: service } of owners) {
        if (await (await openStore(database, service)).endSilence(id, systemClock.nowMs())) return { text: `${id} is over`, data: { app: app.name, id, service } };
      }
      throw new CommandProblem(`there is no silence ${id} that is not over`, { remedy: "tenon silences list shows them" });
    }),
};
