/**
 * How long a request that is seen now has waited at least: the time since the first request of the same turn of the
 * event loop. Requests that have arrived are handed over one after the other; where each of them computes for
 * milliseconds, the last ones have waited for all before them, and no count of calls under way shows it.
 *
 * Costs one comparison a request and one `setImmediate` a turn.
 */
import type { Clock } from "../kernel/index.ts";

export class LoopDelay {
  readonly #clock: Clock;
  #turnStartMs = Number.NaN;
  readonly #endTurn = (): void => {
    this.#turnStartMs = Number.NaN;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called with the instant at which each request is seen. */
  seen(nowMs: number): void {
    if (!Number.isNaN(this.#turnStartMs)) return;
    this.#turnStartMs = nowMs;
    setImmediate(this.#endTurn);
  }

  /** In ms; 0 between turns. */
  readonly delayMs = (): number => (Number.isNaN(this.#turnStartMs) ? 0 : this.#clock.elapsedMs() - this.#turnStartMs);
}
