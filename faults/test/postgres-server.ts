/** The PostgreSQL server of the drills' tests, where there is one. */
import pg from "pg";

export const serverUrl = process.env["TENON_TEST_DATABASE_URL"] || "postgres://postgres@127.0.0.1:5432/postgres";

/** Why tests of a server are skipped, or `false` when they are not. */
export const skip = await reasonToSkip();

async function reasonToSkip(): Promise<string | false> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.end();
    return false;
  } catch (error) {
    return `no PostgreSQL answers at ${new URL(serverUrl).host}: ${String(error)}`;
  }
}
