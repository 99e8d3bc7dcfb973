/** Events from a command to the handlers of other services, through the whole of an app. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sql } from "kysely";
import * as z from "zod";
import { command, contract, event, query, reactions, service, table } from "tenon";
import { call, settled, test as open } from "tenon/test";

const payments = contract("payments", {
  capture: command({ access: "public", input: z.object({ order: z.string(), cents: z.int() }) }),
  captureAndFail: command({ access: "public", input: z.object({ order: z.string() }) }),
  captureInParts: command({ access: "public", input: z.object({ order: z.string(), cents: z.int() }) }),
  captured: event({ data: z.object({ order: z.string(), cents: z.int() }), key: "order" }),
});
/** What a newer emitter says, which older subscribers meet during a deployment. */
const newerPayments = contract("payments", {
  capture: command({ access: "public", input: z.object({ order: z.string(), cents: z.int() }) }),
  captured: event({ data: z.object({ order: z.string(), cents: z.int(), tip: z.object({ cents: z.int() }) }), key: "order" }),
  refund: command({ access: "public", input: z.object({ order: z.string() }) }),
  refunded: event({ data: z.object({ order: z.string(), reason: z.string() }), version: 2 }),
});
const olderRefunds = contract("payments", { refunded: event({ data: z.object({ order: z.string() }) }) });
const orders = contract("orders", {
  dead: query({ access: "public", output: z.object({ items: z.array(z.object({ subscription: z.string(), attempts: z.int(), error: z.string() })) }) }),
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
    async captureInParts({ db, emit, input }) {
      await emit(payments.captured, input);
      const undone = db.transaction().execute(async () => {
        await emit(payments.captured, { order: "undone", cents: 2 });
        throw new RangeError("undo this part");
      });
      await undone.catch(() => undefined);
    },
  },
});

const tables = { paidOrders: table({ id: z.string(), cents: z.int() }, { key: "id" }) };
const { on } = reactions(tables);
const newerService = service(newerPayments, {
  migrations: new URL("event-migrations/payments/", import.meta.url),
  handlers: {
    async capture({ emit, input }) {
      await emit(newerPayments.captured, { ...input, tip: { cents: 1 } });
    },
    async refund({ emit, input }) {
      await emit(newerPayments.refunded, { ...input, reason: "broken" });
    },
  },
});

const markPaid = on(payments.captured, "mark-paid", async ({ data, db }) => {
  await db.insertInto("paidOrders").values({ id: data.order, cents: data.cents }).execute();
});
const quickly = { base: "10ms", cap: "20ms" } as const;

function subscribing(...subscriptions: readonly (typeof markPaid)[]) {
  return service(orders, {
    tables,
    migrations: new URL("event-migrations/orders/", import.meta.url),
  handlers: {
    async dead({ db }) {
      const { rows } = await sql<{ subscription: string; attempts: number; error: string }>`select subscription, attempts, error from tenon_dead_letters order by subscription`.execute(db);
      return { items: rows };
    },
    async paid({ db }) {
      return { items: await db.selectFrom("paidOrders").selectAll().orderBy("id").execute() };
    },
  },
  subscriptions,
  });
}

const ordersService = subscribing(markPaid);

/** Waits until there is one. */
async function deadLetters(shop: ReturnType<typeof open<typeof orders>>) {
  for (let round = 0; round < 500; round++) {
    await settled(shop);
    const { items } = await shop.dead();
    if (items.length > 0) return items;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return [];
}

describe("an event", () => {
  test("is delivered to who subscribes, once its command has committed", async () => {
    await using shop = open(ordersService, { with: [paymentsService], logLevel: "error" });
    assert.deepEqual(await shop.paid(), { items: [] });
    await call(shop, payments.capture, { order: "a", cents: 5 });
    await settled(shop);
    assert.deepEqual(await shop.paid(), { items: [{ id: "a", cents: 5 }] });
  });

  test("with fields from the future is delivered without them", async () => {
    await using shop = open(ordersService, { with: [newerService] });
    await call(shop, newerPayments.capture, { order: "a", cents: 5 });
    await settled(shop);
    assert.deepEqual(await shop.paid(), { items: [{ id: "a", cents: 5 }] });
  });

  test("of a version from the future is tried again, for a newer process to take it, and then becomes a dead letter", async () => {
    const subscription = on(olderRefunds.refunded, "book-refund", { attempts: 3, backoff: quickly }, () => assert.fail("it cannot be read"));
    await using shop = open(subscribing(subscription), { with: [newerService] });
    await call(shop, newerPayments.refund, { order: "a" });
    const [letter, ...more] = await deadLetters(shop);
    assert.equal(more.length, 0);
    assert.equal(letter?.attempts, 3);
    assert.match(letter?.error ?? "", /payments\.refunded version 2 is newer than version 1/);
  });

  test("of a discarded version is a dead letter at once", async () => {
    const later = contract("payments", { captured: event({ data: z.object({ order: z.string() }), key: "order", version: 2 }) });
    const subscription = on(later.captured, "mark-paid", { backoff: quickly }, () => assert.fail("it cannot be read"));
    await using shop = open(subscribing(subscription), { with: [paymentsService] });
    await call(shop, payments.capture, { order: "a", cents: 5 });
    const [letter] = await deadLetters(shop);
    assert.equal(letter?.attempts, 1);
    assert.match(letter?.error ?? "", /payments\.captured version 1 is discarded/);
  });

  test("whose handler never returns ends by its deadline, is tried again, and is given up; others are delivered meanwhile", async () => {
    let attempts = 0;
    const hanging = on(payments.captured, "hang", { attempts: 2, backoff: quickly, deadline: "150ms" }, ({ data }) => {
      if (data.order !== "stuck") return undefined;
      attempts += 1;
      return new Promise(() => undefined);
    });
    const marking = on(payments.captured, "mark-paid", async ({ data, db }) => {
      await db.insertInto("paidOrders").values({ id: data.order, cents: data.cents }).execute();
    });
    await using shop = open(subscribing(hanging, marking), { with: [paymentsService] });
    await call(shop, payments.capture, { order: "stuck", cents: 1 });
    await call(shop, payments.capture, { order: "fine", cents: 2 });
    const [letter, ...more] = await deadLetters(shop);
    assert.deepEqual([letter?.subscription, letter?.attempts, more.length, attempts], ["hang", 2, 0, 2]);
    assert.match(letter?.error ?? "", /deadline_exceeded/);
    assert.equal((await shop.paid()).items.length, 2);
  });

  test("emitted in a part of the transaction that was undone is not emitted", async () => {
    await using shop = open(ordersService, { with: [paymentsService] });
    await call(shop, payments.captureInParts, { order: "kept", cents: 1 });
    await settled(shop);
    assert.deepEqual(await shop.paid(), { items: [{ id: "kept", cents: 1 }] });
  });

  test("of a command that failed is never delivered", async () => {
    await using shop = open(ordersService, { with: [paymentsService], logLevel: "error" });
    await assert.rejects(call(shop, payments.captureAndFail, { order: "a" }));
    await settled(shop);
    assert.deepEqual(await shop.paid(), { items: [] });
  });
});
