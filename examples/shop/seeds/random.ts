/**
 * Chance that always falls the same way, for seeds: whoever starts the shop gets the same products, prices and stock,
 * so that documents and tests can name them.
 */

/** mulberry32, uniform in [0, 1). Good enough to fill a shop; not for secrets. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** One of several, by chance. @throws {RangeError} the list is empty. */
export function pick<T>(random: () => number, choices: readonly T[]): T {
  const choice = choices[Math.floor(random() * choices.length)];
  if (choice === undefined) throw new RangeError("there is nothing to pick from");
  return choice;
}
