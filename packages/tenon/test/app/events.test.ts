/** Events from a command to the handlers of other services, through the whole of an app. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { command, contract, event, query, reactions, service, table } from "tenon";
import { call, settled, test as open } from "tenon/test";

const payments = contract("payments", {
  capture: command({ access: "public", input: z.object({ order: z.string(), cents: z.int() }) }),
  captureAndFail: command({ access: "public", input: z.object({ order: z.string() }) }),
  captured: event({ data: z.object({ order: z.string(), cents: z.int() }), key: "order" }),
});
const orders = contract("orders", {
  paid: query({ access: "public", output: z.object({ items: z.array(z.object({ id: z.string(), cents: z.int() })) }) }),
});

const paymentsService = service(payments, {
  migrations: new URL("event-migrations/payments/", import.meta.url),
  handlers: {
    async capture({ input, emit }) {
      await emit(payments.captured, input);
    },
    async captureAndFail({ input, emit }) {
      await emit(payments.captured, { order: input.order, cents: 1 });
      throw new RangeError("no");
    },
  },
});

const tables = { paidOrders: table({ id: z.string(), cents: z.int() }, { key: "id" }) };
const { on } = reactions(tables);
const ordersService = service(orders, {
  tables,
  migrations: new URL("event-migrations/orders/", import.meta.url),
  handlers: {
    async paid({ db }) {
      return { items: await db.selectFrom("paidOrders").selectAll().orderBy("id").execute() };
    },
  },
  subscriptions: [
    on(payments.captured, "mark-paid", async ({ data, db }) => {
      await db.insertInto("paidOrders").values({ id: data.order, cents: data.cents }).execute();
    }),
  ],
});

describe("an event", () => {
  test("is delivered to who subscribes, once its command has committed", async () => {
    await using shop = open(ordersService, { with: [paymentsService], logLevel: "error" });
    assert.deepEqual(await shop.paid(), { items: [] });
    await call(shop, payments.capture, { order: "a", cents: 5 });
    await settled(shop);
    assert.deepEqual(await shop.paid(), { items: [{ id: "a", cents: 5 }] });
  });

  test("of a command that failed is never delivered", async () => {
    await using shop = open(ordersService, { with: [paymentsService], logLevel: "error" });
    await assert.rejects(call(shop, payments.captureAndFail, { order: "a" }));
    await settled(shop);
    assert.deepEqual(await shop.paid(), { items: [] });
  });
});
