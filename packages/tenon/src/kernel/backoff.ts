/** How long to wait before something that failed is tried again. */
import type { Random } from "./clock.ts";

export interface BackoffLimits {
  /** The first wait is below this, in ms. */
  readonly baseMs: number;
  /** No wait reaches this, in ms. */
  readonly capMs: number;
}

/**
 * How long to wait before retry number `attempt`.
 *
 * Full jitter: a uniform draw from 0 up to `min(capMs, baseMs · 2^(attempt − 1))`. The draw spreads a crowd that
 * failed together; the cap bounds the worst wait.
 *
 * @param attempt  1 for the first retry; a whole number.
 * @param random   Uniform in [0, 1).
 * @returns        Whole milliseconds, at least 0 and below `capMs`.
 * @throws {RangeError} `attempt` is not a whole number from 1: a bug here, not a caller's fault.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ "Full Jitter"
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: Random): number {
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw new RangeError(`attempt must be a whole number from 1, got ${attempt}`);
  const ceilingMs = Math.min(limits.capMs, limits.baseMs * 2 ** (attempt - 1));
  return Math.floor(random() * ceilingMs);
}
