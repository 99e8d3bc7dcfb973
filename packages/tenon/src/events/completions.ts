/**
 * Removes deliveries that were handled without an effect in the database, many at a time. A process that dies in between
 * has them delivered again, which is all that can be promised for effects elsewhere.
 */
/** Removed in one statement. */
const portionMax = 500;

export class Completions {
  readonly #remove: (seqs: readonly number[]) => Promise<void>;
  #waiting: { readonly seqs: readonly number[]; readonly done: PromiseWithResolvers<void> }[] = [];
  #isBusy = false;

  constructor(remove: (seqs: readonly number[]) => Promise<void>) {
    this.#remove = remove;
  }

  /** Resolves when they are gone. @throws what the database said: then they may be there still. */
  add(seqs: readonly number[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ seqs, done });
    if (!this.#isBusy) {
      this.#isBusy = true;
      void Promise.resolve().then(() => this.#work()); // after what finishes in this very turn
    }
    return done.promise;
  }

  /** What gathers while one statement runs goes with the next. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const portion = this.#waiting.splice(0, portionMax);
      try {
        await this.#remove(portion.flatMap(({ seqs }) => seqs));
        for (const { done } of portion) done.resolve();
      } catch (error) {
        for (const { done } of portion) done.reject(error);
      }
    }
    this.#isBusy = false;
  }
}
