/** Checkout keeps money, goods and orders in step, whatever happens in between. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { outcome } from "tenon";
import { seedProducts } from "../catalog/seed.ts";
import { codeOf } from "./fault-code.ts";
import { admin, customer, openShop, visa } from "./open-shop.ts";

type Shop = Awaited<ReturnType<typeof openShop>>;

const priceOf = (sku: string): number => seedProducts().find((product) => product.sku === sku)?.priceCents ?? assert.fail(sku);

describe("checkout", () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop[Symbol.asyncDispose]());
  beforeEach(() => shop.setTrouble({}));

  async function quantitiesInCart(as: { readonly subject: string }) {
    const { lines } = await shop.orders.cart(undefined, { as });
    return Object.fromEntries(lines.map(({ sku, quantity }) => [sku, quantity]));
  }

  test("answers with a pending order, which is paid a moment later: the goods and the money are taken once", async () => {
    const as = customer(1);
    const before = await shop.available("SKU-0001");
    await shop.fillCart(as, { "SKU-0001": 2, "SKU-0002": 1 });
    const placed = await shop.orders.checkout({ card: visa }, { as });
    assert.equal(placed.status, "pending");
    assert.deepEqual(await quantitiesInCart(as), {});
    assert.equal((await shop.orders.get({ id: placed.id }, { as })).id, placed.id, "it is there at once");

    await shop.settled();
    const order = await shop.orders.get({ id: placed.id }, { as });
    assert.equal(order.status, "paid");
    const subtotalCents = 2 * priceOf("SKU-0001") + priceOf("SKU-0002");
    assert.equal(order.subtotalCents, subtotalCents);
    assert.equal(order.totalCents, subtotalCents + (subtotalCents >= 5_000 ? 0 : 490));
    assert.deepEqual(order.lines.map(({ sku, quantity, unitPriceCents }) => ({ sku, quantity, unitPriceCents })), [
      { sku: "SKU-0001", quantity: 2, unitPriceCents: priceOf("SKU-0001") },
      { sku: "SKU-0002", quantity: 1, unitPriceCents: priceOf("SKU-0002") },
    ]);
    assert.deepEqual(shop.chargesOf(order.id).map((charge) => charge.amountCents), [order.totalCents]);
    assert.equal(await shop.available("SKU-0001"), before - 2);
  });

  test("takes prices from the catalog, whatever the customer sends", async () => {
    const as = customer(2);
    await shop.fillCart(as, { "SKU-0003": 1 });
    const cheap = { card: visa, totalCents: 1, lines: [{ sku: "SKU-0003", unitPriceCents: 1 }] };
    assert.equal((await shop.orders.checkout(cheap, { as })).subtotalCents, priceOf("SKU-0003"));
  });

  test("of nothing is refused, and so is a product that is not sold", async () => {
    const as = customer(3);
    assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as })), "CartEmpty");
    assert.equal(await codeOf(shop.orders.addToCart({ sku: "SKU-9999" }, { as })), "NoProduct");
  });

  test("needs a profile, an address of one's own, and an account in good standing", async () => {
    for (const [subject, code] of [["nobody", "NoProfile"], ["mallory", "Suspended"]] as const) {
      const as = { subject };
      await shop.fillCart(as, { "SKU-0004": 1 });
      assert.equal(await codeOf(shop.orders.checkout({ card: visa }, { as })), code);
    }
    const as = customer(4);
    await shop.fillCart(as, { "SKU-0004": 1 });
    const addressOfAlice = "00000000-0000-4000-8000-00000000a11c";
    assert.equal(await codeOf(shop.orders.checkout({ card: visa, addressId: addressOfAlice }, { as })), "NoAddress");
  });

  test("of more than there is is refused at once, names the product and leaves the cart as it was", async () => {
    const as = customer(5);
    await shop.fillCart(as, { "SKU-0005": 3, "SKU-0040": 1 }); // seeded sold out
    assert.equal((await shop.orders.cart(undefined, { as })).isOrderable, false);
    const tried = await outcome(shop.orders.checkout({ card: visa }, { as }));
    assert.ok(!tried.ok && tried.fault.reason === "OutOfStock");
    assert.deepEqual(tried.fault.data, { sku: "SKU-0040", available: 0 });
    assert.deepEqual((await shop.orders.list({}, { as })).items, []);
    assert.deepEqual(await quantitiesInCart(as), { "SKU-0005": 3, "SKU-0040": 1 });
  });

  test("by two customers for the last pieces sells them once, and the other one's cart is full again", async () => {
    const last = await shop.available("SKU-0034"); // seeded with a few
    assert.ok(last > 1 && last < 10);
    const plenty = await shop.available("SKU-0005");
    const both = [customer(7), customer(8)];
    for (const as of both) await shop.fillCart(as, { "SKU-0034": last, "SKU-0005": 1 });
    // Both are told that it is on its way: neither has reserved yet.
    const placed = await Promise.all(both.map((as) => shop.orders.checkout({ card: visa }, { as })));
    await shop.settled();
    const ended = await Promise.all(placed.map(({ id }, i) => shop.orders.get({ id }, { as: both[i] ?? assert.fail() })));
    assert.deepEqual(ended.map(({ status, failureReason }) => `${status} ${failureReason ?? "well"}`).toSorted(), ["failed out_of_stock", "paid well"]);
    const loser = ended.findIndex(({ status }) => status === "failed");
    assert.deepEqual(await quantitiesInCart(both[loser] ?? assert.fail()), { "SKU-0034": last, "SKU-0005": 1 });
    assert.equal(shop.chargesOf(placed[loser]?.id ?? "").length, 0);
    assert.equal(await shop.available("SKU-0034"), 0);
    assert.equal(await shop.available("SKU-0005"), plenty - 1);
  });

  test("with a card that is declined gives the goods back", async () => {
    const as = customer(6);
    const before = await shop.available("SKU-0006");
    await shop.fillCart(as, { "SKU-0006": 2 });
    for (const [card, reason] of [["tok_declined", "card_declined"], ["tok_insufficient_funds", "insufficient_funds"]] as const) {
      const { id } = await shop.orders.checkout({ card }, { as });
      await shop.settled();
      const { status, failureReason } = await shop.orders.get({ id }, { as });
      assert.deepEqual([status, failureReason], ["failed", reason]);
      assert.equal(await shop.available("SKU-0006"), before);
    }
    // And the cart is as it was, for another card.
    assert.equal((await shop.buy(as, {})).status, "paid");
    assert.equal(await shop.available("SKU-0006"), before - 2);
  });

  test("twice at once, without a key, is one order", async () => {
    const as = customer(9);
    await shop.fillCart(as, { "SKU-0007": 1 });
    const ended = await Promise.all([1, 2, 3].map(() => outcome(shop.orders.checkout({ card: visa }, { as }))));
    assert.equal(ended.filter((each) => each.ok).length, 1);
    for (const each of ended) if (!each.ok) assert.match(each.fault.reason, /^Cart(Empty|Changed)$/);
    await shop.settled();
    assert.deepEqual((await shop.orders.list({}, { as })).items.map(({ status }) => status), ["paid"]);
  });

  test("repeated under its key is answered with the same order, and charged once", async () => {
    const as = customer(10);
    await shop.fillCart(as, { "SKU-0008": 1 });
    const first = await shop.orders.checkout({ card: visa }, { as, idempotencyKey: "once" });
    await shop.fillCart(as, { "SKU-0008": 1 }); // what came into the cart later is another order's
    assert.deepEqual(await shop.orders.checkout({ card: visa }, { as, idempotencyKey: "once" }), first);
    await shop.settled();
    assert.equal((await shop.orders.checkout({ card: visa }, { as, idempotencyKey: "once" })).id, first.id);
    assert.equal(await codeOf(shop.orders.checkout({ card: "tok_mastercard" }, { as, idempotencyKey: "once" })), "conflict");
    await shop.settled();
    assert.equal(shop.chargesOf(first.id).length, 1);
    assert.equal((await shop.orders.list({}, { as })).items.length, 1);
    assert.deepEqual(await quantitiesInCart(as), { "SKU-0008": 1 });
  });

  test("charges once when the provider does its work and every answer is lost", async () => {
    const as = customer(11);
    shop.setTrouble({ lossRate: 1 });
    const pending = await shop.buy(as, { "SKU-0009": 1 });
    assert.equal(pending.status, "pending");
    assert.equal(shop.chargesOf(pending.id).length, 1);

    shop.setTrouble({});
    await shop.advance("5m");
    assert.equal((await shop.orders.get({ id: pending.id }, { as })).status, "paid");
    assert.equal(shop.chargesOf(pending.id).length, 1);
  });

  test("waits for a provider that is down, with its goods held, and goes on by itself when it is back", async () => {
    const as = customer(12);
    const before = await shop.available("SKU-0010");
    shop.setTrouble({ failureRate: 1 });
    const { id } = await shop.buy(as, { "SKU-0010": 1 });
    await shop.advance("10m");
    assert.equal((await shop.orders.get({ id }, { as })).status, "pending");
    assert.equal(await shop.available("SKU-0010"), before - 1);

    shop.setTrouble({});
    await shop.advance("5m");
    assert.equal((await shop.orders.get({ id }, { as })).status, "paid");
    assert.equal(shop.chargesOf(id).length, 1);
  });

  test("fails when the provider is down for too long, and is never charged, not even later", async () => {
    const as = customer(13);
    const before = await shop.available("SKU-0011");
    shop.setTrouble({ failureRate: 1 });
    const { id } = await shop.buy(as, { "SKU-0011": 1 });
    await shop.advance("2h");
    assert.equal((await shop.orders.get({ id }, { as })).status, "pending", "whether money moved is not known, so nothing is told");
    shop.setTrouble({});
    await shop.advance("1h");
    const { status, failureReason } = await shop.orders.get({ id }, { as });
    assert.deepEqual([status, failureReason], ["failed", "not_paid"]);
    assert.equal(await shop.available("SKU-0011"), before);
    assert.equal(shop.chargesOf(id).length, 0);
    assert.deepEqual(await quantitiesInCart(as), { "SKU-0011": 1 });
  });

  test("waits for a charge that takes its time, until the provider tells how it ended", async () => {
    const as = customer(18);
    for (const [card, status, failureReason] of [["tok_late", "paid", null], ["tok_late_declined", "failed", "insufficient_funds"]] as const) {
      shop.setTrouble({ webhooks: "twice" });
      const order = await shop.buy(as, { "SKU-0015": 1 }, card);
      assert.equal(order.status, "pending");
      assert.deepEqual((await shop.told()).toSorted((a, b) => a - b), [202, 204], "the second one is known");
      const ended = await shop.orders.get({ id: order.id }, { as });
      assert.deepEqual([ended.status, ended.failureReason], [status, failureReason]);
      assert.equal(shop.chargesOf(order.id).length, status === "paid" ? 1 : 0);
    }
    assert.equal((await shop.receiptsOf(as)).length, 1);
  });

  test("asks how a charge ended when nobody tells", async () => {
    const as = customer(19);
    shop.setTrouble({ webhooks: "never" });
    const { id } = await shop.buy(as, { "SKU-0016": 1 }, "tok_late");
    assert.deepEqual(await shop.told(), []);
    await shop.advance("59m");
    assert.equal((await shop.orders.get({ id }, { as })).status, "pending");
    await shop.advance("2m");
    assert.equal((await shop.orders.get({ id }, { as })).status, "paid");
  });

  test("canceled before a late charge has ended is not charged", async () => {
    const as = customer(20);
    const before = await shop.available("SKU-0017");
    const { id } = await shop.buy(as, { "SKU-0017": 1 }, "tok_late");
    await shop.orders.cancel({ id }, { as });
    await shop.settled();
    await shop.told();
    assert.equal(shop.chargesOf(id).length, 0);
    assert.equal((await shop.payment(id)).status, "declined");
    assert.equal(await shop.available("SKU-0017"), before);
    assert.equal((await shop.orders.get({ id }, { as })).status, "canceled");
  });

  test("canceled while it waits for the provider takes nothing, or gives it back", async () => {
    const before = await shop.available("SKU-0012");
    for (const [number, trouble] of [[14, { failureRate: 1 }], [15, { lossRate: 1 }]] as const) {
      const as = customer(number);
      shop.setTrouble(trouble);
      const { id } = await shop.buy(as, { "SKU-0012": 1 });
      assert.equal((await shop.orders.cancel({ id }, { as })).status, "canceled");
      await shop.settled();
      shop.setTrouble({});
      await shop.advance("1h");
      const { refundedCents, status, totalCents } = await shop.orders.get({ id }, { as });
      assert.equal(status, "canceled");
      const [charge] = shop.chargesOf(id);
      assert.equal(charge?.refundedCents, charge?.amountCents);
      assert.equal(refundedCents, "lossRate" in trouble ? totalCents : 0);
      assert.equal(await shop.available("SKU-0012"), before);
      assert.deepEqual(await quantitiesInCart(as), {});
    }
  });

  test("whose parcel nobody ships is canceled, and everything goes back", async () => {
    const as = customer(16);
    const before = await shop.available("SKU-0013");
    const order = await shop.buy(as, { "SKU-0013": 1 });
    await shop.advance("13d");
    assert.equal((await shop.orders.get({ id: order.id }, { as })).status, "paid");
    await shop.advance("2d");
    const ended = await shop.orders.get({ id: order.id }, { as });
    assert.deepEqual([ended.status, ended.refundedCents], ["canceled", order.totalCents]);
    assert.equal(await shop.available("SKU-0013"), before);
    assert.equal(await codeOf(shop.orders.ship({ id: order.id, trackingCode: "T-1" }, { as: admin })), "NotShippable");
  });

  test("whose parcel has left is over, and stays so", async () => {
    const as = customer(17);
    const order = await shop.buy(as, { "SKU-0014": 1 });
    await shop.orders.ship({ id: order.id, trackingCode: "T-2" }, { as: admin });
    await shop.advance("30d");
    const ended = await shop.orders.get({ id: order.id }, { as });
    assert.deepEqual([ended.status, ended.refundedCents], ["shipped", 0]);
  });
});
