/**
 * How long requests wait in this process before they are seen. Requests that have arrived are handed over one after the
 * other in one turn of the event loop; where each of them computes for milliseconds, the last ones have waited for all
 * before them, and no count of calls under way shows it.
 *
 * As in CoDel (RFC 8289), a queue counts only when it stands: turns that were long, one after the other, for a second.
 * A burst, a cold start or a pause of the garbage collector is over by then. And it counts only when this process spent
 * most of that second on the processor: turns that are long because others had it are not a queue of ours, and refusing
 * callers would not shorten them.
 *
 *     short ── a turn over `longTurnMs` ──► long ── for `standsAfterMs` ──► standing
 *       ▲                                    │                                │
 *       └──────────── a turn below it ───────┴────────────────────────────────┘
 *
 * Costs one comparison a request, and one `setImmediate` a turn.
 */
import type { Clock } from "../kernel/index.ts";

/** Below it nobody notices that others came first. */
const longTurnMs = 40;
/** CoDel's interval, made longer: a process that has just been started compiles its code in its first second. */
const standsAfterMs = 1_000;

/** Part of a standing queue's time that this process has to have had the processor for. */
const ownShare = 0.6;

export class LoopDelay {
  readonly #clock: Clock;
  readonly #cpuMs: () => number;
  #turnStartMs = Number.NaN;
  /** Since when every turn has been a long one, and what had been spent on the processor by then. */
  #longSinceMs = Number.NaN;
  #longSinceCpuMs = 0;
  readonly #endTurn = (): void => {
    const nowMs = this.#clock.elapsedMs();
    if (nowMs - this.#turnStartMs <= longTurnMs) {
      this.#longSinceMs = Number.NaN;
    } else if (Number.isNaN(this.#longSinceMs)) {
      this.#longSinceMs = nowMs;
      this.#longSinceCpuMs = this.#cpuMs();
    }
    this.#turnStartMs = Number.NaN;
  };

  /** @param cpuMs  What this process has spent on the processor, in ms. */
  constructor(clock: Clock, cpuMs: () => number = processCpuMs) {
    this.#clock = clock;
    this.#cpuMs = cpuMs;
  }

  /** Called with the instant at which each request is seen. */
  seen(nowMs: number): void {
    if (!Number.isNaN(this.#turnStartMs)) return;
    this.#turnStartMs = nowMs;
    setImmediate(this.#endTurn);
  }

  /** How long the request at hand has waited at least, in ms; 0 while no queue stands. */
  readonly delayMs = (): number => {
    if (Number.isNaN(this.#longSinceMs)) return 0;
    const nowMs = this.#clock.elapsedMs();
    const standsMs = nowMs - this.#longSinceMs;
    if (standsMs < standsAfterMs || !this.#isOwn(standsMs)) return 0;
    return nowMs - this.#turnStartMs;
  };

  #isOwn(standsMs: number): boolean {
    return this.#cpuMs() - this.#longSinceCpuMs >= standsMs * ownShare;
  }
}

function processCpuMs(): number {
  const { system, user } = process.cpuUsage();
  return (system + user) / 1_000;
}
