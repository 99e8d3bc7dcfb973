/** The table in which the handlers of the peers leave their effect. Nothing in it is unique: a second row is what we look for. */
import pg from "pg";

export const effectsTable = "create table effects (job text not null, at timestamptz not null default clock_timestamp())";
export const insertEffect = "insert into effects (job) values ($1)";

/** The half of a `JobQueue` that every peer shares. */
export class Effects {
  readonly #pool: pg.Pool;
  readonly #table: string;

  /** @param table  Where the effects are, where it is not {@link effectsTable}. */
  constructor(databaseUrl: string, table = "effects") {
    this.#table = table;
    this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
    // The database is dropped while the last connection says goodbye; without a listener that would end the process.
    this.#pool.on("error", () => undefined);
  }

  async query(sql: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.#pool.query<Record<string, unknown>>(sql)).rows;
  }

  async count(): Promise<number> {
    const [row] = await this.query(`select count(*) as count from ${this.#table}`);
    return Number(row?.["count"]);
  }

  async read(): Promise<readonly string[]> {
    return (await this.query(`select job from ${this.#table}`)).map(({ job }) => String(job));
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** The handler's own work before its effect: up to `JOB_WORK_MS`. */
export function workMs(): number {
  return Math.random() * Number(process.env["JOB_WORK_MS"] ?? 0);
}
