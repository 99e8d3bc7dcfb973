/** The deliveries that a service handles, by the names under which they stand in its inbox: of events, schedules, workflows. */
import { scheduleSubscription } from "../events/index.ts";
import type { Service } from "../service/index.ts";
import { mailOf, turnsOf } from "../workflows/index.ts";

export interface NamedConsumer {
  readonly name: string;
  /** Whether a key waits after a death. */
  readonly afterDeath: "continue" | "hold";
}

export function consumersOf({ subscriptions, triggers, workflows }: Service): readonly NamedConsumer[] {
  return [
    ...subscriptions.map(({ name, options }) => ({ name, afterDeath: options.afterDeath ?? "continue" })),
    ...triggers.filter((trigger) => trigger.kind === "every").map(({ name, options }) => ({ name: scheduleSubscription(name), afterDeath: options.afterDeath ?? "continue" })),
    ...workflows.map(({ name }) => ({ name: turnsOf(name), afterDeath: "hold" as const })),
    ...workflows.filter(({ events }) => events.length > 0).map(({ name }) => ({ name: mailOf(name), afterDeath: "continue" as const })),
  ];
}
