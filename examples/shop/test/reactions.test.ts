/** What the services do by themselves: receipts, sold-out marks, stock that leaves the shelf, reminders of carts. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { codeOf } from "./fault-code.ts";
import { admin, customer, openShop } from "./open-shop.ts";

type Shop = Awaited<ReturnType<typeof openShop>>;

/** In so many hours. */
function inHours(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

describe("by themselves the services", () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop[Symbol.asyncDispose]());

  test("write a receipt for each order that was paid, and for no other", async () => {
    const as = customer(30);
    const order = await shop.buy(as, { "SKU-0501": 2, "SKU-0502": 1 });
    assert.equal((await shop.buy(as, { "SKU-0503": 1 }, "tok_declined")).status, "failed");
    const [receipt, ...more] = await shop.receiptsOf(as);
    assert.deepEqual(more, []);
    assert.ok(receipt !== undefined);
    assert.deepEqual([receipt.orderId, receipt.totalCents, receipt.shippingCents], [order.id, order.totalCents, order.shippingCents]);
    assert.deepEqual(receipt.lines, order.lines.map(({ sku, name, quantity, totalCents }) => ({ sku, name, quantity, totalCents })));
    assert.deepEqual(await shop.receiptsOf(customer(31)), []);
  });

  test("take goods off the shelf when their parcel has left, and not before", async () => {
    const before = await shop.stock("SKU-0504");
    const order = await shop.buy(customer(32), { "SKU-0504": 3 });
    assert.deepEqual(await shop.stock("SKU-0504"), { available: before.available - 3, reserved: 3 });
    await shop.orders.ship({ id: order.id, trackingCode: "T-9" }, { as: admin });
    await shop.settled();
    assert.deepEqual(await shop.stock("SKU-0504"), { available: before.available - 3, reserved: 0 });
  });

  test("mark a product in the catalog when the last piece is gone, and when it is back", async () => {
    const left = await shop.available("SKU-0051"); // seeded with a few
    const order = await shop.buy(customer(33), { "SKU-0051": left });
    assert.equal(await shop.isSoldOut("SKU-0051"), true);
    await shop.orders.cancel({ id: order.id }, { as: customer(33) });
    await shop.settled();
    assert.equal(await shop.isSoldOut("SKU-0051"), false);
  });

  test("remind once of a cart that was left for a day, and again when it was filled and left again", async () => {
    const as = customer(34);
    const reminders = async () => (await shop.orders.cartReminders({}, { as: admin })).items.filter(({ accountId }) => accountId === as.subject).length;
    const look = async (hours: number) => {
      await shop.fire("remind-of-carts", inHours(hours));
      await shop.settled();
      return reminders();
    };
    await shop.fillCart(as, { "SKU-0505": 1 });
    assert.equal(await look(23), 0);
    assert.equal(await look(25), 1);
    assert.equal(await look(26), 1);
    await shop.fillCart(as, { "SKU-0505": 1 });
    assert.equal(await look(25), 2);
    // Ordered, it is no cart any more.
    await shop.buy(as, { "SKU-0506": 1 });
    assert.equal(await look(100), 2);
    assert.equal(await codeOf(shop.orders.cartReminders({}, { as })), "permission_denied");
  });
});
