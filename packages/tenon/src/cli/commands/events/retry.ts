/** `tenon events retry`: dead letters go back into the inbox. */
import { appOption, type CommandSpec } from "../../command.ts";
import { confirm, yesOption } from "../../confirm.ts";
import { groupSelected, groupsText, type SelectedGroup, selectAll, selectLetters } from "../../events/letters.ts";
import { type Operator, type OperatorOptions, withOperator } from "../../events/operator.ts";
import { whyUndeliverable } from "../../events/readable.ts";
import { countOf } from "../../plural.ts";
import { CommandProblem } from "../../problem.ts";

interface RetryCommandOptions extends OperatorOptions {
  readonly all?: true;
  readonly yes?: true;
}

export const eventsRetryCommand: CommandSpec<RetryCommandOptions> = {
  name: "retry",
  operands: "[what...]",
  summary: "deliver dead letters again, once their cause is mended",
  description: [
    "Puts dead letters back into the inbox as new deliveries, whose attempts and age are counted anew. A subscription that",
    'continues after a death gets them after what is there; one that holds (afterDeath: "hold") gets each as the first of',
    "its key. Try them first: tenon events try. What nobody could deliver any more stays where it is, and is told.",
  ].join(" "),
  options: [{ flags: "--all", about: "all dead letters of all services" }, yesOption, appOption],
  examples: [
    ["tenon events retry orders/3", "one"],
    ["tenon events retry orders/mark-paid --yes", "all of a subscription, without being asked"],
    ["tenon events retry --all", "all"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async (operator) => {
      const groups = await groupSelected(operator, await selectAsked(operator, operands, options));
      const [deliverable, leftOut] = await divide(operator, groups);
      for (const { group, why } of leftOut) terminal.warn(`left where ${group.count === 1 ? "it is" : "they are"}, ${countOf(group.count, "dead letter")} of ${group.selection.service}/${group.subscription}: ${why}`);
      if (deliverable.length === 0) throw new CommandProblem("none of them can be delivered any more", { remedy: "discard them: tenon events discard … --reason …" });
      await confirm(terminal, `Retry ${groupsText(deliverable)}?`, options);
      const retried = await retry(operator, deliverable);
      const data = { retried, leftOut: leftOut.map(({ group, why }) => ({ service: group.selection.service, subscription: group.subscription, count: group.count, why })) };
      return { text: `${countOf(retried, "dead letter")} put back into the inbox, to be delivered again`, data };
    }),
};

/** @throws {CommandProblem} nothing was named, or too much. */
export async function selectAsked(operator: Operator, words: readonly string[], { all }: { readonly all?: true }) {
  if (words.length === 0 && all !== true) throw new CommandProblem("which dead letters?", { remedy: "name them: orders/3, orders/mark-paid, orders, the id of an event; or --all", exitCode: 2 });
  if (words.length > 0 && all === true) throw new CommandProblem("--all are all of them: it stands alone", { remedy: `leave out --all, or ${words.join(" ")}`, exitCode: 2 });
  return all === true ? selectAll(operator) : selectLetters(operator, words);
}

interface LeftOut {
  readonly group: SelectedGroup;
  readonly why: string;
}

async function divide({ app }: Operator, groups: readonly SelectedGroup[]): Promise<readonly [deliverable: readonly SelectedGroup[], leftOut: readonly LeftOut[]]> {
  const deliverable: SelectedGroup[] = [];
  const leftOut: LeftOut[] = [];
  for (const group of groups) {
    const why = await whyUndeliverable(app, { ...group, service: group.selection.service });
    if (why === undefined) deliverable.push(group);
    else leftOut.push({ group, why });
  }
  return [deliverable, leftOut];
}

/** Once for each subscription and selection: the versions of one event go together, in their order. */
async function retry({ app, database }: Operator, groups: readonly SelectedGroup[]): Promise<number> {
  const { consumersOf } = await import("../../../reactions/index.ts");
  const { retryDeadLetters } = await import("../../../events/index.ts");
  const byTarget = Map.groupBy(groups, ({ selection, subscription, type }) => JSON.stringify([selection, subscription, type]));
  let sum = 0;
  for (const same of byTarget.values()) {
    const { selection, subscription, type } = same[0] as SelectedGroup;
    const owner = app.services.find(({ name }) => name === selection.service);
    const holding = owner === undefined ? [] : consumersOf(owner).filter(({ afterDeath }) => afterDeath === "hold").map(({ name }) => name);
    const versionFrom = Math.min(...same.map(({ version }) => version));
    sum += await retryDeadLetters(database, selection.service, { filter: { ...selection.filter, subscription, type, versionFrom }, holding });
  }
  return sum;
}
