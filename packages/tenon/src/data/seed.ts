/** Example data for development: filled into an empty service once, in one transaction. */
import type { TransactionSettings } from "kysely";
import { quoteName } from "./names.ts";
import { toSnakeCase } from "./column-case.ts";
import type { FieldVault } from "./field-vault.ts";
import type { Database, Rows, Session, Statement } from "./ports.ts";
import { createKysely } from "./service-data.ts";
import type { HeldTarget, StatementTarget } from "./service-kysely.ts";
import type { AnyDb, Tables } from "./tables.ts";

export interface SeedWorkOptions {
  readonly database: Database;
  /** The service's name. */
  readonly service: string;
  readonly tables: Tables;
  /** Keeps encrypted columns; needed where the tables have any. */
  readonly vault?: FieldVault | undefined;
}

/** How long to wait for a session, in ms. */
const sessionWaitMs = 10_000;

/**
 * Runs `seed` in a transaction, unless it ran before or one of the tables has rows. Two processes at once: one of them
 * does it.
 *
 * @returns Whether it ran.
 */
export async function createSeedWork(options: SeedWorkOptions, seed: (db: AnyDb) => Promise<void>): Promise<boolean> {
  const session = await options.database.acquire({ service: options.service, mode: "write", timeoutMs: sessionWaitMs });
  try {
    await session.query("begin", []);
    const isEmpty = await isUnseeded(session, Object.keys(options.tables));
    if (isEmpty) {
      const kysely = await createKysely(options);
      await seed(kysely.over(new SeedTarget(session)));
      await session.query("insert into tenon_seed default values", []);
    }
    await session.query("commit", []);
    session.release();
    return isEmpty;
  } catch (error) {
    session.release("broken"); // which undoes it
    throw error;
  }
}

async function isUnseeded(session: Session, tables: readonly string[]): Promise<boolean> {
  // Held until the transaction ends: a second process waits here, and then finds the row.
  await session.query("lock table tenon_seed in exclusive mode", []);
  const filled = ["tenon_seed", ...tables.map(toSnakeCase)].map((table) => `exists (select from ${quoteName(table)})`);
  const { rows } = await session.query(`select ${filled.join(" or ")} as is_filled`, []);
  return rows[0]?.["is_filled"] === false;
}

/** Every statement in the one session; `db.transaction()` is a savepoint of it. */
class SeedTarget implements StatementTarget, HeldTarget {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  run(statement: Statement): Promise<Rows> {
    return this.#session.query(statement.text, statement.parameters);
  }

  hold<T>(task: (held: HeldTarget) => Promise<T>): Promise<T> {
    return task(this);
  }

  async *stream(statement: Statement): AsyncGenerator<Rows> {
    yield this.run(statement);
  }

  async begin(_settings: TransactionSettings): Promise<void> {
    await this.#session.query("savepoint tenon_seed", []);
  }

  async commit(): Promise<void> {
    await this.#session.query("release savepoint tenon_seed", []);
  }

  async rollback(): Promise<void> {
    await this.#session.query("rollback to savepoint tenon_seed", []);
  }
}
