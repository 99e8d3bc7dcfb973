/**
 * Keys whose deliveries wait because one of them was given up: those of subscriptions that say `afterDeath: "hold"`. A key
 * is held for as long as it has a dead letter, over restarts and changes of lanes, and let go by an operator alone, who
 * retries or discards it in another process. So it is looked at again at every wake.
 */
import type { DeliveryKey, Inbox } from "./inbox.ts";

export class DeadHolds {
  readonly #held = new Map<string, DeliveryKey>();

  get size(): number {
    return this.#held.size;
  }

  has(subscription: string, key: string): boolean {
    return this.#held.has(nameOf(subscription, key));
  }

  add(held: DeliveryKey): void {
    this.#held.set(nameOf(held.subscription, held.key), held);
  }

  /** Forgets the keys of lanes that are another process's now. */
  forget(lanes: ReadonlySet<number>): void {
    for (const [name, { lane }] of this.#held) if (lanes.has(lane)) this.#held.delete(name);
  }

  /** Those that have no dead letter any more. They are not held from now on. */
  async takeReleased(inbox: Inbox): Promise<readonly DeliveryKey[]> {
    const asked = [...this.#held.values()];
    const dead = new Set((await inbox.deadKeys(asked)).map(({ key, subscription }) => nameOf(subscription, key)));
    const released = asked.filter(({ key, subscription }) => !dead.has(nameOf(subscription, key)));
    for (const { key, subscription } of released) this.#held.delete(nameOf(subscription, key));
    return released;
  }
}

/** A subscription's name has no line break. */
function nameOf(subscription: string, key: string): string {
  return `${subscription}\n${key}`;
}
