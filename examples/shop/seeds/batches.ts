/** Lists of at most so many items: one insert of thousands of rows has more parameters than PostgreSQL takes (65,535). */
export function* batches<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
