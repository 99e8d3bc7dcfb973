/**
 * Counts calls per key by the generic cell rate algorithm: one number per key, no window that starts anew.
 *
 * After a pause a key may make `calls` calls at once; from then on one each `perMs / calls`. So over a long time it is
 * `calls` per `perMs`, and in no single stretch of `perMs` more than twice `calls`: what was saved up, and what comes.
 * Refused calls cost nothing: a caller that keeps asking is served at its rate.
 *
 * Per process. Two processes let twice as many calls through; a store that they share is an adapter's matter.
 *
 * @see ITU-T Recommendation I.371 annex A, "generic cell rate algorithm", in its virtual scheduling form: the time at
 *   which the next cell is expected (TAT) is kept, the increment is T, the limit is tau.
 */
import type { LimitState } from "./ports.ts";
import { RecentMap } from "./recent-map.ts";

export interface RateLimiterOptions {
  /** Calls per `perMs`, and calls at once after a pause. A whole number from 1. */
  readonly calls: number;
  readonly perMs: number;
  /** Keys kept in mind. Beyond it the ones not used lately are forgotten, and start anew. */
  readonly keysMax: number;
}

interface Bucket {
  /** When the next call would be due if calls came evenly: TAT. */
  expectedAtMs: number;
}

export class RateLimiter {
  readonly #perMs: number;
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #buckets: RecentMap<Bucket>;
  #rotateAtMs = Number.NEGATIVE_INFINITY;

  /** @throws {RangeError} a number that lets nobody in. */
  constructor(options: RateLimiterOptions) {
    const { calls, perMs } = options;
    if (!Number.isSafeInteger(calls) || calls < 1) throw new RangeError(`calls must be a whole number from 1, got ${calls}`);
    if (!(perMs > 0 && Number.isFinite(perMs))) throw new RangeError(`perMs must be a positive number, got ${perMs}`);
    this.#perMs = perMs;
    this.#intervalMs = perMs / calls;
    this.#toleranceMs = toleranceMsOf(options);
    this.#buckets = new RecentMap(options.keysMax);
  }

  /** Keys in memory. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes one call of a key.
   *
   * @param nowMs  On a clock that only grows.
   * @returns 0 when the call may pass; else how long to wait, in ms, before one may.
   */
  take(key: string, nowMs: number): number {
    return this.takeState(key, nowMs).waitMs;
  }

  /** Takes one call of a key, where one may pass, and says what is left. */
  takeState(key: string, nowMs: number): LimitState {
    if (nowMs >= this.#rotateAtMs) this.#forgetIdle(nowMs);
    const bucket = this.#buckets.get(key);
    let earlyMs = bucket === undefined ? 0 : Math.max(0, bucket.expectedAtMs - nowMs);
    const waitMs = Math.max(0, earlyMs - this.#toleranceMs);
    if (waitMs === 0) {
      earlyMs += this.#intervalMs;
      if (bucket === undefined) this.#buckets.set(key, { expectedAtMs: nowMs + earlyMs });
      else bucket.expectedAtMs = nowMs + earlyMs;
    }
    const { remaining, resetMs } = limitStateOf(earlyMs, { perMs: this.#perMs, intervalMs: this.#intervalMs });
    return { waitMs, remaining, resetMs };
  }

  /** What {@link take} would say, without taking. */
  waitMs(key: string, nowMs: number): number {
    if (nowMs >= this.#rotateAtMs) this.#forgetIdle(nowMs);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.expectedAtMs - nowMs - this.#toleranceMs);
  }

  /** What is left for a key. */
  stateOf(key: string, nowMs: number): LimitState {
    const earlyMs = Math.max(0, (this.#buckets.get(key)?.expectedAtMs ?? nowMs) - nowMs);
    return limitStateOf(earlyMs, { perMs: this.#perMs, intervalMs: this.#intervalMs });
  }

  /** A bucket that was not touched for this long has all its calls again: it says no more than no bucket. */
  #forgetIdle(nowMs: number): void {
    this.#buckets.rotate();
    this.#rotateAtMs = nowMs + this.#toleranceMs + this.#intervalMs;
  }
}

/**
 * How far ahead of an even pace a key may be, in ms, for a call to pass. Half an interval over (calls - 1) intervals: so
 * many roundings of a third of a second never cost the last call of a burst, and one call more would need a whole interval.
 */
export function toleranceMsOf({ calls, perMs }: { readonly calls: number; readonly perMs: number }): number {
  return perMs - perMs / calls / 2;
}

/**
 * What a key has left that is ahead of an even pace by `earlyMs`.
 *
 * @param earlyMs  After the call, where one was taken.
 */
export function limitStateOf(earlyMs: number, { intervalMs, perMs }: { readonly intervalMs: number; readonly perMs: number }): LimitState {
  const toleranceMs = perMs - intervalMs / 2;
  // Half an interval either way belongs to the nearest whole call, as in the decision.
  const remaining = Math.max(0, Math.floor((perMs - earlyMs) / intervalMs + 0.5));
  const waitMs = Math.max(0, earlyMs - toleranceMs);
  return { waitMs, remaining, resetMs: remaining === 0 ? waitMs : earlyMs };
}
