/** A PostgreSQL database for one turn: created empty, dropped afterwards, so that every subject starts on the same ground. */
import { userInfo } from "node:os";
import { Client } from "pg";

export class RowsMissing extends Error {
  override readonly name = "RowsMissing";
}

export class ServerDatabase {
  /** Of the new database. */
  readonly url: string;
  readonly #serverUrl: string;
  readonly #name: string;

  private constructor(serverUrl: string, name: string) {
    this.#serverUrl = serverUrl;
    this.#name = name;
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    this.url = url.href;
  }

  /** Why no database can be created there, in words; `undefined` when one can. */
  static async problemWith(serverUrl: string): Promise<string | undefined> {
    try {
      await run(serverUrl, "select 1");
      return undefined;
    } catch (error) {
      return `no PostgreSQL to be used at ${withoutPassword(serverUrl)} (set BENCH_DATABASE_URL): ${String(error)}`;
    }
  }

  static async open(serverUrl: string): Promise<ServerDatabase> {
    const name = `tenon_bench_${process.pid}_${crypto.randomUUID().slice(0, 8)}`;
    await run(serverUrl, `create database ${name}`);
    return new ServerDatabase(serverUrl, name);
  }

  /** @throws {RowsMissing} the statement's first value is not `expected`. */
  async assertCount(countSql: string, expected: number): Promise<void> {
    const found = await this.readCount(countSql);
    if (found !== expected) throw new RowsMissing(`${expected} orders were acknowledged, and ${found} are in the database`);
  }

  /** The first value of a statement, as a number. */
  async readCount(countSql: string): Promise<number> {
    const [row = {}] = await run(this.url, countSql);
    return Number(Object.values(row)[0]);
  }

  /** What autovacuum would do within the minute: without it each tool's plans depend on whether it has come by. */
  async analyze(): Promise<void> {
    await run(this.url, "vacuum analyze");
  }

  /** Ends what is still connected and drops, the roles too that a subject made for this database: roles belong to the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await run(this.#serverUrl, `drop database if exists ${this.#name} with (force)`);
    const roles = await run(this.#serverUrl, `select quote_ident(rolname) as name from pg_roles where starts_with(rolname, '${this.#name}')`);
    for (const { name } of roles) await run(this.#serverUrl, `drop role ${String(name)}`);
  }
}

const durabilitySql =
  "select version() as version, current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit, current_setting('shared_buffers') as shared_buffers";

/** What a commit costs there depends on these. */
export async function readDurability(serverUrl: string): Promise<Readonly<Record<string, unknown>>> {
  const [row = {}] = await run(serverUrl, durabilitySql);
  return row;
}

/** `DATABASE_URL`-like text with the user filled in as psql does, from the system. */
export function toServerUrl(text: string): string {
  const url = new URL(text);
  if (url.username === "") url.username = userInfo().username;
  return url.href;
}

async function run(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection that breaks between two statements fails the next one; without a listener it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.password = "";
  return url.href;
}
