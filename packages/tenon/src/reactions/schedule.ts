/** The runs of a schedule, as deliveries: what its handler takes apart, and the consumer that runs it. */
import { type Consumer, scheduleSubscription } from "../events/index.ts";
import type { ScheduleTrigger } from "../service/index.ts";
import { ReactionContext } from "./reaction-context.ts";
import { type ConsumerParts, createConsumer } from "./subscription.ts";

class ScheduleContext extends ReactionContext {
  get scheduledAt(): string {
    return this.event.time;
  }

  get missed(): number {
    return (this.data as { readonly missed: number }).missed;
  }
}

export function createScheduleConsumer({ handler, name, options }: ScheduleTrigger, parts: ConsumerParts): Consumer {
  return createConsumer(
    {
      kind: "schedule",
      name: scheduleSubscription(name),
      span: { name: `schedule ${name}`, kind: "internal", attributes: { "tenon.schedule": name } },
      options,
      read: ({ event }) => event.data,
      handler: handler as (context: ReactionContext) => unknown,
      contextOf: (call, environment) => new ScheduleContext(call, environment),
    },
    parts,
  );
}
