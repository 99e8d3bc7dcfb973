/**
 * Deliveries that processes die of. What runs stands in the memory of its process alone, so nobody knows what one that died
 * was at work on, and to write it down always would cost each delivery a write. So it is written down after a death, for
 * a while, by those who take the lanes over: *watched*. If they die too, that counts as a failed attempt of whatever was begun and not
 * done: a *suspect*, which waits, and is run while no other suspect is, until it is done or has used up its attempts.
 *
 *     ready ─► running ─ death ─► ready ─► begun ─┬─ done
 *                                                 └─ death ─► suspect ─ waits ─► begun, alone ─┬─ done
 *                                                                ▲                             ├─ death, attempts used up ─► dead
 *                                                                └─────────── death ───────────┘
 */
import { backoffMs, type Clock, type Log, type Random } from "../kernel/index.ts";
import type { Consumer } from "./consumer.ts";
import type { Delivery } from "./delivery.ts";
import { isSuspect } from "./delivery-queue.ts";
import type { Inbox } from "./inbox.ts";
import { laneCount } from "./lanes.ts";

export interface DeathsOptions {
  readonly inbox: Inbox;
  readonly service: string;
  /** `undefined`: the code does not have the subscription any more. */
  readonly consumerOf: (subscription: string) => Consumer | undefined;
  /** Says, in so many ms, that there is something due. */
  readonly wakeIn: (waitMs: number) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * For so long after a death what is begun in the lanes of the process is written down first, in ms: one write more for each. What was
 * under way is among the first that are read, so an event that ends its process does so again within this time.
 */
const watchMs = 60_000;

export class Deaths {
  readonly #options: DeathsOptions;
  /** By lane: until when it is watched. */
  readonly #untilMs = new Map<number, number>();
  #hasBegun = false;

  constructor(options: DeathsOptions) {
    this.#options = options;
  }

  /** Whether a delivery is to be written down before it runs. */
  isWatched(delivery: Delivery): boolean {
    return isSuspect(delivery) || (this.#untilMs.get(delivery.lane) ?? Number.NEGATIVE_INFINITY) > this.#options.clock.elapsedMs();
  }

  /** To be called before watched deliveries run. */
  async begin(deliveries: readonly Delivery[]): Promise<void> {
    this.#hasBegun = true;
    await this.#options.inbox.begin(deliveries);
  }

  /** What was begun in lanes and is not done is no sign of a death: this process lets go of them alive. */
  async end(lanes: readonly number[]): Promise<void> {
    if (!this.#hasBegun) return;
    const { inbox, log, service } = this.#options;
    try {
      await inbox.end(lanes);
    } catch (error) {
      log.warn("deliveries that were under way could not be given back: each may count as an attempt", { service, error });
    }
  }

  endAll(): Promise<void> {
    return this.end(Array.from({ length: laneCount }, (_, lane) => lane));
  }

  /** @param lanes  Whose holder died, or did not renew them in time. They are held here by now, and not read yet. */
  async count(lanes: readonly number[]): Promise<void> {
    if (lanes.length === 0) return;
    const { clock, consumerOf, inbox } = this.#options;
    for (const delivery of await inbox.underWay(lanes)) {
      const consumer = consumerOf(delivery.subscription);
      if (consumer !== undefined) await this.#countOne(delivery, consumer);
    }
    for (const lane of lanes) this.#untilMs.set(lane, clock.elapsedMs() + watchMs);
  }

  async #countOne(delivery: Delivery, consumer: Consumer): Promise<void> {
    const { clock, inbox, log, random, service, wakeIn } = this.#options;
    const { event, subscription } = delivery;
    const [attempt, crashes] = [delivery.attempts + 1, delivery.crashes + 1];
    const facts = { service, subscription, event: event.id, type: event.type, attempt, crashes };
    const error = `The process ended while it was at work on this delivery. That makes ${crashes}, as far as it was written down before.`;
    if (isUsedUp(delivery, consumer, clock)) {
      await inbox.bury(delivery, error);
      log.error("a delivery is a dead letter now: processes ended while they were at work on it", facts);
      return;
    }
    const waitMs = backoffMs(attempt, consumer.policy, random);
    await inbox.postpone(delivery, { waitMs, error, isCrash: true });
    log.warn("a process ended while it was at work on a delivery, which is tried again by itself", { ...facts, waitMs });
    wakeIn(waitMs);
  }
}

/** Whether the attempt under way was the last. */
export function isUsedUp({ attempts, receivedAtMs }: Delivery, { policy }: Consumer, clock: Clock): boolean {
  return attempts + 1 >= policy.attempts || clock.nowMs() - receivedAtMs >= policy.maxAgeMs;
}
