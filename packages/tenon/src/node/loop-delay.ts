/**
 * How long requests wait in this process before they are seen. Requests that have arrived are handed over one after the
 * other in one turn of the event loop; where each of them computes for milliseconds, the last ones have waited for all
 * before them, and no count of calls under way shows it.
 *
 * What is told is the lesser of this turn's length so far and the whole of the last one's: one long turn is a pause of
 * the garbage collector, two in a row are a queue that stands (the idea of CoDel, RFC 8289: a queue is bad when even
 * its shortest wait is long). A turn counts with the processor time that this process spent in it: one that is long
 * because others had the processor is not a queue of ours, and refusing callers would not shorten it.
 *
 * Costs one comparison a request, and one `setImmediate` and two looks at the processor's clock a turn.
 */
import type { Clock } from "../kernel/index.ts";

export class LoopDelay {
  readonly #clock: Clock;
  #turnStartMs = Number.NaN;
  #turnStartUsage = process.cpuUsage();
  #lastTurnMs = 0;
  readonly #endTurn = (): void => {
    const spent = process.cpuUsage(this.#turnStartUsage);
    this.#lastTurnMs = Math.min((spent.user + spent.system) / 1_000, this.#clock.elapsedMs() - this.#turnStartMs);
    this.#turnStartMs = Number.NaN;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called with the instant at which each request is seen. */
  seen(nowMs: number): void {
    if (!Number.isNaN(this.#turnStartMs)) return;
    this.#turnStartMs = nowMs;
    this.#turnStartUsage = process.cpuUsage();
    setImmediate(this.#endTurn);
  }

  /** In ms; 0 while there is no queue. Asked while a request is handled. */
  readonly delayMs = (): number => Math.min(this.#lastTurnMs, this.#clock.elapsedMs() - this.#turnStartMs);
}
