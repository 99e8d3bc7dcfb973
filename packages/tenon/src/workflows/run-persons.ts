/** Of whom a run tells: by what is on record, and whom a turn has met besides. */
import type { Statement } from "../data/index.ts";
import { workflowLimits } from "./limits.ts";
import type { Run } from "./run.ts";
import type { RunStatements } from "./statements.ts";

export class RunPersons {
  readonly #run: Run;
  readonly #statements: RunStatements;
  readonly #met: Set<string>;

  constructor(run: Run, statements: RunStatements) {
    this.#run = run;
    this.#statements = statements;
    this.#met = new Set(run.persons);
  }

  get all(): readonly string[] {
    return [...this.#met];
  }

  meet(persons: readonly (string | undefined)[]): void {
    for (const person of persons) if (person !== undefined && this.#met.size < workflowLimits.personsMax) this.#met.add(person);
  }

  /** Says it on record, where the turn has met somebody. */
  grown(): readonly Statement[] {
    return this.#met.size === this.#run.persons.length ? [] : this.#statements.persons(this.#run.id, this.all);
  }
}
