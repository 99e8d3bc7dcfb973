/**
 * Time in tests. What waits is due at instants of the database, which nobody can put forward; so when time passes in a test,
 * those instants come nearer instead. What the app itself takes for the present is put forward by as much.
 */
import type { Clock, Timer } from "../kernel/index.ts";
import { nextDueMs, shiftDue } from "../workflows/index.ts";
import type { OpenedData } from "./open-data.ts";

/** A clock that can be put forward. What is measured, and timers, stay as they are. */
export class TestClock implements Clock {
  readonly #clock: Clock;
  #aheadMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#aheadMs;
  }

  elapsedMs(): number {
    return this.#clock.elapsedMs();
  }

  after(delayMs: number, task: () => void): Timer {
    return this.#clock.after(delayMs, task);
  }

  putForward(ms: number): void {
    this.#aheadMs += ms;
  }
}

export interface AdvanceOptions {
  readonly clock: TestClock;
  readonly data: OpenedData;
  /** Names of those that have rows. */
  readonly services: readonly string[];
  /** Resolves when nothing is left to do now. */
  readonly settled: () => Promise<void>;
}

/** Beyond so many instants something waits again and again for no time at all. */
const instantsMax = 100_000;

/** Goes from one instant at which something is due to the next, until `ms` have passed. */
export async function advanceTime(ms: number, { clock, data: { database }, services, settled }: AdvanceOptions): Promise<void> {
  await settled();
  let leftMs = ms;
  for (let i = 0; i < instantsMax; i++) {
    const dueMs = Math.min(...(await Promise.all(services.map((service) => nextDueMs(database, service)))));
    const stepMs = Math.min(leftMs, Math.max(0, dueMs));
    for (const service of services) await shiftDue(database, service, stepMs);
    clock.putForward(stepMs);
    leftMs -= stepMs;
    if (dueMs > stepMs) return;
    await settled();
  }
}
