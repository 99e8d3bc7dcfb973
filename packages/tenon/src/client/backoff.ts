/** How long to wait between two attempts. */

/** The first wait is at most this, in ms: a connection that was reset is back at once. */
const baseMs = 100;
/** No wait without `retry-after` is longer, in ms: a person may be watching. */
const capMs = 5_000;

/**
 * How long to wait before retry number `attempt`, in whole ms.
 *
 * Full jitter: a uniform draw from 0 up to `min(capMs, baseMs · 2^(attempt − 1))`, which spreads a crowd that failed
 * together. It is added to what the service asked for, so that the crowd is not told to come back in one instant.
 *
 * @param attempt      1 for the first retry.
 * @param retryAfterS  The service's own wish, in s.
 * @param random       Uniform in [0, 1).
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ "Full Jitter"
 */
export function retryDelayMs(attempt: number, retryAfterS: number | undefined, random: () => number): number {
  const jitterMs = Math.floor(random() * Math.min(capMs, baseMs * 2 ** (attempt - 1)));
  return (retryAfterS ?? 0) * 1_000 + jitterMs;
}
