/**
 * Proofs of possession that were taken, so that none is taken twice. Bounded: where it is full of proofs that could
 * come again, further ones are not taken, since to forget one would be to let it in again.
 *
 * In the memory of this process. A proof that was shown to one instance could be shown to another one, within the
 * window in which it is good; nonces make that window no shorter.
 */
import type { Clock } from "../kernel/index.ts";

export interface SeenProofsOptions {
  readonly clock: Clock;
  /** How long a proof could come again, in ms. */
  readonly windowMs: number;
  /** Default 100 000: about 15 MB. */
  readonly max?: number;
}

export class SeenProofs {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #max: number;
  /** Two halves: a proof stands in the young one for a window, then in the old one for another. */
  #young = new Set<string>();
  #old = new Set<string>();
  #turnAtMs: number;

  constructor({ clock, max = 100_000, windowMs }: SeenProofsOptions) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#max = max;
    this.#turnAtMs = clock.elapsedMs() + windowMs;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Notes a proof. `repeated`: it was here before. `full`: it cannot be noted, and must not be taken. */
  note(id: string): "new" | "repeated" | "full" {
    this.#turn();
    if (this.#young.has(id) || this.#old.has(id)) return "repeated";
    if (this.size >= this.#max) return "full";
    this.#young.add(id);
    return "new";
  }

  #turn(): void {
    const nowMs = this.#clock.elapsedMs();
    if (nowMs < this.#turnAtMs) return;
    const isLongAgo = nowMs >= this.#turnAtMs + this.#windowMs;
    this.#old = isLongAgo ? new Set() : this.#young;
    this.#young = new Set();
    this.#turnAtMs = nowMs + this.#windowMs;
  }
}
