/** Mistakes in what a team wrote, collected and told in one go. */

export interface Mistake {
  /** Where: an operation, a table, a field. */
  readonly at: string;
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Thrown when a contract, a table or a service is made wrong. The message holds every mistake with its remedy. */
export class ContractMistakes extends Error {
  override readonly name = "ContractMistakes";
  readonly mistakes: readonly Mistake[];

  constructor(what: string, mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
    const lines = mistakes.map((mistake) => `  ${mistake.at}: ${mistake.problem}\n    → ${mistake.remedy}`);
    super(`${what} has ${count}:\n${lines.join("\n")}`);
    this.mistakes = mistakes;
  }
}

export interface MistakesAt {
  add(problem: string, remedy: string): void;
}

/** Gathers mistakes; `assertNone` throws them together. */
export class MistakeList {
  readonly #what: string;
  readonly #mistakes: Mistake[] = [];

  constructor(what: string) {
    this.#what = what;
  }

  add(at: string, problem: string, remedy: string): void {
    this.#mistakes.push({ at, problem, remedy });
  }

  /** The same list, for code that looks at one place only. */
  at(place: string): MistakesAt {
    return { add: (problem, remedy) => this.add(place, problem, remedy) };
  }

  /** @throws {ContractMistakes} */
  assertNone(): void {
    if (this.#mistakes.length > 0) throw new ContractMistakes(this.#what, this.#mistakes);
  }
}
