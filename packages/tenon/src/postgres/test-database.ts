/** A database for one test, on a server that others use too; gone, with its roles, when the test is over. */
import { randomBytes } from "node:crypto";

export interface TestDatabase {
  /** `postgres://…` of the new database. */
  readonly url: string;
  /** Drops it, also under open connections. */
  drop(): Promise<void>;
}

/** @param url  Of a database on the server; its user may create databases and roles. */
export async function createTestDatabase(url: string): Promise<TestDatabase> {
  const { default: pg } = await import("pg");
  const name = `tenon_test_${randomBytes(6).toString("hex")}`;

  async function asAdmin(task: (query: (text: string) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>) => Promise<void>): Promise<void> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
    await client.connect();
    try {
      await task((text) => client.query<Record<string, unknown>>(text));
    } finally {
      await client.end();
    }
  }

  await asAdmin(async (query) => void (await query(`create database "${name}"`)));
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    drop: () =>
      asAdmin(async (query) => {
        await query(`drop database if exists "${name}" with (force)`);
        // Roles belong to the whole server: those of this database start with its name.
        const { rows } = await query(`select rolname from pg_roles where rolname like '${name}\\_%'`);
        for (const { rolname } of rows) await query(`drop role if exists "${String(rolname)}"`);
      }),
  };
}
