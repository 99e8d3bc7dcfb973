/** A database for one drill on a PostgreSQL server; gone, with its roles, when it is disposed of. */
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

export interface PostgresDatabase extends AsyncDisposable {
  readonly url: string;
}

/** @param url  Of a database whose user may create others. */
export async function postgresDatabase(url: string): Promise<PostgresDatabase> {
  const name = `tenon_fault_${crypto.randomUUID().slice(0, 8)}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create database "${name}"`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    url: own.href,
    async [Symbol.asyncDispose]() {
      await waitUntilLeft(admin, name);
      await admin.query(`drop database "${name}" with (force)`);
      const { rows } = await admin.query<{ readonly rolname: string }>("select rolname from pg_roles where starts_with(rolname, $1)", [name]);
      for (const { rolname } of rows) await admin.query(`drop role "${rolname}"`);
      await admin.end();
    },
  };
}

const leaveMaxMs = 2_000;

/**
 * Pools say that they are closed before their last connection is gone, and one that is ended by force throws an error that
 * nobody hears. Whoever is still connected after a while is not about to leave.
 */
async function waitUntilLeft(admin: pg.Client, name: string): Promise<void> {
  const untilMs = performance.now() + leaveMaxMs;
  while (performance.now() < untilMs) {
    const { rows } = await admin.query("select 1 from pg_stat_activity where datname = $1", [name]);
    if (rows.length === 0) return;
    await pause(20);
  }
}
