import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Call, type Handler, replay } from "../../src/calls/index.ts";
import { answerSweep, Sweeper } from "../../src/data/index.ts";
import type { Log } from "../../src/kernel/index.ts";
import { engines, type Opened } from "./engines.ts";
import { callTo, clock, openOrders, order, orders, type OrdersService } from "./shop.ts";

for (const engine of engines) {
  describe(`first answers on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let service: OrdersService;
    let runs = 0;

    before(async () => {
      opened = await engine.open();
      service = await openOrders(opened.database);
    });
    after(() => opened.drop());

    /** `place` under the stages that stand around it in an app; each `service` is a process of its own. */
    function placing(from: OrdersService, handler: (call: Call) => unknown): Handler {
      const { answers, transaction } = from.data;
      return transaction.compile(orders.place, replay({ answers }).compile(orders.place, handler));
    }

    function insertOrder(id: number): (call: Call) => Promise<unknown> {
      return async (call) => {
        runs++;
        await service.data.workOf(call).db.insertInto("orders").values(order(id)).execute();
        return { id, note: null };
      };
    }

    async function count(): Promise<number> {
      return (await service.run(orders.get, ({ db }) => db.selectFrom("orders").select("id").execute())).length;
    }

    test("a repeat gets the first answer and does nothing", async () => {
      const place = placing(service, insertOrder(1));
      const first = await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-1" }));
      const again = callTo(orders.place, { idempotencyKey: "key-of-the-test-1" });
      assert.deepEqual(await place(again), first);
      assert.deepEqual([again.isReplay, runs, await count()], [true, 1, 1]);
    });

    test("an answer without a value is an answer", async () => {
      const place = placing(service, () => undefined);
      await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-2" }));
      const again = callTo(orders.place, { idempotencyKey: "key-of-the-test-2" });
      assert.equal(await place(again), undefined);
      assert.equal(again.isReplay, true);
    });

    test("the answer of null is not the answer of nothing", async () => {
      const place = placing(service, () => null);
      await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-3" }));
      assert.equal(await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-3" })), null);
    });

    test("the same key with another input, or from another caller, is not the same command", async () => {
      const place = placing(service, () => "answer");
      await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-4", input: { a: 1 } }));
      await assert.rejects(async () => place(callTo(orders.place, { idempotencyKey: "key-of-the-test-4", input: { a: 2 } })), { code: "conflict" });
      const caller = { kind: "person", subject: "someone", issuer: "here", scopes: new Set<string>(), roles: new Set<string>(), claims: {} } as const;
      const other = callTo(orders.place, { idempotencyKey: "key-of-the-test-4", input: { a: 2 }, caller });
      assert.equal(await place(other), "answer");
      assert.equal(other.isReplay, false);
    });

    test("a command that failed has no answer, and its repeat runs", async () => {
      let fails = true;
      const place = placing(service, async (call) => {
        await service.data.workOf(call).db.insertInto("orders").values(order(5)).execute();
        if (fails) throw new RangeError("a bug");
        return "done";
      });
      await assert.rejects(async () => place(callTo(orders.place, { idempotencyKey: "key-of-the-test-5" })), RangeError);
      fails = false;
      assert.equal(await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-5" })), "done");
    });

    test("of repeats at once in several processes one is done, and all get its answer", async () => {
      const before = await count();
      const processes = await Promise.all([1, 2, 3].map(() => openOrders(opened.database)));
      let at = 0;
      const results = await Promise.all(
        processes.map(async (each) => {
          const place = placing(each, async (call) => {
            const own = ++at;
            await each.data.workOf(call).db.insertInto("orders").values(order(100 + own)).execute();
            return { own };
          });
          return place(callTo(orders.place, { idempotencyKey: "key-of-the-test-6" }));
        }),
      );
      assert.equal(new Set(results.map((result) => JSON.stringify(result))).size, 1);
      assert.equal((await count()) - before, 1);
    });

    test("an answer that is too old does not count, and the next one takes its place", async () => {
      const short = await openOrders(opened.database, { answersKeepMs: 1 });
      let at = 0;
      const place = placing(short, () => ++at);
      assert.equal(await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-7" })), 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-7" })), 2);
    });

    const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const sweep = (keepMs: number): Promise<number> =>
      new Sweeper({ what: "answers", database: opened.database, services: ["orders"], sweeps: [{ ...answerSweep, keepMs }], everyMs: 60_000, clock, log: silent }).sweep();

    test("a sweep deletes what has expired and nothing else", async () => {
      const place = placing(service, () => "kept");
      await place(callTo(orders.place, { idempotencyKey: "key-of-the-test-8" }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(await sweep(0), 1); // key-7's
      const again = callTo(orders.place, { idempotencyKey: "key-of-the-test-8" });
      await place(again);
      assert.equal(again.isReplay, true);
      assert.ok((await sweep(-2 * 86_400_000)) > 1);
      assert.equal(await sweep(0), 0);
    });
  });
}
