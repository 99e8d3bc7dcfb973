/**
 * A server with a fixed number of workers in virtual time, behind a concurrency limit: what the limit does to goodput
 * under a load that does not wait for answers.
 */
import { Baseline, type ConcurrencyLimit } from "../../src/calls/index.ts";

export interface Load {
  /** Calls per second, arriving at random. */
  readonly ratePerS: number;
  readonly seconds: number;
  /** Mean time of one call from here on, where it changes. */
  readonly serviceMs?: number;
}

export interface SimulationOptions {
  readonly workers: number;
  /** Mean time of one call on a worker, exponentially distributed, in ms. */
  readonly serviceMs: number;
  /** An answer after so long is worth nothing. */
  readonly deadlineMs: number;
  readonly loads: readonly Load[];
  readonly limit: ConcurrencyLimit;
  readonly seed: number;
}

export interface LoadResult {
  readonly offered: number;
  readonly good: number;
  readonly late: number;
  readonly refused: number;
  readonly goodputPerS: number;
  readonly limitAtEnd: number;
}

interface Waiting {
  readonly arrivedMs: number;
}

/** A small generator (mulberry32): the same seed gives the same run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function simulate(options: SimulationOptions): readonly LoadResult[] {
  const random = seededRandom(options.seed);
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean;
  const baseline = new Baseline();
  const queue: Waiting[] = [];
  const running: { readonly arrivedMs: number; readonly endsMs: number }[] = [];
  let nowMs = 0;
  const results: LoadResult[] = [];

  let { serviceMs } = options;
  for (const load of options.loads) {
    serviceMs = load.serviceMs ?? serviceMs;
    const endMs = nowMs + load.seconds * 1000;
    const counts = { offered: 0, good: 0, late: 0, refused: 0 };
    let nextArrivalMs = nowMs + exponential(1000 / load.ratePerS);
    for (;;) {
      const nextEnd = running.reduce((least, each) => Math.min(least, each.endsMs), Number.POSITIVE_INFINITY);
      nowMs = Math.min(nextArrivalMs, nextEnd);
      if (nowMs >= endMs) break;
      if (nextArrivalMs <= nextEnd) {
        counts.offered += 1;
        if (options.limit.tryAcquire()) queue.push({ arrivedMs: nowMs });
        else counts.refused += 1;
        nextArrivalMs = nowMs + exponential(1000 / load.ratePerS);
      } else {
        const at = running.findIndex((each) => each.endsMs === nextEnd);
        const [done] = running.splice(at, 1);
        const tookMs = nowMs - (done?.arrivedMs ?? nowMs);
        options.limit.release(baseline, tookMs, nowMs);
        if (tookMs <= options.deadlineMs) counts.good += 1;
        else counts.late += 1;
      }
      while (running.length < options.workers && queue.length > 0) {
        const { arrivedMs } = queue.shift() as Waiting;
        running.push({ arrivedMs, endsMs: nowMs + exponential(serviceMs) });
      }
    }
    nowMs = endMs;
    results.push({ ...counts, goodputPerS: counts.good / load.seconds, limitAtEnd: options.limit.limit });
  }
  return results;
}
