/**
 * How long requests wait in this process before they are seen. Requests that have arrived are handed over one after the
 * other in one turn of the event loop; where each of them computes for milliseconds, the last ones have waited for all
 * before them, and no count of calls under way shows it.
 *
 * As in CoDel (RFC 8289), a queue counts only when it stands: turns that were long, one after the other, for a second.
 * A burst, a cold start or a pause of the garbage collector is over by then. A turn counts with the processor time that
 * this process spent in it: one that is long because others had the processor is not a queue of ours, and refusing
 * callers would not shorten it.
 *
 *     short ── a turn over `longTurnMs` ──► long ── for `standsAfterMs` ──► standing
 *       ▲                                    │                                │
 *       └──────────── a turn below it ───────┴────────────────────────────────┘
 *
 * Costs one comparison a request, and one `setImmediate` and two looks at the processor's clock a turn.
 */
import type { Clock } from "../kernel/index.ts";

/** Below it nobody notices that others came first. */
const longTurnMs = 40;
/** CoDel's interval, made longer: a process that has just been started compiles its code in its first second. */
const standsAfterMs = 1_000;

export class LoopDelay {
  readonly #clock: Clock;
  #turnStartMs = Number.NaN;
  #turnStartUsage = process.cpuUsage();
  /** Since when every turn has been a long one. */
  #longSinceMs = Number.NaN;
  readonly #endTurn = (): void => {
    const { system, user } = process.cpuUsage(this.#turnStartUsage);
    const isLong = (user + system) / 1_000 > longTurnMs && this.#clock.elapsedMs() - this.#turnStartMs > longTurnMs;
    if (!isLong) this.#longSinceMs = Number.NaN;
    else if (Number.isNaN(this.#longSinceMs)) this.#longSinceMs = this.#turnStartMs;
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

  /** How long the request at hand has waited at least, in ms; 0 while no queue stands. */
  readonly delayMs = (): number => {
    if (Number.isNaN(this.#longSinceMs)) return 0;
    const nowMs = this.#clock.elapsedMs();
    return nowMs - this.#longSinceMs >= standsAfterMs ? nowMs - this.#turnStartMs : 0;
  };
}
