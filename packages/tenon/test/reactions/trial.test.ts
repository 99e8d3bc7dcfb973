/** Dry runs, on both engines: what a handler would do is seen, and nothing of it is kept. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { sql } from "kysely";
import * as z from "zod";
import { app, command, contract, event, reactions, service, table, upcast } from "tenon";
import { type Database, DatabaseError, migrate, toMigration } from "../../src/data/index.ts";
import type { EventRecord } from "../../src/events/index.ts";
import { createUuidSource } from "../../src/kernel/index.ts";
import { openTrial, type Trial } from "../../src/reactions/index.ts";
import type { App, Subscription } from "../../src/service/index.ts";
import { LogWriter, noPrivacy } from "../../src/telemetry/index.ts";
import { engines, type Opened } from "../data/engines.ts";
import { clock } from "../data/shop.ts";

const payments = contract("payments", {
  capture: command({ access: "public", input: z.object({ order: z.string() }) }),
  captured: event({
    data: z.object({ order: z.int(), how: z.string() }),
    key: "order",
    version: 3,
    upcasts: { 2: upcast(z.object({ order: z.int() }), (old) => ({ ...old, how: "insert" })) },
  }),
});
const orders = contract("orders", { shipped: event({ data: z.object({ order: z.int() }), key: "order" }) });

const migration = `
  create table orders (id integer primary key, state text not null);
  create table order_lines (order_id integer not null references orders on delete cascade, line integer not null, text text, primary key (order_id, line));
  create table marks (text text);
  create table checked (id integer primary key, parent integer references orders deferrable initially deferred);
`;
const rows = `
  insert into orders select n, 'placed' from generate_series(1, 5) as n;
  insert into order_lines select n, line, 'tea' from generate_series(1, 5) as n, generate_series(1, 2) as line;
`;
const tables = {
  orders: table({ id: z.int(), state: z.string() }, { key: "id" }),
  orderLines: table({ orderId: z.int(), line: z.int(), text: z.string() }, { key: ["orderId", "line"] }),
  marks: table({ text: z.string() }, { key: "text" }),
};

const { on, onBatch } = reactions(tables);

const work = on(payments.captured, "work", { deadline: "20s" }, async ({ call, data, db, emit, giveUp, read, remainingMs, signal }) => {
  const { how, order } = data;
  if (how === "nothing") return;
  if (how === "give up") throw giveUp("no such order");
  if (how === "throw") throw new RangeError("out of paper");
  if (how === "wait") {
    await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  }
  if (how === "call") {
    const before = await read.selectFrom("orders").selectAll().where("id", "=", order).executeTakeFirst();
    await call(payments.capture, { order: before?.state ?? "" }).catch(() => undefined);
  }
  if (how === "insert" || how === "call") await db.insertInto("orders").values({ id: order, state: `new ${remainingMs > 0}` }).execute();
  if (how === "update") {
    await db.updateTable("orders").set({ state: "touched" }).where("id", "=", order).execute();
    await db.updateTable("orders").set({ state: "paid" }).where("id", "=", order).execute();
    await db.selectFrom("orders").selectAll().where("id", "=", 5).forUpdate().execute();
    await emit(orders.shipped, { order });
  }
  if (how === "delete") await db.deleteFrom("orders").where("id", "=", order).execute();
  if (how === "same") await db.updateTable("orders").set({ state: "placed" }).where("id", "=", order).execute();
  if (how === "mark") await db.insertInto("marks").values({ text: "x" }).execute();
  if (how === "dangle") await sql`insert into checked values (1, 99)`.execute(db);
  if (how === "commit") {
    await db.insertInto("orders").values({ id: order, state: "kept?" }).execute();
    await sql`/* now */ commit`.execute(db);
  }
  if (how === "savepoints") {
    await db.transaction().execute((part) => part.insertInto("orders").values({ id: 70, state: "inner" }).execute());
    await db.transaction().execute((part) => part.updateTable("orders").set({ state: "inner" }).where("id", "=", 1).execute());
    await db
      .transaction()
      .execute(async (part) => {
        await part.deleteFrom("orders").where("id", "=", 2).execute();
        throw new RangeError("undone");
      })
      .catch(() => undefined);
    await db.transaction().execute((part) => part.deleteFrom("orders").where("id", "=", 3).execute());
  }
});
const batched = onBatch(payments.captured, "batched", { size: 10 }, async ({ db, events }) => {
  for (const { data } of events) await db.insertInto("orders").values({ id: data.order, state: "batch" }).execute();
});

const migrations = new URL("../app/event-migrations/orders/", import.meta.url);
const paymentsService = service(payments, { handlers: { capture: () => assert.fail("a dry run calls nobody") } });
const ordersService = service(orders, { tables, migrations, handlers: {}, subscriptions: [work, batched] });
const tried: App = app("shop", { services: [paymentsService, ordersService] });
const uuids = createUuidSource(clock, Math.random);

function captured(how: string, order: number, version = 3): EventRecord {
  const data = version === 3 ? { how, order } : { order };
  return { id: uuids(), source: "payments", type: "payments.captured", version, key: String(order), time: new Date().toISOString(), data, trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
}

for (const engine of engines) {
  describe(`a dry run on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let database: Database;
    before(async () => {
      opened = await engine.open();
      database = opened.database;
      await migrate(database, [{ service: "orders", migrations: [toMigration("0001_orders.sql", migration)] }]);
      await admin(rows);
    });
    after(() => opened?.drop());

    async function admin(text: string): Promise<readonly Record<string, unknown>[]> {
      const session = await database.acquire({ service: "orders", mode: "write", timeoutMs: 5_000 });
      try {
        if (!/^\s*select/.test(text)) await session.script(text);
        return /^\s*select/.test(text) ? (await session.query(text, [])).rows : [];
      } finally {
        session.release();
      }
    }

    const everything = `select (select json_agg(o order by id) from orders as o)::text as orders, (select json_agg(l order by order_id, line) from order_lines as l)::text as lines,
      (select count(*) from marks) as marks, (select count(*) from checked) as checked, (select count(*) from tenon_outbox) as outbox, (select count(*) from tenon_inbox) as inbox`;
    let kept: readonly Record<string, unknown>[] = [];
    beforeEach(async () => {
      kept = await admin(everything);
    });

    /** Tries, and makes sure that nothing was kept. */
    async function attempt(events: readonly EventRecord[], subscription: Subscription = work as unknown as Subscription, timeoutMs = 10_000): Promise<Trial> {
      const log = new LogWriter({ write: () => undefined, clock });
      const run = openTrial(tried, { service: ordersService, subscription }, { database, serviceConfigs: new Map(), clock, random: Math.random, log, privacy: noPrivacy, timeoutMs });
      const trial = await run(events);
      log.flush();
      assert.deepEqual(await admin(everything), kept, "nothing is kept");
      return trial;
    }

    test("shows a row that would be inserted", async () => {
      const trial = await attempt([captured("insert", 40)]);
      assert.equal(trial.outcome, "done");
      assert.deepEqual(trial.changes.rows, [{ table: "orders", change: "inserted", key: { id: 40 }, before: undefined, after: { id: 40, state: "new true" } }]);
    });

    test("shows a row before and after an update, none that was only locked, and what would be emitted", async () => {
      const trial = await attempt([captured("update", 2)]);
      assert.deepEqual(trial.changes.rows, [{ table: "orders", change: "updated", key: { id: 2 }, before: { id: 2, state: "placed" }, after: { id: 2, state: "paid" } }]);
      assert.deepEqual(trial.emitted.map(({ data, key, trace, type }) => ({ data, key, trace, type })), [{ data: { order: 2 }, key: "2", trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", type: "orders.shipped" }]);
    });

    test("shows what would be deleted, also by a cascade", async () => {
      const trial = await attempt([captured("delete", 3)]);
      assert.deepEqual(trial.changes.rows.map(({ change, key, table }) => ({ change, key, table })), [
        { change: "deleted", key: { order_id: 3, line: 1 }, table: "order_lines" },
        { change: "deleted", key: { order_id: 3, line: 2 }, table: "order_lines" },
        { change: "deleted", key: { id: 3 }, table: "orders" },
      ]);
      assert.deepEqual(trial.changes.rows.at(-1)?.before, { id: 3, state: "placed" });
    });

    test("shows an update that changes nothing, and a row of a table without a key", async () => {
      assert.deepEqual((await attempt([captured("same", 4)])).changes.rows.map(({ change, key }) => ({ change, key })), [{ change: "updated", key: { id: 4 } }]);
      assert.deepEqual((await attempt([captured("mark", 4)])).changes.rows, [{ table: "marks", change: "inserted", key: {}, before: undefined, after: { text: "x" } }]);
    });

    test("sees what happens in parts of the transaction, and not what was undone in it", async () => {
      const trial = await attempt([captured("savepoints", 0)]);
      const seen = trial.changes.rows.filter(({ table }) => table === "orders").map(({ change, key }) => `${change} ${String(key["id"])}`);
      assert.deepEqual(seen.toSorted((a, b) => (a < b ? -1 : 1)), ["deleted 3", "inserted 70", "updated 1"]);
    });

    test("says that nothing would change", async () => {
      assert.deepEqual(await attempt([captured("nothing", 1)]), { outcome: "done", changes: { rows: [], cut: [] }, emitted: [], started: [], error: undefined, isGivenUp: false, call: undefined });
    });

    test("shows how it would fail: by an error, by giving up, by a constraint that COMMIT looks at, by its deadline", async () => {
      const thrown = await attempt([captured("throw", 1)]);
      assert.match(thrown.error ?? "", /^RangeError: out of paper\n\s+at /);
      assert.deepEqual([thrown.outcome, thrown.isGivenUp], ["failed", false]);
      const given = await attempt([captured("give up", 1)]);
      assert.deepEqual([given.error?.split("\n")[0], given.isGivenUp], ["GivenUp: no such order", true]);
      assert.match((await attempt([captured("dangle", 1)])).error ?? "", /violates foreign key constraint/);
      assert.match((await attempt([captured("wait", 1)], undefined, 200)).error ?? "", /deadline_exceeded: orders\.work took longer than 200 ms/);
      assert.match((await attempt([captured("insert", 1)])).error ?? "", /duplicate key/);
    });

    test("makes no call: the handler is stopped there, whatever it makes of failures", async () => {
      const trial = await attempt([captured("call", 41)]);
      assert.equal(trial.outcome, "stopped");
      assert.deepEqual(trial.call, { operation: "payments.capture", input: { order: "" } });
      assert.deepEqual(trial.changes.rows, []);
    });

    test("refuses a handler that would keep its work by itself", async () => {
      assert.match((await attempt([captured("commit", 42)])).error ?? "", /nothing is kept in a dry run/);
    });

    test("reads data of an older version as a delivery does, and says what cannot be read", async () => {
      assert.equal((await attempt([captured("", 43, 2)])).changes.rows.length, 1);
      const discarded = await attempt([captured("", 43, 1)]);
      assert.match(discarded.error ?? "", /payments\.captured version 1 is discarded/);
      assert.equal(discarded.isGivenUp, true);
    });

    test("gives a batch its events together", async () => {
      const trial = await attempt([captured("", 50), captured("", 51)], batched as unknown as Subscription);
      assert.deepEqual(trial.changes.rows.map(({ key }) => key["id"]), [50, 51]);
    });
  });
}

describe("a rehearsal", () => {
  test("refuses every way to keep something", async () => {
    const { createRehearsal } = await import("../../src/data/index.ts");
    const [engine] = engines;
    const opened = await engine?.open();
    assert.ok(opened !== undefined);
    await migrate(opened.database, [{ service: "orders", migrations: [] }]);
    const session = await createRehearsal(opened.database).acquire({ service: "orders", mode: "write", timeoutMs: 1_000 });
    const refused = (error: unknown): boolean => error instanceof DatabaseError && /nothing is kept/.test(error.message);
    for (const text of ["commit", " COMMIT AND CHAIN", "end", "-- so\n commit", "/* a */ /* b */commit", "prepare transaction 'x'"]) await assert.rejects(session.query(text, []), refused, text);
    await assert.rejects(session.script("select 1"), refused);
    await assert.rejects(session.batch([{ text: "begin", parameters: [] }, { text: "commit", parameters: [] }]), refused);
    session.release();
    await opened.drop();
  });
});
