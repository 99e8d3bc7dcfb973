/** Workflows from a command to their end, through the whole of an app. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { command, contract, outcome, query, service } from "tenon";
import { advance, call, settled, test as open } from "tenon/test";
import { inventory, inventoryService, payments, paymentsService, tables, workflow } from "./shop.ts";

const orders = contract("orders", {
  place: command({ access: "public", input: z.object({ id: z.string(), sku: z.string() }), output: z.object({ run: z.string() }) }),
  placeAndFail: command({ access: "public", input: z.object({ id: z.string() }) }),
  state: query({ access: "public", input: z.object({ id: z.string() }), output: z.object({ state: z.string(), result: z.unknown(), failure: z.unknown() }) }),
  effects: query({ access: "public", input: z.object({ run: z.string() }), output: z.object({ items: z.array(z.string()) }) }),
});

const checkout = workflow(
  "checkout",
  {
    input: z.object({ id: z.string(), sku: z.string() }),
    output: z.object({ reservation: z.string(), cents: z.int().optional() }),
    errors: { OutOfStock: { status: 409, data: z.object({ sku: z.string() }) } },
    events: [payments.captured],
  },
  async (flow) => {
    const { id, sku } = flow.input;
    await flow.step("open", async ({ db }) => {
      await db.insertInto("effects").values({ run: id, what: "open" }).execute();
    });
    flow.undo("close", async ({ db }) => {
      await db.insertInto("effects").values({ run: id, what: "close" }).execute();
    });
    const reserved = await outcome(flow.call("reserve", inventory.reserve, { order: id, sku }));
    if (!reserved.ok) throw flow.fail.OutOfStock(reserved.fault.data);
    flow.undo("release", (context) => context.call(inventory.release, { order: id }));
    await flow.sleep("cool off", "10m");
    const paid = await flow.until("payment", payments.captured, { key: id, timeout: "1h" });
    return { reservation: reserved.value.reservation, cents: paid?.cents };
  },
);

const ordersService = service(orders, {
  tables,
  migrations: new URL("migrations/orders/", import.meta.url),
  handlers: {
    async place({ input, start }) {
      const run = await start(checkout, input, { id: input.id });
      return { run: run.id };
    },
    async placeAndFail({ input, start }) {
      await start(checkout, { id: input.id, sku: "a" }, { id: input.id });
      throw new RangeError("no");
    },
    async state({ input, runs }) {
      const run = await runs.get(checkout, input.id);
      return { state: run?.state ?? "none", result: run?.result, failure: run?.failure };
    },
    async effects({ db, input }) {
      const rows = await db.selectFrom("effects").select("what").where("run", "=", input.run).orderBy("place").execute();
      return { items: rows.map(({ what }) => what) };
    },
  },
  workflows: [checkout],
});

const beside = { with: [inventoryService, paymentsService], logLevel: "error" } as const;

describe("a run", () => {
  test("goes from its start over a call, a sleep and an event to its result", async () => {
    await using shop = open(ordersService, beside);
    assert.deepEqual(await shop.place({ id: "1", sku: "a" }), { run: "checkout:1" });
    await settled(shop);
    assert.equal((await shop.state({ id: "1" })).state, "running");
    assert.deepEqual(await shop.effects({ run: "1" }), { items: ["open"] });
    assert.deepEqual(await call(shop, inventory.effects, { order: "1" }), { items: ["reserve a"] });

    await advance(shop, "10m");
    await call(shop, payments.capture, { order: "1", cents: 5 });
    await settled(shop);
    assert.deepEqual(await shop.state({ id: "1" }), { state: "completed", result: { reservation: "1/a", cents: 5 }, failure: undefined });
    assert.deepEqual(await shop.effects({ run: "1" }), { items: ["open"] });
  });

  test("finds an event that came before it waited", async () => {
    await using shop = open(ordersService, beside);
    await shop.place({ id: "1", sku: "a" });
    await settled(shop);
    await call(shop, payments.capture, { order: "1", cents: 7 });
    await call(shop, payments.capture, { order: "2", cents: 8 });
    await settled(shop);
    await advance(shop, "10m");
    assert.deepEqual((await shop.state({ id: "1" })).result, { reservation: "1/a", cents: 7 });
  });

  test("goes on without the event when the time-out passes", async () => {
    await using shop = open(ordersService, beside);
    await shop.place({ id: "1", sku: "a" });
    await advance(shop, "69m");
    assert.equal((await shop.state({ id: "1" })).state, "running");
    await advance(shop, "2m");
    assert.deepEqual((await shop.state({ id: "1" })).result, { reservation: "1/a" });
  });

  test("is started once under one identifier", async () => {
    await using shop = open(ordersService, beside);
    await shop.place({ id: "1", sku: "a" });
    await shop.place({ id: "1", sku: "b" });
    await settled(shop);
    assert.deepEqual(await call(shop, inventory.effects, { order: "1" }), { items: ["reserve a"] });
  });

  test("of a command that failed never starts", async () => {
    await using shop = open(ordersService, { ...beside });
    await assert.rejects(shop.placeAndFail({ id: "1" }));
    await settled(shop);
    assert.equal((await shop.state({ id: "1" })).state, "none");
  });

  test("that fails is undone, the last thing first, and keeps its failure", async () => {
    await using shop = open(ordersService, { ...beside });
    await shop.place({ id: "1", sku: "none" });
    await settled(shop);
    assert.deepEqual(await shop.state({ id: "1" }), { state: "failed", result: undefined, failure: { reason: "OutOfStock", data: { sku: "none" }, message: "OutOfStock" } });
    assert.deepEqual(await shop.effects({ run: "1" }), { items: ["open", "close"] });
  });
});
