/**
 * Durations counted in buckets whose bounds grow by 2^(1/8), a twelfth: a percentile read from them is off by 4.5 % at
 * most, whatever the durations are, and two of them add up. Kept sparse, since an operation fills twenty or so.
 *
 * @see https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram (scale 3)
 */

const scale = 8;
/** Longest duration that is told apart, in buckets: 2^40 µs, 12 days. */
const bucketMax = 40 * scale;

/** By bucket. */
export type DurationCounts = Map<number, number>;

/** The bucket of a duration in microseconds. */
export function bucketOf(durationUs: number): number {
  if (durationUs <= 1) return 0;
  return Math.min(bucketMax, Math.ceil(Math.log2(durationUs) * scale));
}

export function addTo(counts: DurationCounts, bucket: number, count = 1): void {
  counts.set(bucket, (counts.get(bucket) ?? 0) + count);
}

/**
 * The duration in ms below which a part of all lies.
 *
 * @param part  From 0 to 1: 0.99 for p99.
 * @returns     The middle of its bucket, on the scale of the buckets; 0 of none.
 */
export function quantileMs(counts: DurationCounts, part: number): number {
  const ordered = [...counts].sort(([a], [b]) => a - b);
  const total = ordered.reduce((sum, [, count]) => sum + count, 0);
  let left = Math.max(1, Math.ceil(total * part));
  for (const [bucket, count] of ordered) {
    left -= count;
    if (left <= 0) return 2 ** ((bucket - 0.5) / scale) / 1_000;
  }
  return 0;
}

/** As it lies on disk: `3:1 17:40`. */
export function toText(counts: DurationCounts): string {
  return [...counts].map(([bucket, count]) => `${bucket}:${count}`).join(" ");
}

export function fromText(text: string): DurationCounts {
  const pairs = text === "" ? [] : text.split(" ");
  return new Map(pairs.map((pair) => pair.split(":").map(Number) as [number, number]));
}
