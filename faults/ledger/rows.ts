/** The ledger's database: where the server finds it, and what is in it when everything is over. */
import { type DrillDatabase, pgliteDrillDatabase, postgresDrillDatabase, type Query } from "../drill-database.ts";

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

/** On the embedded database, in a directory of its own. */
export async function pgliteLedger(): Promise<Ledger> {
  return toLedger(await pgliteDrillDatabase());
}

/** On a PostgreSQL server, in a database of its own. @param url  Of a database whose user may create others. */
export async function postgresLedger(url: string): Promise<Ledger> {
  return toLedger(await postgresDrillDatabase(url));
}

function toLedger(database: DrillDatabase): Ledger {
  return { env: database.env, read: () => database.read(readRows), [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
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
