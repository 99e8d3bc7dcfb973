/**
 * Latencies of a run, in fixed memory: a log-linear histogram, exact below 128 µs and within 0.8 % above, as
 * HdrHistogram has it. It keeps counts, not samples, so a long run costs no more than a short one.
 */

/** 64 steps per power of two, up to 2³¹ µs (36 minutes): more than any time-out here. */
const bucketCount = 25 * 64 + 64;

export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class Latencies {
  readonly #counts = new Uint32Array(bucketCount);
  #count = 0;
  #sumUs = 0;
  #maxUs = 0;

  record(latencyMs: number): void {
    const us = Math.min(Math.max(Math.round(latencyMs * 1_000), 0), 0x7fff_ffff);
    const shift = us < 128 ? 0 : 25 - Math.clz32(us);
    const bucket = shift * 64 + (us >> shift);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sumUs += us;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  /** The latency, in ms, that the share `q` of all calls did not exceed; 0 when there were none. */
  quantileMs(q: number): number {
    let left = Math.ceil(this.#count * q);
    if (left === 0) return 0;
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      left -= this.#counts[bucket] ?? 0;
      if (left <= 0) return upperEdgeUs(bucket) / 1_000;
    }
    return this.#maxUs / 1_000;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      meanMs: this.#count === 0 ? 0 : this.#sumUs / this.#count / 1_000,
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p99Ms: this.quantileMs(0.99),
      p999Ms: this.quantileMs(0.999),
      maxMs: this.#maxUs / 1_000,
    };
  }
}

/** The largest value that falls into a bucket: a quantile is never told smaller than it was. */
function upperEdgeUs(bucket: number): number {
  if (bucket < 128) return bucket;
  const shift = Math.floor(bucket / 64) - 1;
  return (bucket - shift * 64 + 1) * 2 ** shift - 1;
}
