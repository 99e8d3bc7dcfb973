/** Counts what is left out of one body, and remembers why the first was: all that OTLP's partial success has room for. */

export class Refusals {
  #rejected = 0;
  #reason = "";

  /** The item in a list; an empty one where there is a reason instead. */
  keep<T extends object>(item: T | string): readonly T[] {
    if (typeof item !== "string") return [item];
    this.refuse(1, item);
    return [];
  }

  refuse(count: number, reason: string): void {
    this.#rejected += count;
    if (this.#reason === "" && count > 0) this.#reason = reason;
  }

  result(): { readonly rejected: number; readonly reason: string } {
    return { rejected: this.#rejected, reason: this.#reason };
  }
}
