/** The ledger's database: where the server finds it, and what is in it when everything is over. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresDatabase } from "../postgres-database.ts";

export interface LedgerRows {
  readonly orders: readonly { readonly id: string; readonly reference: string; readonly lines: number }[];
  readonly lines: readonly { readonly orderId: string; readonly quantity: number }[];
  readonly totals: { readonly orders: number; readonly quantity: number };
}

export interface Ledger extends AsyncDisposable {
  /** Environment of the server. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads the database directly, past the platform. The server must be gone. */
  read(): Promise<LedgerRows>;
}

type Query = (text: string) => Promise<readonly Record<string, unknown>[]>;

const common = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error" };

/** On the embedded database, in a directory of its own. */
export async function pgliteLedger(): Promise<Ledger> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-ledger-"));
  const dataDir = join(directory, "database");
  return {
    env: { ...common, TENON_DIRECTORY: directory, DATABASE_URL: `pglite:${dataDir}` },
    async read() {
      const { PGlite } = await import("@electric-sql/pglite");
      const database = await PGlite.create({ dataDir });
      try {
        return await readRows(async (text) => (await database.query<Record<string, unknown>>(text)).rows);
      } finally {
        await database.close();
      }
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** On a PostgreSQL server, in a database of its own. @param url  Of a database whose user may create others. */
export async function postgresLedger(url: string): Promise<Ledger> {
  const { default: pg } = await import("pg");
  const database = await postgresDatabase(url);
  return {
    env: { ...common, DATABASE_URL: database.url },
    async read() {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      try {
        return await readRows(async (text) => (await client.query<Record<string, unknown>>(text)).rows);
      } finally {
        await client.end();
      }
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

async function readRows(query: Query): Promise<LedgerRows> {
  const orders = await query("select id, reference, lines from ledger.orders");
  const lines = await query("select order_id, quantity from ledger.order_lines");
  const [totals] = await query("select orders, quantity from ledger.totals");
  return {
    orders: orders.map((row) => ({ id: String(row["id"]), reference: String(row["reference"]), lines: Number(row["lines"]) })),
    lines: lines.map((row) => ({ orderId: String(row["order_id"]), quantity: Number(row["quantity"]) })),
    totals: { orders: Number(totals?.["orders"]), quantity: Number(totals?.["quantity"]) },
  };
}
