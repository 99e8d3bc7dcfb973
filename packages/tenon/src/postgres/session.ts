/** A connection while somebody holds it. */
import type { Rows, Session, Statement } from "../data/index.ts";
import type { Connection } from "./connection.ts";
import type { Pool } from "./pool.ts";

export class PostgresSession implements Session {
  readonly #connection: Connection;
  readonly #pool: Pool;
  #isHeld = true;

  constructor(connection: Connection, pool: Pool) {
    this.#connection = connection;
    this.#pool = pool;
  }

  query(text: string, parameters: readonly unknown[]): Promise<Rows> {
    return this.batch([{ text, parameters }]);
  }

  batch(statements: readonly Statement[]): Promise<Rows> {
    this.#assertHeld();
    return this.#connection.run(statements);
  }

  async script(text: string): Promise<void> {
    this.#assertHeld();
    await this.#connection.script(text);
  }

  release(how?: "broken"): void {
    this.#assertHeld();
    this.#isHeld = false;
    this.#pool.release(this.#connection, how);
  }

  cancel(): void {
    if (this.#isHeld) this.#connection.cancel();
  }

  #assertHeld(): void {
    if (!this.#isHeld) throw new RangeError("this session was given back already");
  }
}
