/** `tenon events discard`: dead letters that nobody will deliver any more, with the reason. */
import { appOption, type CommandSpec } from "../../command.ts";
import { confirm, yesOption } from "../../confirm.ts";
import { groupSelected, groupsText } from "../../events/letters.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { countOf } from "../../plural.ts";
import { CommandProblem } from "../../problem.ts";
import { selectAsked } from "./retry.ts";

interface DiscardCommandOptions extends OperatorOptions {
  readonly all?: true;
  readonly reason?: string;
  readonly yes?: true;
}

export const eventsDiscardCommand: CommandSpec<DiscardCommandOptions> = {
  name: "discard",
  operands: "[what...]",
  summary: "give dead letters up for good, and say why",
  description: [
    "Marks dead letters as discarded. They are kept, with the reason and the time, and never delivered again. Keys that",
    "were held by them go on.",
  ].join(" "),
  options: [{ flags: "--reason <text>", about: "why, for whoever asks later (required)" }, { flags: "--all", about: "all dead letters of all services" }, yesOption, appOption],
  examples: [
    ['tenon events discard orders/3 --reason "a test order"', "one"],
    ['tenon events discard orders/mark-paid --reason "paid by hand, ticket 812" --yes', "all of a subscription"],
    ["tenon events dead --discarded", "what was discarded, and why"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const reason = options.reason?.trim() ?? "";
      if (reason === "") throw new CommandProblem("why is it discarded?", { remedy: 'say it for whoever asks later: --reason "a test order"', exitCode: 2 });
      const groups = await groupSelected(operator, await selectAsked(operator, operands, options));
      await confirm(terminal, `Discard ${groupsText(groups)}?`, options);
      const { discardDeadLetters } = await import("../../../events/index.ts");
      let discarded = 0;
      for (const { filter, service } of new Set(groups.map(({ selection }) => selection))) discarded += await discardDeadLetters(operator.database, service, { filter, reason });
      return { text: `${countOf(discarded, "dead letter")} discarded: ${reason}`, data: { discarded, reason } };
    }),
};
