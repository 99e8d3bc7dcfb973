/**
 * Counts of events over the last 28 days, in buckets that are finer the younger they are. Adding is a few additions,
 * memory is fixed (36 KB), and what is older than the coarsest tier is forgotten.
 *
 * Time never goes back in here: events of an instant before the newest bucket of a tier go into the bucket of that
 * instant as long as it is kept, and are dropped by that tier beyond.
 */

/** Events, and how many of them were not good. */
export interface Counts {
  readonly bad: number;
  readonly total: number;
}

/** One tier: so many buckets of so many seconds. */
export interface Tier {
  readonly bucketS: number;
  readonly length: number;
}

/**
 * Each window is read from the finest tier that holds all of it, so that a bucket is at most 1/30 of a window: 5 min,
 * 30 min and 1 h from 10 s; 2 h and 6 h from 1 min; 1 d and 3 d from 5 min; 28 d from 1 h.
 */
export const tiers: readonly Tier[] = [
  { bucketS: 10, length: 360 },
  { bucketS: 60, length: 360 },
  { bucketS: 300, length: 864 },
  { bucketS: 3_600, length: 672 },
];

/** The longest window that is kept, in ms: 28 days, four weeks of the same weekdays. */
export const keptMs = 28 * 86_400_000;

class TierRing {
  readonly bucketMs: number;
  readonly length: number;
  readonly #bad: Float64Array;
  readonly #total: Float64Array;
  /** Number of the newest bucket, counted from 1970; -1 before the first event. */
  #newest = -1;

  constructor({ bucketS, length }: Tier) {
    this.bucketMs = bucketS * 1_000;
    this.length = length;
    this.#bad = new Float64Array(length);
    this.#total = new Float64Array(length);
  }

  /** The place of a bucket, or -1 when it is forgotten already. */
  #placeOf(atMs: number): number {
    const bucket = Math.floor(atMs / this.bucketMs);
    if (bucket > this.#newest) this.#advance(bucket);
    return bucket > this.#newest - this.length ? bucket % this.length : -1;
  }

  #advance(bucket: number): void {
    const passed = this.#newest === -1 ? this.length : Math.min(bucket - this.#newest, this.length);
    for (let back = 0; back < passed; back++) {
      const place = (bucket - back) % this.length;
      this.#bad[place] = 0;
      this.#total[place] = 0;
    }
    this.#newest = bucket;
  }

  add(atMs: number, bad: number, total: number): void {
    const place = this.#placeOf(atMs);
    if (place === -1) return;
    this.#bad[place] = (this.#bad[place] as number) + bad;
    this.#total[place] = (this.#total[place] as number) + total;
  }

  set(atMs: number, bad: number, total: number): void {
    const place = this.#placeOf(atMs);
    if (place === -1) return;
    this.#bad[place] = bad;
    this.#total[place] = total;
  }

  sum(windowMs: number, nowMs: number): Counts {
    const last = Math.floor(nowMs / this.bucketMs);
    const first = Math.max(last - Math.ceil(windowMs / this.bucketMs) + 1, this.#newest - this.length + 1, 0);
    let [bad, total] = [0, 0];
    for (let bucket = first; bucket <= Math.min(last, this.#newest); bucket++) {
      bad += this.#bad[bucket % this.length] as number;
      total += this.#total[bucket % this.length] as number;
    }
    return { bad, total };
  }

  row(nowMs: number): readonly (Counts & { readonly atMs: number })[] {
    const last = Math.min(Math.floor(nowMs / this.bucketMs), this.#newest);
    const first = Math.max(this.#newest - this.length + 1, 0);
    const found = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
    return found.map((bucket) => ({ atMs: bucket * this.bucketMs, bad: this.#bad[bucket % this.length] as number, total: this.#total[bucket % this.length] as number }));
  }
}

export class BucketRing {
  readonly #tiers = tiers.map((tier) => new TierRing(tier));

  /** @param atMs  When they happened, in milliseconds since 1970. */
  add(atMs: number, { bad, total }: Counts): void {
    for (const tier of this.#tiers) tier.add(atMs, bad, total);
  }

  /** Says what a bucket of one tier holds, whatever it held: for counts that are kept elsewhere. */
  set(bucketS: number, atMs: number, { bad, total }: Counts): void {
    this.#tiers.find((tier) => tier.bucketMs === bucketS * 1_000)?.set(atMs, bad, total);
  }

  /**
   * What happened in the window that ends now. The bucket under way belongs to it, so it covers up to one bucket less
   * than asked for.
   *
   * @param windowMs  Up to 28 days.
   */
  sum(windowMs: number, nowMs: number): Counts {
    const tier = this.#tiers.find((each) => each.bucketMs * each.length >= windowMs) ?? this.#tiers.at(-1);
    return tier?.sum(windowMs, nowMs) ?? { bad: 0, total: 0 };
  }

  /** Buckets in order, of the finest tier that holds all of `windowMs`; `atMs` is where each begins. */
  row(windowMs: number, nowMs: number): readonly (Counts & { readonly atMs: number })[] {
    const tier = this.#tiers.find((each) => each.bucketMs * each.length >= windowMs) ?? this.#tiers.at(-1);
    return tier?.row(nowMs).filter(({ atMs }) => atMs > nowMs - windowMs) ?? [];
  }
}
