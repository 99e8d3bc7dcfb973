/** What becomes of a customer who asks for what the shop holds of them, and then to be erased. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf } from "./fault-code.ts";
import { customer, openShop } from "./open-shop.ts";

interface Seen {
  readonly state: string;
  readonly data?: Readonly<Record<string, { readonly tables: Readonly<Record<string, readonly object[]>>; readonly kept: readonly { readonly table: string; readonly type: string }[] }>>;
  readonly report?: string;
  readonly services: readonly { readonly service: string; readonly state: string; readonly tables?: readonly { readonly table: string; readonly found: number; readonly done: string; readonly ground?: string }[]; readonly runs?: { readonly found: number; readonly emptied: number; readonly underWay: readonly string[] } }[];
}

test("a customer gets what the shop holds of them, and is erased but for what the law keeps", async () => {
  await using shop = await openShop();
  const who = customer(30);
  const { id: order } = await shop.buy(who, { "SKU-0101": 1 });
  assert.equal((await shop.receiptsOf(who)).length, 1);

  const exported = await shop.rights<{ readonly id: string }>("export", { subject: who.subject });
  await shop.settled();
  const given = await shop.rights<Seen>("request", { id: exported.id });
  assert.equal(given.state, "done");
  assert.deepEqual(Object.keys(given.data ?? {}).toSorted(), ["accounts", "orders"]);
  assert.ok((given.data?.["accounts"]?.tables["addresses"] ?? []).length > 0);
  assert.ok(given.data?.["orders"]?.kept.some(({ table, type }) => table === "tenon_runs" && type === "checkout"), "the checkout tells of them");

  const asked = await shop.rights<{ readonly id: string }>("erase", { subject: who.subject });
  await shop.settled();
  const erased = await shop.rights<Seen>("request", { id: asked.id });
  assert.equal(erased.state, "done");
  assert.match(erased.report ?? "", /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const outcomes = erased.services.flatMap(({ service, tables = [] }) => tables.filter(({ found }) => found > 0).map(({ done, ground, table }) => [`${service}.${table}`, done, ground !== undefined]));
  assert.deepEqual(outcomes.toSorted((a, b) => String(a).localeCompare(String(b))), [
    ["accounts.accounts", "deleted", false],
    ["accounts.addresses", "deleted", false],
    ["accounts.receipts", "kept without encrypted values", true],
    ["orders.orders", "kept without encrypted values", true],
  ]);
  assert.deepEqual(erased.services.find(({ service }) => service === "orders")?.runs, { found: 1, emptied: 0, underWay: [`checkout:${order}`] }, "it waits for the goods to leave");
  assert.equal(await codeOf(shop.me(who)), "NoProfile");
  assert.equal((await shop.orders.get({ id: order }, { as: who })).shipTo, null);
});

test("nobody else may ask for it", async () => {
  await using shop = await openShop();
  assert.equal(await codeOf(shop.rights("erase", { subject: "customer-1" }, customer(1))), "permission_denied");
});
