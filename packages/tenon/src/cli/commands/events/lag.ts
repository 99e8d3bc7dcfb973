/** `tenon events lag`: how far behind deliveries are. */
import type { Database } from "../../../data/index.ts";
import type { ServiceLag, SubscriptionLag } from "../../../events/index.ts";
import { alignColumns } from "../../columns.ts";
import { appOption, type CommandSpec } from "../../command.ts";
import { ageText, countText } from "../../events/event-text.ts";
import { type OperatorOptions, withOperator } from "../../events/operator.ts";
import { findService } from "../../events/targets.ts";
import type { Terminal } from "../../terminal.ts";

export const eventsLagCommand: CommandSpec<OperatorOptions> = {
  name: "lag",
  operands: "[service]",
  summary: "show how far behind outboxes and subscriptions are",
  description: [
    "Per subscription: deliveries that are ready, waiting for their next attempt, behind another one of their key, and dead;",
    "and how long the oldest that is not done has been there. Per service: what its outbox has not sent yet, and which",
    "processes deliver. Counts stop at 10,000.",
  ].join(" "),
  options: [appOption],
  examples: [
    ["tenon events lag", "of all services"],
    ["tenon events lag orders --json", "for programs"],
  ],
  run: ({ operands, options, terminal }) =>
    withOperator(options, terminal, async ({ app, database, owners }) => {
      const asked = operands[0] === undefined ? owners : [findService(owners, operands[0])];
      const { consumersOf } = await import("../../../reactions/index.ts");
      const { readLag } = await import("../../../events/index.ts");
      const known = new Map(asked.map((service) => [service.name, new Set(consumersOf(service).map(({ name }) => name))]));
      const view: View = { terminal, sessions: database.sessions, known };
      const lags: ServiceLag[] = [];
      for (const [name, names] of known) lags.push(await readLag(database, name, [...names]));
      return { text: lags.map((lag) => toText(lag, view)).join("\n\n"), data: { app: app.name, services: lags.map((lag) => toData(lag, view)) } };
    }),
};

interface View {
  /** The names of what is delivered, by service. */
  readonly known: ReadonlyMap<string, ReadonlySet<string>>;
  readonly terminal: Terminal;
  readonly sessions: Database["sessions"];
}

function toText(lag: ServiceLag, view: View): string {
  const { terminal } = view;
  const { count, oldestMs } = lag.outbox;
  const outbox = count.count === 0 ? "empty" : `${countText(count)} not sent yet, the oldest for ${ageText(oldestMs ?? 0)}`;
  const heads = ["SUBSCRIPTION", "READY", "WAITING", "BEHIND", "TIMERS", "DEAD", "OLDEST"].map((head) => terminal.style("dim", head));
  const rows = lag.subscriptions.map((each) => toRow(each, lag.service, view));
  return [
    terminal.style("bold", lag.service),
    `  outbox: ${outbox}`,
    ...(rows.length === 0 ? [] : [`  delivered by: ${holdersText(lag, view)}`, alignColumns([heads, ...rows], "  ")]),
  ].join("\n");
}

function toRow(lag: SubscriptionLag, service: string, { known, terminal }: View): readonly string[] {
  const { behind, dead, oldestMs, ready, subscription, timers, waiting } = lag;
  const name = known.get(service)?.has(subscription) === true ? subscription : `${subscription} ${terminal.style("yellow", "(not in the app: nobody delivers it)")}`;
  const numbers = [ready, waiting, behind, timers].map(countText);
  return [name, ...numbers, dead.count === 0 ? "0" : terminal.style("red", countText(dead)), oldestMs === undefined ? "" : ageText(oldestMs)];
}

function holdersText({ freeLanes, holders }: ServiceLag, { sessions }: View): string {
  if (sessions === "one") return "the process that has the embedded database; at this moment, nobody";
  const alive = holders.filter(({ isAlive }) => isAlive);
  const parts = alive.map(({ holder, lanes }) => `${holder} (${lanes} lanes)`);
  if (freeLanes > 0) parts.push(alive.length === 0 ? "nobody at the moment" : `nobody for ${freeLanes} lanes`);
  return parts.join(", ");
}

function toData(lag: ServiceLag, { known }: View): Readonly<Record<string, unknown>> {
  const { outbox, subscriptions, ...rest } = lag;
  return {
    ...rest,
    outbox: { ...outbox.count, oldestMs: outbox.oldestMs ?? null },
    subscriptions: subscriptions.map((each) => ({ ...each, oldestMs: each.oldestMs ?? null, isInApp: known.get(lag.service)?.has(each.subscription) === true })),
  };
}
