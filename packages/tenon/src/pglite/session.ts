/** The one session while somebody holds it. */
import type { Rows, Session, Statement } from "../data/index.ts";
import type { Protocol } from "./protocol.ts";

export class PgliteSession implements Session {
  readonly #protocol: Protocol;
  readonly #rights: string;
  readonly #takeBack: (how: "broken" | undefined) => void;
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;
  #isHeld = true;

  constructor(protocol: Protocol, rights: string, takeBack: (how: "broken" | undefined) => void) {
    this.#protocol = protocol;
    this.#rights = rights;
    this.#takeBack = takeBack;
  }

  query(text: string, parameters: readonly unknown[]): Promise<Rows> {
    return this.batch([{ text, parameters }]);
  }

  batch(statements: readonly Statement[]): Promise<Rows> {
    return this.#inTurn(() => this.#protocol.run(statements, this.#rights));
  }

  script(text: string): Promise<void> {
    return this.#inTurn(() => this.#protocol.script(text));
  }

  release(how?: "broken"): void {
    this.#assertHeld();
    this.#isHeld = false;
    // What still runs was given up, but it is in the way of the next holder.
    if (this.#running === 0) this.#takeBack(how);
    else void this.#last.then(() => this.#takeBack("broken"));
  }

  /** The process stands still while a statement runs: nothing can reach it. */
  cancel(): void {}

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    this.#assertHeld();
    this.#running++;
    const result = this.#last.then(task);
    this.#last = result.then(
      () => this.#running--,
      () => this.#running--,
    );
    return result;
  }

  #assertHeld(): void {
    if (!this.#isHeld) throw new RangeError("this session was given back already");
  }
}
