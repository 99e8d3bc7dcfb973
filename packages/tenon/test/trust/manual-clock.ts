/** A clock that stands until it is set. */
import type { Clock, Timer } from "../../src/kernel/index.ts";

export class ManualClock implements Clock {
  #nowMs: number;
  readonly #startedMs: number;

  constructor(nowMs = 1_800_000_000_000) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  elapsedMs(): number {
    return this.#nowMs - this.#startedMs;
  }

  after(): Timer {
    throw new RangeError("nothing under test here may set a timer");
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
