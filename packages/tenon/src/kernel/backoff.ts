/** How long to wait before something is tried again that nobody is waiting for. */
import type { Random } from "./clock.ts";

export interface BackoffPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Doubles from `baseMs` up to `capMs`, with a spread of a half, so that a crowd that failed together does not come back
 * in one instant, and nobody comes back at once.
 *
 * @param attempt  1 for the first retry.
 */
export function backoffMs(attempt: number, { baseMs, capMs }: BackoffPolicy, random: Random): number {
  const ceilingMs = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return ceilingMs * (0.5 + random() / 2);
}
