/** Whether something that is used is not as it was: compares its uses in the time of trouble with those before. Pure. */
import type { Uses } from "./graph-history.ts";

/** How far a share has to be from what is usual, in standard errors: one in 30 000 by chance alone. */
const errorsMin = 4;
/** Fewer odd uses than this say nothing. */
const oddMin = 3;
/** Durations are compared from so many uses before on: of fewer it is not known what is usual. */
const usualMin = 20;
/** Slow is what took longer than all but this part did before. */
const slowPart = 0.05;

export interface Departure {
  /** It fails more often than before. */
  readonly isFailing: boolean;
  /** It takes longer than before. */
  readonly isSlow: boolean;
  /** Failures beyond those that would have been usual. */
  readonly excessBad: number;
  /** Time beyond what would have been usual, in ms, summed over its uses. */
  readonly excessMs: number;
  readonly badShare: number;
  readonly usualBadShare: number;
  readonly meanMs: number;
  /** `undefined` where too little came before. */
  readonly usualMeanMs: number | undefined;
  readonly total: number;
  readonly bad: number;
  /** Uses before, which it is compared with. */
  readonly usualTotal: number;
}

/**
 * Failures where there is no past are unusual, since failing is; durations where there is none are not known to be.
 *
 * @param before  When all was well.
 */
export function departureOf(before: Uses, during: Uses): Departure {
  const usualBadShare = before.total === 0 ? 0 : before.bad / before.total;
  const badShare = during.total === 0 ? 0 : during.bad / during.total;
  const hasUsual = before.total >= usualMin;
  const usualMeanMs = hasUsual ? before.sumMs / before.total : undefined;
  const slot = slowSlotOf(before);
  const excessMs = usualMeanMs === undefined ? 0 : Math.max(0, during.sumMs - usualMeanMs * during.total);
  return {
    isFailing: isMore(before.bad, before.total, during.bad, during.total),
    isSlow: hasUsual && excessMs > 0 && isMore(above(before, slot), before.total, above(during, slot), during.total),
    excessBad: Math.max(0, during.bad - usualBadShare * during.total),
    excessMs,
    badShare,
    usualBadShare,
    meanMs: during.total === 0 ? 0 : during.sumMs / during.total,
    usualMeanMs,
    total: during.total,
    bad: during.bad,
    usualTotal: before.total,
  };
}

/** Whether the second share is above the first by more than chance makes it: the test of two proportions. */
function isMore(odd0: number, total0: number, odd1: number, total1: number): boolean {
  if (odd1 < oddMin) return false;
  if (total0 === 0) return true;
  const pooled = (odd0 + odd1) / (total0 + total1);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / total0 + 1 / total1));
  const apart = odd1 / total1 - odd0 / total0;
  return error === 0 ? apart > 0 : apart / error >= errorsMin;
}

/** The last slot that is not slow. */
function slowSlotOf({ slots, total }: Uses): number {
  let over = 0;
  for (let slot = slots.length - 1; slot >= 0; slot--) {
    over += slots[slot] as number;
    if (over > total * slowPart) return slot;
  }
  return 0;
}

function above({ slots }: Uses, slot: number): number {
  return slots.slice(slot + 1).reduce((sum, count) => sum + count, 0);
}

/** Whether one short time shows what the whole time of trouble shows. */
export function isOdd(departure: Departure, uses: Uses): boolean {
  if (uses.total === 0) return false;
  const { badShare, isFailing, isSlow, meanMs, usualBadShare, usualMeanMs } = departure;
  if (isFailing && uses.bad / uses.total > (badShare + usualBadShare) / 2) return true;
  return isSlow && usualMeanMs !== undefined && uses.sumMs / uses.total > (meanMs + usualMeanMs) / 2;
}
