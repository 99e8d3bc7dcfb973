/** A service with an inbox, for tests: its rows say what was applied, in which order. */
import { defaultRetryPolicy } from "../../src/contract/index.ts";
import { type Database, DatabaseError, migrate, toMigration } from "../../src/data/index.ts";
import { type Consumer, type Delivery, Dispatcher, type DispatcherOptions, type EventRecord, Inbox, isRemovedByOther, removeStatement, Wakes } from "../../src/events/index.ts";
import { createUuidSource, type Log } from "../../src/kernel/index.ts";
import { clock } from "../data/shop.ts";

export const service = "orders";
const uuids = createUuidSource(clock, Math.random);

const effects = `create table effects (position bigint generated always as identity primary key, subscription text not null, id uuid not null, key text, n integer not null)`;

export async function prepare(database: Database): Promise<void> {
  await migrate(database, [{ service, migrations: [toMigration("0001_effects.sql", effects)] }]);
}

export async function run(database: Database, text: string, parameters: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
  const session = await database.acquire({ service, mode: "write", timeoutMs: 5_000 });
  try {
    return (await session.query(text, parameters)).rows;
  } finally {
    session.release();
  }
}

export async function clear(database: Database): Promise<void> {
  await run(database, "truncate effects, tenon_inbox, tenon_dead_letters");
}

export function record(n: number, key?: string): EventRecord {
  return { id: uuids(), source: "payments", type: "payments.captured", version: 1, key, time: new Date().toISOString(), data: { n }, trace: "trace-1" };
}

export async function add(database: Database, subscription: string, events: readonly EventRecord[]): Promise<void> {
  const inbox = new Inbox(database, service);
  for (const event of events) await inbox.add(subscription, event);
}

/** What was applied, in order. */
export async function applied(database: Database, subscription = "work"): Promise<readonly number[]> {
  return (await run(database, "select n from effects where subscription = $1 order by position", [subscription])).map(({ n }) => n as number);
}

export async function count(database: Database, table: "tenon_inbox" | "tenon_dead_letters"): Promise<number> {
  return Number((await run(database, `select count(*) as n from ${table}`))[0]?.["n"]);
}

export interface ConsumerOptions extends Partial<Omit<Consumer, "handle">> {
  /** Before the effect; a throw undoes the attempt. */
  readonly before?: (delivery: Delivery) => unknown;
}

/** A consumer whose effect is a row, written in the transaction that removes the delivery. */
export function rowConsumer(database: Database, options: ConsumerOptions = {}): Consumer {
  const { before, ...rest } = options;
  return {
    name: "work",
    concurrency: 4,
    batchMax: 1,
    afterDeath: "continue",
    policy: { ...defaultRetryPolicy, baseMs: 5, capMs: 20 },
    async handle(deliveries) {
      for (const delivery of deliveries) await before?.(delivery);
      const session = await database.acquire({ service, mode: "write", timeoutMs: 5_000 });
      const insert = "insert into effects (subscription, id, key, n) values ($1, $2, $3, $4)";
      const rows = deliveries.map(({ event, subscription }) => ({ text: insert, parameters: [subscription, event.id, event.key ?? null, (event.data as { readonly n: number }).n] }));
      try {
        await session.batch([{ text: "begin", parameters: [] }, ...rows, removeStatement(deliveries.map(({ seq }) => seq)), { text: "commit", parameters: [] }]);
        session.release();
        return "removed";
      } catch (error) {
        session.release("broken");
        if (error instanceof DatabaseError && isRemovedByOther(error)) return "gone";
        throw error;
      }
    },
    ...rest,
  };
}

export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export function dispatcher(database: Database, consumers: readonly Consumer[], options: Partial<DispatcherOptions> = {}): Dispatcher {
  return new Dispatcher({
    database,
    service,
    consumers,
    wakes: new Wakes(),
    holder: uuids(),
    leaseMs: 1_000,
    pollMs: 100,
    concurrencyMax: 4,
    drainMs: 2_000,
    clock,
    random: Math.random,
    log: silent,
    ...options,
  });
}

/** Waits until `isTrue`, and fails after 15 s. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 15_000; performance.now() < endMs; ) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new RangeError(`it did not happen: ${what}`);
}
