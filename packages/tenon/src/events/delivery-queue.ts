/**
 * The deliveries of one subscription that this process has in memory, and which of them may run. Pure: it knows neither
 * database nor time.
 *
 * Of one key only one runs, in the order of the inbox; what comes meanwhile stands in its chain. A key whose delivery
 * failed is held: what comes for it from then on is *behind*, and not kept here. Once the failed one is done or dead,
 * what is behind comes back in portions, and the key is free when nothing is left there.
 */
import type { Delivery } from "./delivery.ts";

interface KeyState {
  readonly lane: number;
  isHeld: boolean;
  /** How many were sent behind since somebody last asked. */
  sentBehind: number;
  /** How many of this key may run or do so. */
  active: number;
  chain: Delivery[];
}

/** A list that is taken from in front is cut once so much of it is empty. */
const cutAfter = 256;

export class DeliveryQueue {
  /** By place in the inbox, those that run included. */
  readonly #known = new Set<number>();
  readonly #keys = new Map<string, KeyState>();
  #ready: Delivery[] = [];
  /** How many of those that may run are such that a process has died of. */
  #suspects = 0;
  /** Where in `#ready` the next one is. */
  #next = 0;

  /** Deliveries in memory, those that run included. */
  get size(): number {
    return this.#known.size;
  }

  get hasReady(): boolean {
    return this.#next < this.#ready.length;
  }

  /** Whether there is one to run that no process has died of. */
  get hasUnsuspected(): boolean {
    return this.#ready.length - this.#next > this.#suspects;
  }

  isHeld(key: string | undefined): boolean {
    return key !== undefined && this.#keys.get(key)?.isHeld === true;
  }

