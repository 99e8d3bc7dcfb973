import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { sql } from "kysely";
import type { DatabaseError } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { callTo, openOrders, order, orders, type OrdersService } from "./shop.ts";
import { openServerDatabase, type ServerDatabase, skip } from "./server.ts";

/** Opens when `count` have come; a second pass goes through. */
function gate(count: number): () => Promise<void> {
  const open = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    come++;
    if (come >= count) open.resolve();
    return open.promise;
  };
}

describe("commands that compete, on postgres", { skip }, () => {
  let opened: ServerDatabase;
  let service: OrdersService;

  before(async () => {
    opened = await openServerDatabase();
    service = await openOrders(opened.database);
  });
  after(() => opened.drop());
  beforeEach(async () => {
    await service.run(orders.place, async ({ db }) => {
      await sql`truncate orders, order_lines`.execute(db);
      await db.insertInto("orders").values([order(1), order(2)]).execute();
    });
  });

  async function totals(): Promise<number[]> {
    const rows = await service.run(orders.get, ({ db }) => db.selectFrom("orders").select("totalCents").orderBy("id").execute());
    return rows.map((row) => row.totalCents);
  }

  test("a serialization failure is run again from its start, and both come true", async () => {
    const bothHaveRead = gate(2);
    let attempts = 0;
    const add = (): Promise<void> =>
      service.run(orders.settle, async ({ db }) => {
        attempts++;
        const sum = await db.selectFrom("orders").select((eb) => eb.fn.sum<string>("totalCents").as("sum")).executeTakeFirstOrThrow();
        await bothHaveRead();
        await db.updateTable("orders").set({ totalCents: Number(sum.sum) }).where("id", "=", 1).execute();
      });
    await Promise.all([add(), add()]);
    assert.deepEqual(await totals(), [300 + 200, 200]);
    assert.equal(attempts, 3);
  });

  test("a deadlock is undone for one of the two and run again", async () => {
    const bothHoldOne = gate(2);
    let attempts = 0;
    const move = (from: number, to: number): Promise<void> =>
      service.run(orders.place, async ({ db }) => {
        attempts++;
        await db.updateTable("orders").set((eb) => ({ totalCents: eb("totalCents", "+", 1) })).where("id", "=", from).execute();
        await bothHoldOne();
        await db.updateTable("orders").set((eb) => ({ totalCents: eb("totalCents", "+", 1) })).where("id", "=", to).execute();
      });
    await Promise.all([move(1, 2), move(2, 1)]);
    assert.deepEqual(await totals(), [102, 202]);
    assert.equal(attempts, 3);
  });

  test("the next attempt runs although the handler made something else of the failure, and sees the input as it came", async () => {
    const bothHaveRead = gate(2);
    const inputs: unknown[] = [];
    const add = (): Promise<void> =>
      service.run(
        orders.settle,
        async ({ call, db }) => {
          inputs.push(call.input);
          call.input = "spoiled";
          await db.selectFrom("orders").selectAll().execute();
          await bothHaveRead();
          try {
            await db.updateTable("orders").set((eb) => ({ totalCents: eb("totalCents", "+", 1) })).where("id", "=", 1).execute();
          } catch {
            throw new Fault("conflict", "somebody was faster");
          }
        },
        { input: "given" },
      );
    await Promise.all([add(), add()]);
    assert.deepEqual(await totals(), [102, 200]);
    assert.deepEqual(new Set(inputs), new Set(["given"]));
  });

  test("whoever loses again and again is told after a bounded number of attempts", async () => {
    const quick = await openOrders(opened.database, { random: () => 0 });
    let attempts = 0;
    const losing = quick.run(orders.settle, async ({ db }) => {
      attempts++;
      await sql`do $$ begin raise exception 'lost' using errcode = '40001'; end $$`.execute(db);
    });
    await assert.rejects(losing, (fault: Fault) => fault.code === "overloaded" && fault.retryAfterS === 1);
    assert.equal(attempts, 8);
  });

  test("no attempt begins after the deadline", async () => {
    const slow = await openOrders(opened.database, { random: () => 0.999 });
    let attempts = 0;
    const call = callTo(orders.settle);
    call.deadlineAtMs = performance.now() + 60;
    const losing = slow.run(
      orders.settle,
      async ({ db }) => {
        attempts++;
        await sql`do $$ begin raise exception 'lost' using errcode = '40001'; end $$`.execute(db);
      },
      { call },
    );
    await assert.rejects(losing, { code: "overloaded" });
    assert.ok(attempts < 5 && performance.now() < call.deadlineAtMs + 50, `${attempts} attempts`);
  });

  test("a failure that would come again is not tried again", async () => {
    let attempts = 0;
    const failing = service.run(orders.place, async ({ db }) => {
      attempts++;
      await db.updateTable("orders").set({ totalCents: -1 }).execute();
    });
    await assert.rejects(failing, (error: DatabaseError) => error.sqlState === "23514" && error.constraint === "orders_total_cents_check");
    assert.equal(attempts, 1);
  });

  test("a table that a migration changed under prepared statements disturbs nobody", async () => {
    const insert = (id: number) => service.run(orders.place, ({ db }) => db.insertInto("orders").values(order(id)).returningAll().executeTakeFirst());
    const read = () => service.run(orders.get, ({ db }) => db.selectFrom("orders").selectAll().where("id", "=", 1).executeTakeFirst());
    await insert(10);
    await read();
    const session = await opened.database.acquire({ service: "orders", mode: "admin", timeoutMs: 1_000 });
    await session.script("alter table orders.orders add column extra text");
    session.release();
    assert.equal(Object.keys((await insert(11)) ?? {}).includes("extra"), true);
    assert.equal(Object.keys((await read()) ?? {}).includes("extra"), true);
  });
});

describe("a server that became a standby, on postgres", { skip }, () => {
  test("is out of reach for commands, and its connections are not used again", async () => {
    const opened = await openServerDatabase();
    try {
      const service = await openOrders(opened.database);
      const pid = async (spoil: boolean): Promise<number> =>
        service.run(orders.place, async ({ db }) => {
          const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
          if (spoil) await sql`set transaction read only`.execute(db); // which is how a standby behaves
          if (spoil) await db.insertInto("orders").values(order(1)).execute();
          return rows[0]?.pid ?? 0;
        });
      const before = await pid(false);
      await assert.rejects(pid(true), { code: "unavailable" });
      assert.notEqual(await pid(false), before);
    } finally {
      await opened.drop();
    }
  });
});
