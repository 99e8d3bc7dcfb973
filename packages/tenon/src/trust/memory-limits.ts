/** Limits counted in this process alone: exact for one instance, and as often as there are instances for several. */
import type { Clock } from "../kernel/index.ts";
import type { LimitPolicy, LimitState, LimitStore, LimitTake } from "./ports.ts";
import { RateLimiter } from "./rate-limiter.ts";

export interface MemoryLimitsOptions {
  readonly clock: Clock;
  /** Callers kept in mind for each limit. Default 50 000: about 7 MB when all places are taken, nothing ahead of it. */
  readonly keysMax?: number;
}

export class MemoryLimits implements LimitStore {
  readonly #clock: Clock;
  readonly #keysMax: number;
  readonly #limiters = new Map<string, RateLimiter>();

  constructor({ clock, keysMax = 50_000 }: MemoryLimitsOptions) {
    this.#clock = clock;
    this.#keysMax = keysMax;
  }

  take(takes: readonly LimitTake[]): readonly LimitState[] {
    const nowMs = this.#clock.elapsedMs();
    const [only] = takes;
    if (only !== undefined && takes.length === 1) return [this.#limiterOf(only.policy).takeState(only.key, nowMs)];
    const waits = takes.map(({ key, policy }) => this.#limiterOf(policy).waitMs(key, nowMs));
    if (waits.some((waitMs) => waitMs > 0)) {
      return takes.map(({ key, policy }, i) => ({ ...this.#limiterOf(policy).stateOf(key, nowMs), waitMs: waits[i] ?? 0 }));
    }
    return takes.map(({ key, policy }) => this.#limiterOf(policy).takeState(key, nowMs));
  }

  #limiterOf({ calls, id, perMs }: LimitPolicy): RateLimiter {
    let limiter = this.#limiters.get(id);
    if (limiter === undefined) {
      limiter = new RateLimiter({ calls, perMs, keysMax: this.#keysMax });
      this.#limiters.set(id, limiter);
    }
    return limiter;
  }
}
