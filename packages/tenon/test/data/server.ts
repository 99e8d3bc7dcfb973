/** The PostgreSQL server of the tests, where there is one; a database of its own for each test file. */
import { createTestDatabase, openPostgres, type PostgresOptions, type TestDatabase } from "../../src/postgres/index.ts";
import type { Database } from "../../src/data/index.ts";

export const serverUrl = process.env["TEST_DATABASE_URL"] ?? "postgres://root@127.0.0.1:5432/test";

/** Why tests of a server are skipped, or `false` when they are not. */
export const skip = await reasonToSkip();

async function reasonToSkip(): Promise<string | false> {
  try {
    const made = await createTestDatabase(serverUrl);
    await made.drop();
    return false;
  } catch (error) {
    return `no PostgreSQL at ${serverUrl}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export interface ServerDatabase {
  readonly database: Database;
  readonly url: string;
  drop(): Promise<void>;
}

export async function openServerDatabase(options: Omit<PostgresOptions, "url"> = {}): Promise<ServerDatabase> {
  const made: TestDatabase = await createTestDatabase(serverUrl);
  const database = await openPostgres({ poolMax: 4, ...options, url: made.url });
  return {
    database,
    url: made.url,
    async drop() {
      await database.close();
      await made.drop();
    },
  };
}
