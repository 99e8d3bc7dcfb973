/**
 * A map that remembers what was used lately and never holds more than `maxEntries`.
 *
 * Two generations: what is used moves to the young one, and when that is half of the bound the old one is dropped
 * whole. A look-up costs what a look-up in a Map costs, with no list to keep in order and nothing allocated ahead.
 * What it gives up is exactness: an entry leaves when half of the bound of other keys was used since, or later.
 *
 * @see https://github.com/dominictarr/hashlru the scheme, with comparisons
 */
export class RecentMap<Value extends object> {
  readonly #halfMax: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** @throws {RangeError} `maxEntries` is not a whole number from 2. */
  constructor(maxEntries: number) {
    if (!Number.isSafeInteger(maxEntries) || maxEntries < 2) {
      throw new RangeError(`maxEntries must be a whole number from 2, got ${maxEntries}`);
    }
    this.#halfMax = Math.floor(maxEntries / 2);
  }

  /** Entries in memory, at most `maxEntries`. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#halfMax && !this.#young.has(key)) this.rotate();
    this.#young.set(key, value);
    if (this.#old.size > 0) this.#old.delete(key); // or it would stand in both
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** Drops what was not used since the last rotation. */
  rotate(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}
