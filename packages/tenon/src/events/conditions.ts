/** The conditions of a statement and their parameters, gathered side by side. */
export class Conditions {
  readonly #texts: string[] = [];
  readonly #parameters: unknown[] = [];

  /** @param text  With `$` where the value goes. Left out where there is no value. */
  add(text: string, value: unknown): this {
    if (value === undefined) return this;
    const name = this.value(value);
    this.#texts.push(text.replaceAll("$", () => name));
    return this;
  }

  /** A parameter that no condition is about. @returns Its name in the statement. */
  value(value: unknown): string {
    this.#parameters.push(value);
    return `$${this.#parameters.length}`;
  }

  /** `where …`, or nothing where nothing was asked. */
  get where(): string {
    return this.#texts.length === 0 ? "" : `where ${this.#texts.join(" and ")}`;
  }

  get parameters(): readonly unknown[] {
    return this.#parameters;
  }
}
