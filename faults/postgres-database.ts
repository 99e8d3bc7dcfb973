/** A database for one drill on a PostgreSQL server; gone, with its roles, when it is disposed of. */
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
      await admin.query(`drop database "${name}" with (force)`);
      const { rows } = await admin.query<{ readonly rolname: string }>("select rolname from pg_roles where starts_with(rolname, $1)", [name]);
      for (const { rolname } of rows) await admin.query(`drop role "${rolname}"`);
      await admin.end();
    },
  };
}
