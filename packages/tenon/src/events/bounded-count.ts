/** Counts that stay cheap however long a table is: beyond a bound they say "more", and stop. */

/** Counted to here. A person who reads "10,000+" knows enough; counting a million rows would take the database a second. */
export const countMax = 10_000;

export interface BoundedCount {
  /** At most {@link countMax}. */
  readonly count: number;
  /** There are more than that. */
  readonly hasMore: boolean;
}

/** @param source  What follows `select 1`: `from tenon_events where …`. @returns An expression, for {@link toBoundedCount}. */
export function boundedCountOf(source: string): string {
  return `(select count(*)::int from (select 1 ${source} limit ${countMax + 1}) as counted)`;
}

export function toBoundedCount(counted: unknown): BoundedCount {
  const count = Number(counted);
  return { count: Math.min(count, countMax), hasMore: count > countMax };
}