  /**
   * Takes a delivery in. One that is here already is left as it is.
   *
   * @returns `behind`: an earlier one of its key has failed. It was not taken in.
   */
  add(delivery: Delivery): "taken" | "behind" {
    const { attempts, event, lane, seq } = delivery;
    if (this.#known.has(seq)) return "taken";
    if (event.key === undefined) {
      this.#known.add(seq);
      this.#makeReady(delivery);
      return "taken";
    }
    const state = this.#stateOf(event.key, lane);
    // One that failed before is what its key waits for; everything else comes after it.
    if (state.isHeld && attempts === 0) {
      state.sentBehind++;
      return "behind";
    }
    this.#queue(state, delivery);
    return "taken";
  }

  /** Takes in what was behind, oldest first. The key stays held: there may be more. */
  addPromoted(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (delivery.event.key === undefined || this.#known.has(delivery.seq)) continue;
      this.#queue(this.#stateOf(delivery.event.key, delivery.lane), delivery);
    }
  }

  /**
   * The next ones to run, at most `max`; of one key in order, and nothing else of it until they are finished. One that
   * processes have died of comes alone.
   *
   * @param suspects  `later`: such ones are passed over, and keep their place.
   */
  take(max: number, suspects: "alone" | "later" = "alone"): readonly Delivery[] {
    const taken: Delivery[] = [];
    while (taken.length < max && this.hasReady) {
      if (this.#suspects > 0 && isSuspect(this.#ready[this.#next] as Delivery)) {
        if (suspects === "alone" && taken.length === 0) {
          this.#suspects--;
          return [this.#ready[this.#next++] as Delivery];
        }
        if (!this.hasUnsuspected) break;
        const at = this.#ready.findIndex((each, i) => i >= this.#next && !isSuspect(each));
        const [other] = this.#ready.splice(at, 1);
        this.#ready.splice(this.#next, 0, other as Delivery);
      }
      const delivery = this.#ready[this.#next++] as Delivery;
      taken.push(delivery);
      const state = delivery.event.key === undefined ? undefined : this.#keys.get(delivery.event.key);
      const more = state?.chain.splice(0, chainedMax(state.chain, max - taken.length)) ?? [];
      if (state !== undefined) state.active += more.length;
      taken.push(...more);
    }
    if (this.#next > cutAfter && this.#next * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#next);
      this.#next = 0;
    }
    return taken;
  }

  /**
   * One that ran is done, dead, or given back.
   *
   * @returns Whether its key is held and nothing of it is left here: what is behind is to come back.
   */
  finish(delivery: Delivery): boolean {
    this.#known.delete(delivery.seq);
    const { key } = delivery.event;
    const state = key === undefined ? undefined : this.#keys.get(key);
    if (key === undefined || state === undefined) return false;
    state.active--;
    if (state.active > 0) return false;
    const next = state.chain.shift();
    if (next !== undefined) {
      state.active = 1;
      this.#makeReady(next);
      return false;
    }
    if (!state.isHeld) this.#keys.delete(key);
    return state.isHeld;
  }

  /** One that ran has failed and waits: its key is held. @returns What was queued after it, no longer here. */
  hold(delivery: Delivery): readonly Delivery[] {
    this.#known.delete(delivery.seq);
    const { key } = delivery.event;
    if (key === undefined) return [];
    const state = this.#stateOf(key, delivery.lane);
    state.active = Math.max(0, state.active - 1);
    state.isHeld = true;
    const behind = state.chain;
    state.chain = [];
    for (const each of behind) this.#known.delete(each.seq);
    state.sentBehind += behind.length;
    return behind;
  }

  /** One that ran is to be read again as if nothing had been: so is what was queued after it. */
  putBack(delivery: Delivery): void {
    this.#known.delete(delivery.seq);
    const { key } = delivery.event;
    const state = key === undefined ? undefined : this.#keys.get(key);
    if (key === undefined || state === undefined) return;
    for (const each of state.chain) this.#known.delete(each.seq);
    state.chain = [];
    state.active = Math.max(0, state.active - 1);
    if (state.active === 0 && !state.isHeld) this.#keys.delete(key);
  }

  /** A key is held from before. */
  holdKey(key: string, lane: number): void {
    this.#stateOf(key, lane).isHeld = true;
  }

  /** How many were sent behind since the last time this was asked. */
  takeSentBehind(key: string): number {
    const state = this.#keys.get(key);
    const count = state?.sentBehind ?? 0;
    if (state !== undefined) state.sentBehind = 0;
    return count;
  }

  /** Nothing of the key is behind any more. */
  release(key: string): void {
    const state = this.#keys.get(key);
    if (state === undefined) return;
    state.isHeld = false;
    if (state.active === 0) this.#keys.delete(key);
  }

  /** Forgets what is of these lanes and does not run. */
  forget(lanes: ReadonlySet<number>): void {
    const ready = this.#ready.slice(this.#next);
    this.#ready = ready.filter(({ lane }) => !lanes.has(lane));
    this.#suspects = this.#ready.filter(isSuspect).length;
    this.#next = 0;
    for (const { event, lane, seq } of ready) {
      if (!lanes.has(lane)) continue;
      this.#known.delete(seq);
      const state = event.key === undefined ? undefined : this.#keys.get(event.key);
      if (state !== undefined) state.active--;
    }
    for (const [key, state] of this.#keys) {
      if (!lanes.has(state.lane)) continue;
      for (const { seq } of state.chain) this.#known.delete(seq);
      state.chain = [];
      state.isHeld = false;
      if (state.active <= 0) this.#keys.delete(key);
    }
  }

  #stateOf(key: string, lane: number): KeyState {
    let state = this.#keys.get(key);
    if (state === undefined) {
      state = { lane, isHeld: false, sentBehind: 0, active: 0, chain: [] };
      this.#keys.set(key, state);
    }
    return state;
  }

  #queue(state: KeyState, delivery: Delivery): void {
    this.#known.add(delivery.seq);
    if (state.active > 0) {
      state.chain.push(delivery);
      return;
    }
    state.active = 1;
    this.#makeReady(delivery);
  }

  #makeReady(delivery: Delivery): void {
    this.#ready.push(delivery);
    if (isSuspect(delivery)) this.#suspects++;
  }
}

/** How many of a chain go along in a batch: none that comes alone. */
function chainedMax(chain: readonly Delivery[], max: number): number {
  const first = chain.findIndex(isSuspect);
  return first === -1 ? max : Math.min(first, max);
}

/** Whether a process has died while it was at work on it. */
export function isSuspect({ crashes }: Delivery): boolean {
  return crashes > 0;
}
