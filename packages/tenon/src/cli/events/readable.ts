/** Whether a subscription of the app can still be given an event: it has to want its type, and to know its version. */
import type { ContractEvent } from "../../contract/index.ts";
import type { App, Subscription } from "../../service/index.ts";

/** The oldest version of an event that can still be read. */
export async function oldestReadable(event: ContractEvent): Promise<number> {
  const { upcastsFrom } = await import("../../contract/index.ts");
  return upcastsFrom(event)[0] ?? event.version;
}

export interface Asked {
  readonly service: string;
  readonly subscription: string;
  readonly type: string;
  readonly version: number;
}

/** Why it cannot be delivered, in a person's words; `undefined` where it can. */
export async function whyUndeliverable(app: App, { service, subscription: name, type, version }: Asked): Promise<string | undefined> {
  const owner = app.services.find((each) => each.name === service);
  const subscription = owner?.subscriptions.find((each) => each.name === name);
  const { consumersOf } = await import("../../reactions/index.ts");
  const isKnown = owner !== undefined && consumersOf(owner).some((each) => each.name === name);
  if (subscription === undefined && isKnown) return undefined; // a schedule or a workflow, which reads what it has written itself
  if (subscription === undefined) return `${service} has no subscription "${name}" any more, so nobody would deliver it`;
  if (subscription.event.id !== type) return `${service}/${name} handles ${subscription.event.id}, and not ${type}`;
  return whyUnreadable(subscription, version);
}

export async function whyUnreadable({ event }: Subscription, version: number): Promise<string | undefined> {
  const oldest = await oldestReadable(event);
  return version >= oldest ? undefined : `${event.id} version ${version} is discarded: the oldest version that can still be read is ${oldest}`;
}
