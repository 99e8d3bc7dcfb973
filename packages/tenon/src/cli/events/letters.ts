/**
 * Which dead letters a person means: by number (`orders/3`), by subscription (`orders/mark-paid`), of a service
 * (`orders`), of an event (its id), or all.
 */
import type { DeadLetterFilter, DeadLetterGroup } from "../../events/index.ts";
import { CommandProblem } from "../problem.ts";
import { countOf } from "../plural.ts";
import { letterName } from "./event-text.ts";
import type { Operator } from "./operator.ts";
import { findService, findSubscription, parseId } from "./targets.ts";

/** Some dead letters of one service. */
export interface Selection {
  readonly service: string;
  readonly filter: DeadLetterFilter;
  /** In a person's words. */
  readonly what: string;
}

/** @throws {CommandProblem} nothing of the kind can be. */
export async function selectLetters(operator: Operator, words: readonly string[]): Promise<readonly Selection[]> {
  const selections: Selection[] = [];
  for (const word of words) selections.push(...(await select(operator, word)));
  return selections;
}

export function selectAll({ owners }: Operator): readonly Selection[] {
  return owners.map(({ name }) => ({ service: name, filter: {}, what: `of ${name}` }));
}

async function select(operator: Operator, word: string): Promise<readonly Selection[]> {
  const { owners } = operator;
  const [first = "", second, ...rest] = word.split("/");
  if (second !== undefined && rest.length === 0) return [await selectWithin(operator, findService(owners, first).name, second)];
  if (owners.some(({ name }) => name === word)) return [{ service: word, filter: {}, what: `of ${word}` }];
  if (/^[0-9a-f-]{6,36}$/i.test(word)) {
    const ids = await parseId(word);
    return owners.map(({ name }) => ({ service: name, filter: { ids }, what: `of the event ${word}` }));
  }
  const { service, subscription } = findSubscription(operator.app, word);
  return [{ service: service.name, filter: { subscription: subscription.name }, what: `of ${service.name}/${subscription.name}` }];
}

async function selectWithin(operator: Operator, service: string, name: string): Promise<Selection> {
  if (/^\d{1,15}$/.test(name)) return { service, filter: { seqs: [Number(name)] }, what: letterName({ service, seq: Number(name) }) };
  const selection = { service, filter: { subscription: name }, what: `of ${service}/${name}` };
  const { countDeadLetters } = await import("../../events/index.ts");
  // A subscription that the app has no more may have left some.
  if ((await countDeadLetters(operator.database, service, selection.filter)).count === 0) findSubscription(operator.app, `${service}/${name}`);
  return selection;
}

/** The same dead letters, by what they are of. */
export interface SelectedGroup extends DeadLetterGroup {
  readonly selection: Selection;
}

/** Those that are dead. @throws {CommandProblem} there are none. */
export async function groupSelected(operator: Operator, selections: readonly Selection[]): Promise<readonly SelectedGroup[]> {
  const { groupDeadLetters } = await import("../../events/index.ts");
  const groups: SelectedGroup[] = [];
  for (const selection of selections) {
    const found = await groupDeadLetters(operator.database, selection.service, { ...selection.filter, state: "dead" });
    groups.push(...found.map((group) => ({ ...group, selection })));
  }
  for (const { filter, service, what } of selections) {
    const [seq] = filter.seqs ?? [];
    if (seq !== undefined && !groups.some(({ selection }) => selection.filter.seqs?.[0] === seq && selection.service === service)) throw await missing(operator, { service, filter, what });
  }
  if (groups.length > 0) return groups;
  const what = [...new Set(selections.map((each) => each.what))].join(", ");
  throw new CommandProblem(`there is no dead letter ${selections.length > 1 && what.startsWith("of ") && selections.every(({ filter }) => Object.keys(filter).length === 0) ? "at all" : what}`, { remedy: "tenon events dead lists them" });
}

async function missing({ database }: Operator, { filter, service, what }: Selection): Promise<CommandProblem> {
  const { readDeadLetters } = await import("../../events/index.ts");
  const [letter] = await readDeadLetters(database, service, { ...filter, max: 1 });
  if (letter === undefined) return new CommandProblem(`there is no dead letter ${what}`, { remedy: "tenon events dead lists them: it may have been retried already" });
  return new CommandProblem(`${what} was discarded at ${letter.settledAt ?? "some time"}: ${letter.reason ?? "no reason is known"}`, {
    remedy: "what is discarded is not delivered any more; to deliver its event all the same: tenon events replay … --event",
  });
}

/** `3 dead letters: orders/mark-paid 2, stock/reserve 1`. */
export function groupsText(groups: readonly SelectedGroup[]): string {
  const sums = new Map<string, number>();
  for (const { count, selection, subscription } of groups) {
    const name = `${selection.service}/${subscription}`;
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  const sum = groups.reduce((all, { count }) => all + count, 0);
  return `${countOf(sum, "dead letter")}: ${[...sums].map(([name, count]) => `${name} ${count}`).join(", ")}`;
}
