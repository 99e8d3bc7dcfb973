/** How long a client waits between two attempts. */
import { type BackoffLimits, backoffMs, type Random } from "../kernel/index.ts";

const limits: BackoffLimits = {
  baseMs: 100, // a connection that was reset is back at once
  capMs: 5_000, // a person may be watching; only a service that asks for more gets more
};

/**
 * How long to wait before retry number `attempt`, in whole ms: {@link backoffMs}, added to what the service asked for,
 * so that a crowd is not told to come back in one instant.
 *
 * @param attempt      1 for the first retry.
 * @param retryAfterS  The service's own wish, in s.
 */
export function retryDelayMs(attempt: number, retryAfterS: number | undefined, random: Random): number {
  return (retryAfterS ?? 0) * 1_000 + backoffMs(attempt, limits, random);
}
