/** The database of one drill: where servers find it, and how to look into it past the platform; gone when disposed of. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresDatabase } from "./postgres-database.ts";

export type Query = (text: string) => Promise<readonly Record<string, unknown>[]>;

export interface DrillDatabase extends AsyncDisposable {
  /** Environment of a server. */
  readonly env: Readonly<Record<string, string>>;
  /** How many processes may use it at once. */
  readonly processesMax: number;
  /** Looks into it. On the embedded one, no server may be running. */
  read<T>(task: (query: Query) => Promise<T>): Promise<T>;
}

const common = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error" };

/** The embedded one, in a directory of its own. */
export async function pgliteDrillDatabase(): Promise<DrillDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-drill-"));
  const dataDir = join(directory, "database");
  return {
    env: { ...common, TENON_DIRECTORY: directory, DATABASE_URL: `pglite:${dataDir}` },
    processesMax: 1,
    async read(task) {
      const { PGlite } = await import("@electric-sql/pglite");
      const database = await PGlite.create({ dataDir });
      try {
        return await task(async (text) => (await database.query<Record<string, unknown>>(text)).rows);
      } finally {
        await database.close();
      }
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** One on a PostgreSQL server. @param url  Of a database whose user may create others. */
export async function postgresDrillDatabase(url: string): Promise<DrillDatabase> {
  const { default: pg } = await import("pg");
  const database = await postgresDatabase(url);
  return {
    env: { ...common, DATABASE_URL: database.url },
    processesMax: 3,
    async read(task) {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      try {
        return await task(async (text) => (await client.query<Record<string, unknown>>(text)).rows);
      } finally {
        await client.end();
      }
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
