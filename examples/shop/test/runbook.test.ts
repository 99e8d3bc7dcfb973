/** What whoever is woken has at hand when the payment provider is in trouble: it says what is, and mends what can be. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { customer, openShop } from "./open-shop.ts";

type Shop = Awaited<ReturnType<typeof openShop>>;

describe("when the payment provider is in trouble, the runbook", () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop[Symbol.asyncDispose]());

  const now = { waitedMinutes: 0 };

  test("says how many customers wait, and since when", async () => {
    assert.deepEqual(await shop.step("count-processing"), { outcome: "done", result: { processing: 0, oldest: null } });
    const { id } = await shop.buy(customer(40), { "SKU-0601": 1 }, "tok_late");
    const counted = await shop.step("provider-in-trouble/count-processing");
    const payment = await shop.payment(id);
    assert.deepEqual(counted, { outcome: "done", result: { processing: 1, oldest: payment.createdAt } });
  });

  test("asks about charges of which nobody told, lets their checkouts go on, and asks about none twice", async () => {
    shop.setTrouble({ webhooks: "never" });
    const paid = await shop.buy(customer(41), { "SKU-0602": 1 }, "tok_late");
    const declined = await shop.buy(customer(42), { "SKU-0603": 1 }, "tok_late_declined");
    assert.deepEqual([paid.status, declined.status], ["pending", "pending"]);
    const plan = await shop.step("ask-provider", { as: "dry run", input: now });
    assert.ok(plan.outcome === "done");
    const { orders, wouldAsk } = plan.result as { readonly orders: readonly string[]; readonly wouldAsk: number };
    assert.equal(wouldAsk, orders.length);
    assert.ok([paid.id, declined.id].every((id) => orders.includes(id)));
    assert.equal((await shop.payment(paid.id)).status, "processing", "a dry run asks nobody");

    await shop.told(); // the provider ends them, and tells nobody
    assert.equal((await shop.payment(paid.id)).status, "processing");
    const asked = await shop.step("ask-provider", { input: now });
    assert.deepEqual(asked, { outcome: "done", result: { asked: orders.length, captured: 2, declined: 1, processing: 0 } });
    await shop.settled();
    const after = await Promise.all([[41, paid.id] as const, [42, declined.id] as const].map(([number, id]) => shop.orders.get({ id }, { as: customer(number) })));
    assert.deepEqual(after.map(({ failureReason, status }) => [status, failureReason]), [["paid", null], ["failed", "order_closed"]], "of a charge that is not there nobody knows why");
    assert.deepEqual(await shop.step("ask-provider", { input: now }), { outcome: "done", result: { asked: 0, captured: 0, declined: 0, processing: 0 } });
    assert.deepEqual(await shop.step("ask-provider", {}), { outcome: "done", result: { asked: 0, captured: 0, declined: 0, processing: 0 } });
    shop.setTrouble({});
  });

  test("leaves all as it is where the provider fails, and says so", async () => {
    const { id } = await shop.buy(customer(43), { "SKU-0604": 1 }, "tok_late");
    shop.setTrouble({ failureRate: 1 });
    const failed = await shop.step("ask-provider", { input: now });
    assert.equal(failed.outcome, "failed");
    shop.setTrouble({});
    assert.equal((await shop.payment(id)).status, "processing");
    await shop.told();
    assert.equal((await shop.orders.get({ id }, { as: customer(43) })).status, "paid");
  });

  test("takes no input that makes no sense", async () => {
    assert.equal((await shop.step("ask-provider", { input: { limit: 0 } })).outcome, "failed");
    await assert.rejects(shop.step("give-up"), RangeError);
    await assert.rejects(shop.step("count-processing", { as: "dry run" }), RangeError);
  });
});
