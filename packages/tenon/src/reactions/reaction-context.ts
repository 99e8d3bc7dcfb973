/** What the handler of a delivery takes apart in its parameter list, besides what every handler gets. */
import type { Delivery, EventRecord } from "../events/index.ts";
import { GivenUp } from "../events/index.ts";
import type { EventInfo } from "../service/index.ts";
import { Context, type FailFunctions, type ServiceEnvironment } from "../handlers/index.ts";
import type { DeliveryCall } from "./delivery-call.ts";

const noErrors: FailFunctions = Object.freeze({});

export class ReactionContext extends Context {
  readonly #call: DeliveryCall;

  constructor(call: DeliveryCall, environment: ServiceEnvironment) {
    super(call, environment, noErrors);
    this.#call = call;
  }

  /** Of the one delivery, as the present version of its contract has it. */
  get data(): unknown {
    return this.#inputs[0];
  }

  get event(): EventInfo {
    return toInfo(this.#first.event);
  }

  get events(): readonly { readonly data: unknown; readonly event: EventInfo }[] {
    return this.#call.deliveries.map(({ event }, i) => ({ data: this.#inputs[i], event: toInfo(event) }));
  }

  get attempt(): number {
    return this.#first.attempts + 1;
  }

  get giveUp(): (reason: string) => GivenUp {
    return (reason) => new GivenUp(reason);
  }

  get #first(): Delivery {
    return this.#call.deliveries[0] as Delivery;
  }

  get #inputs(): readonly unknown[] {
    return this.#call.input as readonly unknown[];
  }
}

function toInfo({ id, key, source, time, type, version }: EventRecord): EventInfo {
  return { id, type, source, version, key, time };
}
