import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { sql } from "kysely";
import { isAnswerRace, DatabaseError } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { engines, type Opened } from "./engines.ts";
import { callTo, openOrders, order, orders, type OrdersService } from "./shop.ts";

for (const engine of engines) {
  describe(`a unit of work on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let service: OrdersService;

    before(async () => {
      opened = await engine.open();
      service = await openOrders(opened.database);
    });
    after(() => opened.drop());
    beforeEach(() => service.run(orders.place, async ({ db }) => void (await sql`truncate orders, order_lines, tenon_answers`.execute(db))));

    function ids(): Promise<number[]> {
      return service.run(orders.get, async ({ db }) => (await db.selectFrom("orders").select("id").orderBy("id").execute()).map((row) => row.id));
    }

    test("names are camelCase here and snake_case in SQL, and what is inside of JSON stays as it was", async () => {
      const inserted = await service.run(orders.place, ({ db }) =>
        db.insertInto("orders").values({ ...order(1), details: { gift_note: "for you" } }).returningAll().executeTakeFirstOrThrow(),
      );
      assert.deepEqual({ ...inserted, placedAt: "" }, { id: 1, customerName: "customer 1", totalCents: 100, details: { gift_note: "for you" }, placedAt: "" });
      assert.match(inserted.placedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);

      await service.run(orders.place, ({ db }) => db.insertInto("orderLines").values({ orderId: 1, line: 1, sku: "a", tags: ["x", "y,z"] }).execute());
      const joined = await service.run(orders.get, ({ db }) =>
        db.selectFrom("orders as o").innerJoin("orderLines as l", "l.orderId", "o.id").select(["o.customerName as whoOrdered", "l.tags"]).execute(),
      );
      assert.deepEqual(joined, [{ whoOrdered: "customer 1", tags: ["x", "y,z"] }]);
    });

    test("what a command did is kept together when it returns, and not at all when it throws", async () => {
      await service.run(orders.place, async ({ db }) => {
        await db.insertInto("orders").values([order(1), order(2)]).execute();
        await db.updateTable("orders").set({ totalCents: 5 }).where("id", "=", 1).execute();
      });
      assert.deepEqual(await ids(), [1, 2]);

      const failure = new Fault("unprocessable", "not today");
      await assert.rejects(
        service.run(orders.place, async ({ db }) => {
          await db.insertInto("orders").values(order(3)).execute();
          throw failure;
        }),
        failure,
      );
      assert.deepEqual(await ids(), [1, 2]);
    });

    test("a NUL in a text or in JSON is the sender's mistake, and not a bug", async () => {
      const isRefused = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === "invalid_argument";
      const rows = [{ ...order(1), customerName: "a\u0000b" }, { ...order(1), details: { gift_note: "\u0000" } }];
      for (const row of rows) await assert.rejects(service.run(orders.place, ({ db }) => db.insertInto("orders").values(row).execute()), isRefused);
      await assert.rejects(service.run(orders.get, ({ db }) => db.selectFrom("orders").select("id").where("customerName", "=", "\u0000").execute()), isRefused);
      assert.deepEqual(await ids(), []);
    });

    test("nothing is opened for a command that does not touch its rows", async () => {
      const call = callTo(orders.place);
      assert.equal(await service.run(orders.place, () => 7, { call }), 7);
      assert.equal(service.data.workOf(call).isOpen, false);
    });

    test("a command reads its own writes, and `read` does not see them before they are kept", { skip: engine.name === "pglite" }, async () => {
      await service.run(orders.place, async ({ db, read }) => {
        await db.insertInto("orders").values(order(1)).execute();
        assert.equal((await db.selectFrom("orders").select("id").execute()).length, 1);
        assert.equal((await read.selectFrom("orders").select("id").execute()).length, 0);
      });
    });

    test("`read` in a command whose transaction is open does not wait for itself", async () => {
      await service.run(orders.place, async ({ db, read }) => {
        await db.insertInto("orders").values(order(1)).execute();
        await read.selectFrom("orders").select("id").execute();
        await Promise.all([db.insertInto("orders").values(order(2)).execute(), read.selectFrom("orders").select("id").execute()]);
      });
      assert.deepEqual(await ids(), [1, 2]);
    });

    test("statements that are not awaited one by one run in order, in one transaction", async () => {
      await service.run(orders.place, ({ db }) => Promise.all([1, 2, 3, 4, 5].map((id) => db.insertInto("orders").values(order(id)).execute())));
      assert.deepEqual(await ids(), [1, 2, 3, 4, 5]);
    });

    test("a broken constraint tells its name, and a handler may turn it into an answer", async () => {
      await service.run(orders.place, ({ db }) => db.insertInto("orders").values(order(1)).execute());
      const answered = service.run(orders.place, async ({ db }) => {
        try {
          await db.insertInto("orders").values(order(1)).execute();
        } catch (error) {
          assert.ok(error instanceof DatabaseError && error.constraint === "orders_pkey" && !isAnswerRace(error));
          throw new Fault("conflict", "it is there already");
        }
      });
      await assert.rejects(answered, { code: "conflict" });
    });

    test("a handler that goes on after a failed statement has kept nothing, and is told", async () => {
      const careless = service.run(orders.place, async ({ db }) => {
        await db.insertInto("orders").values(order(1)).execute();
        await db.insertInto("orders").values(order(1)).execute().catch(() => undefined);
        return "done";
      });
      await assert.rejects(careless, (error: DatabaseError) => error.sqlState === "25P02" && (error.cause as DatabaseError).sqlState === "23505");
      assert.deepEqual(await ids(), []);
    });

    test("db.transaction() in a command is a part of it that can be undone by itself", async () => {
      await service.run(orders.place, async ({ db }) => {
        await db.insertInto("orders").values(order(1)).execute();
        await db
          .transaction()
          .execute((part) => part.insertInto("orders").values([order(2), order(1)]).execute())
          .catch((error: unknown) => assert.ok(error instanceof DatabaseError));
        await db.transaction().execute((part) => part.insertInto("orders").values(order(3)).execute());
      });
      assert.deepEqual(await ids(), [1, 3]);
    });

    test("a deferred constraint fails the command at its end, and nothing is kept", async () => {
      const orphan = service.run(orders.place, async ({ db }) => {
        await db.insertInto("orders").values(order(1)).execute();
        await db.insertInto("orderLines").values({ orderId: 99, line: 1, sku: "a", tags: [] }).execute();
      });
      await assert.rejects(orphan, (error: DatabaseError) => error.sqlState === "23503");
      assert.deepEqual(await ids(), []);
    });

    test("a statement after the end of its call is refused and says why", async () => {
      let escaped: (() => Promise<unknown>) | undefined;
      await service.run(orders.place, async ({ db }) => {
        await db.insertInto("orders").values(order(1)).execute();
        escaped = () => db.insertInto("orders").values(order(2)).execute();
      });
      await assert.rejects(async () => escaped?.(), (error: Fault) => error.code === "internal" && /await every statement/.test(String(error.cause)));
      assert.deepEqual(await ids(), [1]);
    });

    test("the isolation that the contract says is the one that the transaction has", async () => {
      const levels = await Promise.all(
        ([orders.place, orders.count, orders.settle] as const).map((operation) =>
          service.run(operation, async ({ db }) => (await sql<{ level: string }>`select current_setting('transaction_isolation') as level`.execute(db)).rows[0]?.level),
        ),
      );
      assert.deepEqual(levels, ["read committed", "repeatable read", "serializable"]);
    });

    test("a query cannot write, and its message says what to do", async () => {
      await assert.rejects(
        service.run(orders.get, ({ db }) => db.insertInto("orders").values(order(1)).execute()),
        (error: DatabaseError) => /make the operation a command/.test(error.message),
      );
      assert.deepEqual(await ids(), []);
    });

    test("a transaction of a query sees one state of the database throughout", { skip: engine.name === "pglite" }, async () => {
      await service.run(orders.place, ({ db }) => db.insertInto("orders").values(order(1)).execute());
      const seen = await service.run(orders.get, ({ db }) =>
        db.transaction().execute(async (same) => {
          const before = await same.selectFrom("orders").select("id").execute();
          await service.run(orders.place, ({ db: other }) => other.insertInto("orders").values(order(2)).execute());
          return [before.length, (await same.selectFrom("orders").select("id").execute()).length];
        }),
      );
      assert.deepEqual(seen, [1, 1]);
    });

    test("a stream brings its rows in portions, in a query and in a command, and may be left early", async () => {
      await service.run(orders.place, ({ db }) => db.insertInto("orders").values(Array.from({ length: 250 }, (_, i) => order(i + 1))).execute());
      for (const operation of [orders.get, orders.place]) {
        const read = await service.run(operation, async ({ db }) => {
          const seen: number[] = [];
          for await (const row of db.selectFrom("orders").select(["id", "totalCents"]).orderBy("id").stream(100)) seen.push(row.totalCents);
          for await (const row of db.selectFrom("orders").select("id").where("id", ">", 10).stream(10)) {
            seen.push(row.id);
            break;
          }
          seen.push((await db.selectFrom("orders").select("id").execute()).length);
          return seen;
        });
        assert.deepEqual([read.length, read[0], read[249], read[251]], [252, 100, 25_000, 250]);
      }
    });

    test("a canceled call keeps nothing, and gives its reason to whatever still waits", async () => {
      const call = callTo(orders.place);
      const reason = new Fault("canceled", "the caller went away");
      const running = service.run(
        orders.place,
        async ({ db }) => {
          await db.insertInto("orders").values(order(1)).execute();
          call.cancel(reason);
          await db.insertInto("orders").values(order(2)).execute();
        },
        { call },
      );
      await assert.rejects(running, reason);
      assert.deepEqual(await ids(), []);
    });

    test("a call that is canceled while its handler returns is not committed", async () => {
      const call = callTo(orders.place);
      const running = service.run(
        orders.place,
        async ({ db }) => {
          await db.insertInto("orders").values(order(1)).execute();
          call.cancel();
          return "done";
        },
        { call },
      );
      await assert.rejects(running, { code: "canceled" });
      assert.deepEqual(await ids(), []);
    });

    test("the transaction waits for whoever asked to be heard before it opens", async () => {
      const heard: string[] = [];
      await service.run(orders.place, async ({ call, db }) => {
        service.data.workOf(call).onOpen(async () => {
          await Promise.resolve();
          heard.push("listener");
        });
        await db.insertInto("orders").values(order(1)).execute();
        heard.push("statement");
      });
      assert.deepEqual(heard, ["listener", "statement"]);
    });
  });
}
