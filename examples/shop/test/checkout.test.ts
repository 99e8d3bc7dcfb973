/** Checkout keeps money, goods and orders in step, whatever happens in between. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { outcome } from "tenon";
import { seedProducts } from "../catalog/seed.ts";
import { codeOf } from "./fault-code.ts";
import { customer, openShop, visa } from "./open-shop.ts";

type Shop = Awaited<ReturnType<typeof openShop>>;

const priceOf = (sku: string): number => seedProducts().find((product) => product.sku === sku)?.priceCents ?? assert.fail(sku);

describe("checkout", () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop[Symbol.asyncDispose]());
  beforeEach(() => {
    shop.provider.trouble = { latencyMs: 0, failureRate: 0, lossRate: 0, hang: false };
  });

  test("takes the goods, the money once, and empties the cart", async () => {
    const as = customer(1);
    const before = await shop.available("SKU-0001");
    await shop.orders.addToCart({ sku: "SKU-0001", quantity: 2 }, { as });
    await shop.orders.addToCart({ sku: "SKU-0002" }, { as });
    const order = await shop.orders.checkout({ card: visa }, { as });

    assert.equal(order.status, "paid");
    const subtotalCents = 2 * priceOf("SKU-0001") + priceOf("SKU-0002");
    assert.equal(order.subtotalCents, subtotalCents);
    assert.equal(order.totalCents, subtotalCents + (subtotalCents >= 5_000 ? 0 : 490));
    assert.deepEqual(order.lines.map(({ sku, quantity, unitPriceCents }) => ({ sku, quantity, unitPriceCents })), [
      { sku: "SKU-0001", quantity: 2, unitPriceCents: priceOf("SKU-0001") },
      { sku: "SKU-0002", quantity: 1, unitPriceCents: priceOf("SKU-0002") },
    ]);
    assert.deepEqual(shop.chargesOf(order.id).map((charge) => charge.amountCents), [order.totalCents]);
    assert.equal((await shop.orders.cart(undefined, { as })).lines.length, 0);
    assert.equal(await shop.available("SKU-0001"), before - 2);
    assert.deepEqual(await shop.orders.get({ id: order.id }, { as }), order);
  });

  test("takes prices from the catalog, whatever the customer sends", async () => {
    const as = customer(2);
    await shop.orders.addToCart({ sku: "SKU-0003" }, { as });
    const cheap = { card: visa, totalCents: 1, lines: [{ sku: "SKU-0003", unitPriceCents: 1 }] };
    const order = await shop.orders.checkout(cheap, { as });
    assert.equal(order.subtotalCents, priceOf("SKU-0003"));
  });

  test("of nothing is refused, and so is a product that is not sold", async () => {
    const as = customer(3);
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as })), "CartEmpty");
    assert.equal(await codeOf(shop.orders.addToCart({ sku: "SKU-9999" }, { as })), "NoProduct");
  });

  test("needs a profile, an address of one's own, and an account in good standing", async () => {
    for (const [subject, code] of [["nobody", "NoProfile"], ["mallory", "Suspended"]] as const) {
      const as = { subject };
      await shop.orders.addToCart({ sku: "SKU-0004" }, { as });
      assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as })), code);
    }
    const as = customer(4);
    await shop.orders.addToCart({ sku: "SKU-0004" }, { as });
    const addressOfAlice = "00000000-0000-4000-8000-00000000a11c";
    assert.equal(await codeOf(shop.orders.checkout({ card: visa, addressId: addressOfAlice }, { as })), "NoAddress");
  });

  test("of more than there is takes nothing, names the product and gives the cart back", async () => {
    const as = customer(5);
    const plenty = await shop.available("SKU-0005");
    await shop.orders.addToCart({ sku: "SKU-0005", quantity: 3 }, { as });
    await shop.orders.addToCart({ sku: "SKU-0040" }, { as }); // seeded sold out
    assert.equal((await shop.orders.cart(undefined, { as })).isOrderable, false);

    const tried = await outcome(shop.orders.checkout({ card: visa }, { as, idempotencyKey: "too-many" }));
    assert.ok(!tried.ok && tried.fault.reason === "OutOfStock");
    assert.deepEqual(tried.fault.data, { sku: "SKU-0040", available: 0 });
    assert.equal(await shop.available("SKU-0005"), plenty);
    const { items } = await shop.orders.list({}, { as });
    assert.deepEqual(items.map((order) => [order.status, order.failureReason]), [["failed", "out_of_stock"]]);
    assert.equal(shop.chargesOf(items[0]?.id ?? "").length, 0);
    const cart = await shop.orders.cart(undefined, { as });
    assert.deepEqual(Object.fromEntries(cart.lines.map(({ sku, quantity }) => [sku, quantity])), { "SKU-0005": 3, "SKU-0040": 1 });
    // The same request again is told the same.
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as, idempotencyKey: "too-many" })), "OutOfStock");
  });

  test("with a card that is declined gives the goods back", async () => {
    const as = customer(6);
    const before = await shop.available("SKU-0006");
    await shop.orders.addToCart({ sku: "SKU-0006", quantity: 2 }, { as });
    for (const [card, reason] of [["tok_declined", "card_declined"], ["tok_insufficient_funds", "insufficient_funds"]] as const) {
      const tried = await outcome(shop.orders.checkout({ card }, { as }));
      assert.ok(!tried.ok && tried.fault.reason === "PaymentDeclined");
      assert.equal(tried.fault.data.reason, reason);
      assert.equal((await shop.orders.get({ id: tried.fault.data.orderId }, { as })).status, "failed");
    }
    assert.equal(await shop.available("SKU-0006"), before);
    // And the cart is as it was, for another card.
    assert.equal((await shop.orders.checkout({ card: visa }, { as })).status, "paid");
    assert.equal(await shop.available("SKU-0006"), before - 2);
  });

  test("by two customers for the last pieces sells them once", async () => {
    const last = await shop.available("SKU-0034"); // seeded with a few
    assert.ok(last > 1 && last < 10);
    const both = [customer(7), customer(8)];
    for (const as of both) await shop.orders.addToCart({ sku: "SKU-0034", quantity: last }, { as });
    const ended = await Promise.all(both.map((as) => outcome(shop.orders.checkout({ card: visa }, { as }))));
    assert.deepEqual(ended.map((each) => (each.ok ? each.value.status : each.fault.reason)).toSorted(), ["OutOfStock", "paid"]);
    assert.equal(await shop.available("SKU-0034"), 0);
  });

  test("twice at once, without a key, is one order", async () => {
    const as = customer(9);
    await shop.orders.addToCart({ sku: "SKU-0007" }, { as });
    const ended = await Promise.all([1, 2, 3].map(() => outcome(shop.orders.checkout({ card: visa }, { as }))));
    assert.equal(ended.filter((each) => each.ok).length, 1);
    for (const each of ended) if (!each.ok) assert.match(each.fault.reason, /^Cart(Empty|Changed)$/);
    assert.equal((await shop.orders.list({}, { as })).items.length, 1);
  });

  test("repeated under its key is answered with the same order", async () => {
    const as = customer(10);
    await shop.orders.addToCart({ sku: "SKU-0008" }, { as });
    const first = await shop.orders.checkout({ card: visa }, { as, idempotencyKey: "once" });
    await shop.orders.addToCart({ sku: "SKU-0008" }, { as }); // what came into the cart later is another order's
    const second = await shop.orders.checkout({ card: visa }, { as, idempotencyKey: "once" });
    assert.deepEqual(second, first);
    assert.equal(shop.chargesOf(first.id).length, 1);
    assert.equal((await shop.orders.cart(undefined, { as })).lines.length, 1);
  });

  test("charges once when the provider does its work and every answer is lost", async () => {
    const as = customer(11);
    await shop.orders.addToCart({ sku: "SKU-0009" }, { as });
    shop.provider.trouble = { ...shop.provider.trouble, lossRate: 1 };
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as, idempotencyKey: "lost" })), "unavailable");
    const [pending] = (await shop.orders.list({}, { as })).items;
    assert.equal(pending?.status, "pending");

    shop.provider.trouble = { ...shop.provider.trouble, lossRate: 0 };
    const order = await shop.orders.checkout({ card: visa }, { as, idempotencyKey: "lost" });
    assert.equal(order.id, pending?.id);
    assert.equal(order.status, "paid");
    assert.equal(shop.chargesOf(order.id).length, 1);
  });

  test("ends in time when the provider hangs, and goes on under its key when it answers again", async () => {
    const as = customer(12);
    const before = await shop.available("SKU-0010");
    await shop.orders.addToCart({ sku: "SKU-0010" }, { as });
    shop.provider.trouble = { ...shop.provider.trouble, hang: true };
    const startedMs = performance.now();
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as, idempotencyKey: "hang" })), "deadline_exceeded");
    assert.ok(performance.now() - startedMs < 3_000);
    assert.equal(await shop.available("SKU-0010"), before - 1, "the goods stay held: the money may have moved");

    shop.provider.trouble = { ...shop.provider.trouble, hang: false };
    const order = await shop.orders.checkout({ card: visa }, { as, idempotencyKey: "hang" });
    assert.equal(order.status, "paid");
    assert.equal(shop.chargesOf(order.id).length, 1);
    assert.equal(await shop.available("SKU-0010"), before - 1);
  });

  test("with another card while the first one's answer is out says so, and does not charge again", async () => {
    const as = customer(13);
    await shop.orders.addToCart({ sku: "SKU-0011" }, { as });
    shop.provider.trouble = { ...shop.provider.trouble, hang: true };
    await codeOf(shop.orders.checkout({ card: visa }, { as, idempotencyKey: "two-cards" }));
    shop.provider.trouble = { ...shop.provider.trouble, hang: false };
    const tried = await outcome(shop.orders.checkout({ card: "tok_mastercard" }, { as, idempotencyKey: "two-cards" }));
    assert.ok(!tried.ok && tried.fault.reason === "PaymentPending");
    const settled = await shop.orders.settle({ id: tried.fault.data.orderId }, { as });
    assert.equal(settled.status, "paid");
    assert.equal(shop.chargesOf(settled.id).length, 1);
  });

  test("that never reached the provider is settled as not paid, and can never be charged afterwards", async () => {
    const as = customer(14);
    const before = await shop.available("SKU-0012");
    await shop.orders.addToCart({ sku: "SKU-0012" }, { as });
    shop.provider.trouble = { ...shop.provider.trouble, failureRate: 1 };
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as, idempotencyKey: "down" })), "unavailable");
    const [pending] = (await shop.orders.list({}, { as })).items;
    assert.ok(pending !== undefined);
    assert.equal(await codeOf(shop.orders.cancel({ id: pending.id }, { as })), "PaymentPending");

    shop.provider.trouble = { ...shop.provider.trouble, failureRate: 0 };
    assert.equal((await shop.orders.settle({ id: pending.id }, { as })).status, "failed");
    assert.equal(await shop.available("SKU-0012"), before);
    assert.equal((await shop.orders.cart(undefined, { as })).lines.length, 1);
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as, idempotencyKey: "down" })), "CartChanged");
    assert.equal(shop.chargesOf(pending.id).length, 0);
  });

  test("is over when its customer's patience is", async () => {
    const as = customer(15);
    await shop.orders.addToCart({ sku: "SKU-0013" }, { as });
    shop.provider.trouble = { ...shop.provider.trouble, latencyMs: 250 };
    const startedMs = performance.now();
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as, timeoutMs: 100 })), "deadline_exceeded");
    assert.ok(performance.now() - startedMs < 220);
  });
});
