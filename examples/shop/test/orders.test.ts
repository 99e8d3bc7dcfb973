/** What becomes of an order: who sees it, canceling, refunds, shipping. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { outcome } from "tenon";
import { codeOf } from "./fault-code.ts";
import { admin, customer, openShop } from "./open-shop.ts";

type Shop = Awaited<ReturnType<typeof openShop>>;

describe("an order", () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop[Symbol.asyncDispose]());

  function buy(number: number, sku: string, quantity = 1) {
    return shop.buy(customer(number), { [sku]: quantity });
  }

  test("of somebody else is not found, whatever is asked of it", async () => {
    const { id } = await buy(1, "SKU-0101");
    const as = customer(2);
    for (const call of [shop.orders.get, shop.orders.cancel]) assert.equal(await codeOf(call({ id }, { as })), "NotFound");
    assert.deepEqual((await shop.orders.list({}, { as })).items, []);
    assert.equal(await codeOf(shop.orders.get({ id }, { as: "anonymous" })), "unauthenticated");
  });

  test("is the admins' business only where the contract says so", async () => {
    const order = await buy(3, "SKU-0102");
    const as = customer(3);
    const { id } = order;
    assert.equal(await codeOf(shop.orders.adminGet({ id }, { as })), "permission_denied");
    assert.equal(await codeOf(shop.orders.adminList({}, { as })), "permission_denied");
    assert.equal(await codeOf(shop.orders.refund({ id, reason: "please" }, { as })), "permission_denied");
    assert.equal(await codeOf(shop.orders.ship({ id, trackingCode: "T-1" }, { as })), "permission_denied");
    const seen = await shop.orders.adminGet({ id }, { as: admin });
    assert.equal(seen.accountId, as.subject);
  });

  test("is refunded in parts, up to what was paid and not a cent more", async () => {
    const order = await buy(4, "SKU-0103");
    const first = await shop.orders.refund({ id: order.id, amountCents: 500, reason: "a scratch" }, { as: admin });
    assert.equal(first.refundedCents, 500);
    const tooMuch = await outcome(shop.orders.refund({ id: order.id, amountCents: order.totalCents, reason: "all of it" }, { as: admin }));
    assert.ok(!tooMuch.ok && tooMuch.fault.reason === "ExceedsPayment");
    assert.deepEqual(tooMuch.fault.data, { remainingCents: order.totalCents - 500 });
    await shop.told();
    assert.deepEqual((await shop.payment(order.id)).refunds.map(({ amountCents, status }) => [amountCents, status]), [[500, "settled"]], "the provider told that it arrived");
    const rest = await shop.orders.refund({ id: order.id, reason: "the rest" }, { as: admin });
    assert.equal(rest.refundedCents, order.totalCents);
    assert.deepEqual(rest.refunds.map(({ amountCents, reason, refundedBy }) => [amountCents, reason, refundedBy]), [
      [500, "a scratch", "olga"],
      [order.totalCents - 500, "the rest", "olga"],
    ]);
    // Nothing is left, and asking for the rest again is no mistake and moves nothing.
    assert.equal((await shop.orders.refund({ id: order.id, reason: "again" }, { as: admin })).refunds.length, 2);
    assert.equal(shop.chargesOf(order.id)[0]?.refundedCents, order.totalCents);
    assert.equal(await codeOf(shop.orders.ship({ id: order.id, trackingCode: "T-2" }, { as: admin })), "NotShippable");
  });

  test("refunded twice at once under one key, or for the same money, is refunded once", async () => {
    const order = await buy(5, "SKU-0104");
    const half = Math.ceil(order.totalCents * 0.6);
    const ask = { id: order.id, amountCents: half, reason: "broken" };
    const [one, two, other] = await Promise.all(["key", "key", undefined].map((idempotencyKey) => outcome(shop.orders.refund(ask, { as: admin, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }))));
    assert.ok(one !== undefined && two !== undefined && other !== undefined);
    assert.deepEqual(two.ok, one.ok);
    assert.notEqual(other.ok, one.ok, "there is enough for one refund of the two");
    const refused = one.ok ? other : one;
    assert.ok(!refused.ok && refused.fault.reason === "ExceedsPayment");
    assert.equal((await shop.orders.adminGet({ id: order.id }, { as: admin })).refunds.length, 1);
    assert.equal(shop.chargesOf(order.id)[0]?.refundedCents, half);
  });

  test("that is canceled gives money and goods back, once", async () => {
    const before = await shop.available("SKU-0105");
    const order = await buy(6, "SKU-0105", 2);
    const as = customer(6);
    const canceled = await shop.orders.cancel({ id: order.id }, { as });
    assert.equal(canceled.status, "canceled", "at once; the rest follows");
    assert.equal((await shop.orders.cancel({ id: order.id }, { as })).status, "canceled");
    await shop.settled();
    assert.equal((await shop.orders.get({ id: order.id }, { as })).refundedCents, order.totalCents);
    assert.equal(await shop.available("SKU-0105"), before);
    assert.equal(shop.chargesOf(order.id)[0]?.refundedCents, order.totalCents);
    assert.equal(await codeOf(shop.orders.ship({ id: order.id, trackingCode: "T-3" }, { as: admin })), "NotShippable");
    assert.equal(await codeOf(shop.orders.refund({ id: order.id, reason: "more" }, { as: admin })), "NotRefundable");
  });

  test("that has shipped cannot be canceled, and can be refunded", async () => {
    const order = await buy(7, "SKU-0106");
    const available = await shop.available("SKU-0106");
    const shipped = await shop.orders.ship({ id: order.id, trackingCode: "T-4" }, { as: admin });
    await shop.settled();
    assert.deepEqual(await shop.stock("SKU-0106"), { available, reserved: 0 });
    assert.deepEqual([shipped.status, shipped.trackingCode], ["shipped", "T-4"]);
    assert.equal(await codeOf(shop.orders.cancel({ id: order.id }, { as: customer(7) })), "NotCancelable");
    assert.equal((await shop.orders.refund({ id: order.id, reason: "came back" }, { as: admin })).refundedCents, order.totalCents);
  });

  test("canceled and shipped at the same moment is one of both", async () => {
    const order = await buy(8, "SKU-0107");
    const ended = await Promise.all([
      outcome(shop.orders.cancel({ id: order.id }, { as: customer(8) })),
      outcome(shop.orders.ship({ id: order.id, trackingCode: "T-5" }, { as: admin })),
    ]);
    assert.equal(ended.filter((each) => each.ok).length, 1);
    await shop.settled();
    const { status, refundedCents } = await shop.orders.adminGet({ id: order.id }, { as: admin });
    assert.equal(refundedCents, status === "canceled" ? order.totalCents : 0);
  });

  test("is found by admins by its id, its account and its status, page by page", async () => {
    for (let i = 0; i < 5; i += 1) await buy(9, "SKU-0108");
    const as = admin;
    const own: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await shop.orders.adminList({ search: "customer-9", status: "paid", limit: 2, ...(cursor === undefined ? {} : { cursor }) }, { as });
      assert.ok(page.items.length <= 2);
      own.push(...page.items.map((order) => order.id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    assert.equal(new Set(own).size, 5);
    const [id = ""] = own;
    assert.deepEqual((await shop.orders.adminList({ search: id.slice(0, 8) }, { as })).items.map((order) => order.id), [id]);
    assert.equal(await codeOf(shop.orders.adminList({ cursor: "bm9uc2Vuc2U" }, { as })), "InvalidCursor");
  });
});

describe("a cart", () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop[Symbol.asyncDispose]());

  test("adds, sets and removes, and adds up at today's prices", async () => {
    const as = customer(20);
    assert.deepEqual(await shop.orders.addToCart({ sku: "SKU-0201" }, { as }), { sku: "SKU-0201", quantity: 1 });
    assert.deepEqual(await shop.orders.addToCart({ sku: "SKU-0201", quantity: 4 }, { as }), { sku: "SKU-0201", quantity: 5 });
    assert.deepEqual(await shop.orders.setInCart({ sku: "SKU-0202", quantity: 2 }, { as }), { sku: "SKU-0202", quantity: 2 });
    const cart = await shop.orders.cart(undefined, { as });
    assert.deepEqual(cart.lines.map(({ sku, quantity }) => [sku, quantity]), [["SKU-0201", 5], ["SKU-0202", 2]]);
    assert.equal(cart.subtotalCents, cart.lines.reduce((sum, line) => sum + line.quantity * (line.unitPriceCents ?? 0), 0));
    await shop.orders.removeFromCart({ sku: "SKU-0201" }, { as });
    assert.deepEqual((await shop.orders.cart(undefined, { as })).lines.map((line) => line.sku), ["SKU-0202"]);
    assert.deepEqual((await shop.orders.cart(undefined, { as: customer(21) })).lines, []);
  });

  test("holds 999 of a product and 50 products, and says so", async () => {
    const as = customer(22);
    await shop.orders.setInCart({ sku: "SKU-0203", quantity: 999 }, { as });
    assert.equal(await codeOf(shop.orders.addToCart({ sku: "SKU-0203" }, { as })), "TooMany");
    for (let i = 1; i < 50; i += 1) await shop.orders.addToCart({ sku: `SKU-${String(300 + i).padStart(4, "0")}` }, { as });
    assert.equal(await codeOf(shop.orders.addToCart({ sku: "SKU-0400" }, { as })), "TooMany");
    assert.equal((await shop.orders.cart(undefined, { as })).lines.length, 50);
  });
});
