/** When trouble began: the place in a row of counts that parts it best into a good time and a bad one. Pure. */
import type { Counts } from "../objectives/index.ts";

export interface TimedCounts extends Counts {
  /** At which its bucket begins, in ms since 1970. */
  readonly atMs: number;
}

/**
 * The change of a share that is most likely, by the likelihoods of the two parts (binomial); only changes for the worse. A
 * share that is the same all the time has none, and the row's first bad bucket is the answer.
 *
 * @param row  In order. @returns `undefined` where nothing was bad.
 */
export function findOnset(row: readonly TimedCounts[]): number | undefined {
  const all = sum(row);
  const first = row.find(({ bad }) => bad > 0);
  if (first === undefined) return undefined;
  let [bad, total] = [0, 0];
  let best = { atMs: first.atMs, gain: 0 };
  for (const { atMs, ...counts } of row) {
    const after = { bad: all.bad - bad, total: all.total - total };
    const isWorse = after.bad * total > bad * after.total;
    const gain = isWorse ? likelihood({ bad, total }) + likelihood(after) - likelihood(all) : 0;
    if (gain > best.gain) best = { atMs, gain };
    bad += counts.bad;
    total += counts.total;
  }
  return best.atMs;
}

function sum(row: readonly Counts[]): Counts {
  return row.reduce((sums, { bad, total }) => ({ bad: sums.bad + bad, total: sums.total + total }), { bad: 0, total: 0 });
}

/** The logarithm of how likely the counts are under their own share. */
function likelihood({ bad, total }: Counts): number {
  const good = total - bad;
  return (bad === 0 ? 0 : bad * Math.log(bad / total)) + (good === 0 ? 0 : good * Math.log(good / total));
}
