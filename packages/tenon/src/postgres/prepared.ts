/**
 * The prepared statements of one connection. A statement is parsed and described once and run by its name from then
 * on, which spares the server's parser and the description of the columns.
 *
 * Bounded: beyond `max` the one that was not used for the longest goes (second chance), on the server too.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
import type { RowReader } from "../data/index.ts";

export class Prepared {
  readonly text: string;
  /** Empty for a statement that is used once. */
  readonly name: string;
  /** `sent`: whether the server has it will be known with the answer. */
  state: "new" | "sent" | "ready" = "new";
  /** Reads its rows; `null` when it has none; `undefined` until that is known. */
  reader: RowReader | null | undefined = undefined;
  /** Types of its parameters, where somebody had to know. */
  types: readonly number[] | undefined = undefined;
  wasUsed = false;

  constructor(text: string, name: string) {
    this.text = text;
    this.name = name;
  }
}

/** Longer texts are parsed each time: they are lists of values, and seldom the same twice. */
const textMaxChars = 16_384;

export class PreparedStatements {
  readonly #byText = new Map<string, Prepared>();
  readonly #max: number;
  #closing: string[] = [];
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  find(text: string): Prepared {
    const known = this.#byText.get(text);
    if (known !== undefined) {
      known.wasUsed = true;
      return known;
    }
    if (text.length > textMaxChars) return new Prepared(text, "");
    if (this.#byText.size >= this.#max) this.#evict();
    const made = new Prepared(text, `t${++this.#count}`);
    this.#byText.set(text, made);
    return made;
  }

  /** The server does not have it, or has it wrong. */
  forget(statement: Prepared): void {
    if (this.#byText.get(statement.text) === statement) this.#byText.delete(statement.text);
    if (statement.state === "ready" && statement.name !== "") this.#closing.push(statement.name);
  }

  /** Names that the server can let go of, with the next batch. */
  get closing(): readonly string[] {
    return this.#closing;
  }

  clearClosing(): void {
    if (this.#closing.length > 0) this.#closing = [];
  }

  #evict(): void {
    for (const [text, statement] of this.#byText) {
      if (statement.state === "sent") continue; // its answer is on the way
      this.#byText.delete(text);
      if (!statement.wasUsed) {
        if (statement.state === "ready") this.#closing.push(statement.name);
        return;
      }
      statement.wasUsed = false;
      this.#byText.set(text, statement); // a second chance, at the end of the row
    }
  }
}
