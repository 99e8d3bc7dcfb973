/**
 * Keeps calls from waiting for a target that does not answer. After ten failures in a row nothing is sent for a while;
 * then one call tries. An answer of any kind, a failure of the operation too, is a sign of life.
 *
 *     closed ── 10 failures, no answer between ──► open ── its time is over ──► trying ── answered ──► closed
 *                                                   ▲                            │ failed: twice as long
 *                                                   └────────────────────────────┘
 */
import type { Clock, Random } from "../kernel/index.ts";

const failuresMax = 10;
/** How long nothing is sent at first, and at most, in ms. */
const restMs = { first: 500, most: 15_000 } as const;

export class Breaker {
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;
  #restMs: number = restMs.first;
  #opensAgainAtMs: number | undefined = undefined;
  #isTrying = false;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#opensAgainAtMs !== undefined;
  }

  /** How long nothing is sent yet, in ms; 0 lets a call through. While it rests, one call at a time may try. */
  waitMs(): number {
    const opensAtMs = this.#opensAgainAtMs;
    if (opensAtMs === undefined) return 0;
    const nowMs = this.#clock.elapsedMs();
    if (nowMs < opensAtMs) return opensAtMs - nowMs;
    this.#isTrying = true;
    this.#opensAgainAtMs = nowMs + this.#restMs; // the one that tries keeps the others out
    return 0;
  }

  answered(): void {
    this.#failures = 0;
    this.#restMs = restMs.first;
    this.#opensAgainAtMs = undefined;
    this.#isTrying = false;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures < failuresMax) return;
    // Calls that were under way when it opened fail too, and say nothing new: only one that tries makes the rest longer.
    if (this.isOpen && !this.#isTrying) return;
    if (this.#isTrying) this.#restMs = Math.min(restMs.most, this.#restMs * 2);
    this.#isTrying = false;
    // Drawn, so that processes that lost the target together do not come back together.
    this.#opensAgainAtMs = this.#clock.elapsedMs() + this.#restMs * (0.75 + 0.5 * this.#random());
  }
}
