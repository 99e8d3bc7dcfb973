/** Inventory promises to an order what is there, all of it or nothing, and never twice. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { outcome } from "tenon";
import { test as open } from "tenon/test";
import inventory from "../inventory/service.ts";
import { codeOf } from "./fault-code.ts";

const admin = { as: { subject: "olga", roles: ["admin"] } };
const orders = { as: { subject: "alice" }, from: "orders" };

function openInventory() {
  return open(inventory, { seed: "yes", as: "anonymous" });
}

describe("the inventory", () => {
  let stock: ReturnType<typeof openInventory>;
  before(async () => {
    stock = openInventory();
    await stock.availability({ sku: ["SKU-0001"] });
  });
  after(() => stock[Symbol.asyncDispose]());

  /** A product of the test's own. */
  async function stockOf(sku: string, quantity: number): Promise<string> {
    await stock.adjust({ sku, delta: quantity, reason: "delivery" }, admin);
    return sku;
  }

  async function levels(sku: string) {
    const { onHand, reserved, available } = await stock.get({ sku }, admin);
    return { onHand, reserved, available };
  }

  test("holds goods for an order, once, however often it is asked", async () => {
    const sku = await stockOf("T-HOLD", 5);
    const orderId = randomUUID();
    const lines = [{ sku, quantity: 3 }];
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await stock.reserve({ orderId, lines }, orders), { orderId, status: "held" });
    assert.deepEqual(await levels(sku), { onHand: 5, reserved: 3, available: 2 });
  });

  test("holds all lines of an order or none", async () => {
    const plenty = await stockOf("T-PLENTY", 10);
    const few = await stockOf("T-FEW", 1);
    const lines = [{ sku: plenty, quantity: 4 }, { sku: few, quantity: 2 }];
    const orderId = randomUUID();
    const tried = await outcome(stock.reserve({ orderId, lines }, orders));
    assert.ok(!tried.ok && tried.fault.reason === "OutOfStock");
    assert.deepEqual(tried.fault.data, { sku: few, available: 1 });
    assert.deepEqual(await levels(plenty), { onHand: 10, reserved: 0, available: 10 });
    assert.equal(await codeOf(stock.reserve({ orderId: randomUUID(), lines: [{ sku: "T-UNKNOWN", quantity: 1 }] }, orders)), "OutOfStock");
  });

  test("sells the last piece once, to whichever order is first", async () => {
    const sku = await stockOf("T-LAST", 3);
    const ended = await Promise.all(Array.from({ length: 8 }, () => codeOf(stock.reserve({ orderId: randomUUID(), lines: [{ sku, quantity: 1 }] }, orders))));
    assert.equal(ended.filter((code) => code === "none").length, 3);
    assert.equal(ended.filter((code) => code === "OutOfStock").length, 5);
    assert.deepEqual(await levels(sku), { onHand: 3, reserved: 3, available: 0 });
  });

  test("gives goods back once, and holds none for that order again", async () => {
    const sku = await stockOf("T-END", 5);
    const orderId = randomUUID();
    await stock.reserve({ orderId, lines: [{ sku, quantity: 2 }] }, orders);
    for (let i = 0; i < 2; i += 1) assert.equal((await stock.release({ orderId }, orders)).status, "released");
    assert.deepEqual(await levels(sku), { onHand: 5, reserved: 0, available: 5 });
    assert.equal(await codeOf(stock.reserve({ orderId, lines: [{ sku, quantity: 1 }] }, orders)), "Closed");
  });

  test("closes the door on an order that is released before it reserves", async () => {
    const sku = await stockOf("T-DOOR", 1);
    const orderId = randomUUID();
    await stock.release({ orderId }, orders);
    assert.equal(await codeOf(stock.reserve({ orderId, lines: [{ sku, quantity: 1 }] }, orders)), "Closed");
    assert.deepEqual(await levels(sku), { onHand: 1, reserved: 0, available: 1 });
  });

  test("is adjusted by admins, never below what is promised, and remembers why", async () => {
    const sku = await stockOf("T-ADJUST", 5);
    await stock.reserve({ orderId: randomUUID(), lines: [{ sku, quantity: 3 }] }, orders);
    const tried = await outcome(stock.adjust({ sku, delta: -3, reason: "broken" }, admin));
    assert.ok(!tried.ok && tried.fault.reason === "BelowReserved");
    assert.deepEqual(tried.fault.data, { available: 2 });
    await stock.adjust({ sku, delta: -2, reason: "broken" }, admin);
    const { items } = await stock.movements({ sku }, admin);
    assert.deepEqual(items.map(({ delta, reason, movedBy }) => [delta, reason, movedBy]), [[-2, "broken", "olga"], [5, "delivery", "olga"]]);
    assert.equal(await codeOf(stock.adjust({ sku, delta: 1, reason: "x" }, { as: { subject: "alice" } })), "permission_denied");
    assert.equal(await codeOf(stock.adjust({ sku, delta: 0, reason: "x" }, admin)), "invalid_argument");
  });

  test("lists what runs out, the most urgent first", async () => {
    const { items } = await stock.low({ limit: 100 }, admin);
    assert.ok(items.length > 50);
    assert.ok(items.every((each) => each.available <= each.lowAt));
    assert.deepEqual(items.map((each) => each.available), items.map((each) => each.available).toSorted((a, b) => a - b));
  });

  test("tells anybody what is available, and services alone may reserve", async () => {
    assert.deepEqual(await stock.availability({ sku: ["SKU-0040", "NO-SUCH"] }), { items: [{ sku: "SKU-0040", available: 0 }, { sku: "NO-SUCH", available: 0 }] });
    assert.equal(await codeOf(stock.reserve({ orderId: randomUUID(), lines: [{ sku: "SKU-0001", quantity: 1 }] }, admin)), "permission_denied");
  });
});
