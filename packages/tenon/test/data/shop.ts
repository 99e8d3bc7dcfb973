/** A service with rows, for tests: its contract, its migrations, and calls to it without the rest of the platform. */
import * as z from "zod";
import { Call, type CallStart, type Handler } from "../../src/calls/index.ts";
import { command, contract, type Operation, query, table } from "../../src/contract/index.ts";
import { type Database, type Db, migrate, openServiceData, type ServiceData, toMigration } from "../../src/data/index.ts";
import type { Clock } from "../../src/kernel/index.ts";

const input = z.object({});
export const orders = contract("orders", {
  get: query({ access: "public", input }),
  place: command({ access: "public", input, output: z.unknown() }),
  settle: command({ access: "public", input, isolation: "serializable" }),
  count: command({ access: "public", input, isolation: "repeatable read" }),
});

export const tables = {
  orders: table(
    { id: z.int(), customerName: z.string(), totalCents: z.int(), details: z.object({ gift_note: z.string() }).nullable(), placedAt: z.iso.datetime() },
    { key: "id", defaults: ["placedAt"] },
  ),
  orderLines: table({ orderId: z.int(), line: z.int(), sku: z.string(), tags: z.array(z.string()) }, { key: ["orderId", "line"] }),
};

export const ordersMigrations = [
  toMigration(
    "0001_orders.sql",
    `create table orders (
      id int primary key,
      customer_name text not null,
      total_cents int not null check (total_cents >= 0),
      details jsonb,
      placed_at timestamptz not null default now()
    );
    create table order_lines (
      order_id int not null references orders deferrable initially deferred,
      line int not null,
      sku text not null,
      tags text[] not null default '{}',
      primary key (order_id, line)
    );`,
  ),
];

export const clock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export interface OrdersService {
  readonly data: ServiceData;
  /** Runs a handler as the command or query `operation`, in the stages of the data room. */
  run<T>(operation: Operation, handler: (context: Context) => T | Promise<T>, start?: Partial<CallStart> & { readonly call?: Call }): Promise<T>;
}

export interface Context {
  readonly call: Call;
  readonly db: Db<typeof tables>;
  readonly read: Db<typeof tables>;
}

export function callTo(operation: Operation, start: Partial<CallStart> = {}): Call {
  return new Call({ operation, id: "test", startedAtMs: performance.now(), input: {}, ...start });
}

export async function openOrders(database: Database, options: { readonly random?: () => number; readonly answersKeepMs?: number } = {}): Promise<OrdersService> {
  await migrate(database, [{ service: "orders", migrations: ordersMigrations }]);
  const data = await openServiceData({ database, service: "orders", clock, random: options.random ?? Math.random, sessionWaitMaxMs: 3_000, ...options });
  return {
    data,
    async run(operation, handler, { call: given, ...start } = {}) {
      const call = given ?? callTo(operation, start);
      const end: Handler = (current) =>
        handler({
          call: current,
          get db() {
            return (operation.kind === "command" ? data.workOf(current).db : data.reader(current)) as unknown as Db<typeof tables>;
          },
          get read() {
            return data.reader(current) as unknown as Db<typeof tables>;
          },
        });
      return (await data.transaction.compile(operation, end)(call)) as never;
    },
  };
}

/** An order that is not there yet. */
export function order(id: number): { readonly id: number; readonly customerName: string; readonly totalCents: number; readonly details: null } {
  return { id, customerName: `customer ${id}`, totalCents: 100 * id, details: null };
}
