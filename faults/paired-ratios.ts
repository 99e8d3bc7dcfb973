/** What pairs of measurements say of a ratio, on a machine that others use as well: its median, and between which bounds that lies. Pure. */

export interface MedianOfRatios {
  readonly median: number;
  /** The true median lies between them with a confidence of at least 95 %; 0 and infinite where the pairs are too few to say. */
  readonly low: number;
  readonly high: number;
}

export type Verdict = "within" | "not shown" | "worse";

const confidence = 0.95;

/**
 * By signs: whatever the ratios are distributed like, each lies above their median with a chance of one half, so that the
 * median lies between the k-th smallest and the k-th largest of them unless fewer than k of n tosses of a coin fall one way.
 *
 * @see https://www.itl.nist.gov/div898/software/dataplot/refman1/auxillar/mediancl.htm
 */
export function medianOfRatios(ratios: readonly number[]): MedianOfRatios {
  const sorted = ratios.toSorted((a, b) => a - b);
  const count = sorted.length;
  const middle = count >> 1;
  const median = count % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  const outside = outsideOf(count);
  return { median, low: outside === 0 ? 0 : (sorted[outside - 1] as number), high: outside === 0 ? Number.POSITIVE_INFINITY : (sorted[count - outside] as number) };
}

/** The greatest k with a chance of at most 2.5 % that fewer than k of so many coins fall one way; 0 where there is none. */
function outsideOf(count: number): number {
  let [chance, below] = [0.5 ** count, 0]; // of exactly `k` and of fewer than `k`
  for (let k = 0; k <= count; k += 1) {
    below += chance;
    if (below > (1 - confidence) / 2) return k;
    chance *= (count - k) / (k + 1);
  }
  return 0;
}

/** Whether a ratio is shown to be at most `limit`, or shown to be more, or neither. */
export function verdictOf({ high, low }: MedianOfRatios, limit: number): Verdict {
  if (high <= limit) return "within";
  return low > limit ? "worse" : "not shown";
}
