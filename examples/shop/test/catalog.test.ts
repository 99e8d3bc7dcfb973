/** The catalog: finding products, reading them all, and changing them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { test as open } from "tenon/test";
import type * as z from "zod";
import type { Sort } from "../catalog/contract.ts";
import catalog from "../catalog/service.ts";
import { codeOf } from "./fault-code.ts";

const products = 1_200;
const admin = { subject: "olga", roles: ["admin"] };
const editor = { subject: "import", scopes: ["catalog:write"] };

function open_() {
  return open(catalog, { seed: "yes", as: "anonymous" });
}

describe("the catalog", () => {
  let shop: ReturnType<typeof open_>;
  before(async () => {
    shop = open_();
    await shop.categories();
  });
  after(() => shop[Symbol.asyncDispose]());

  type Wanted = NonNullable<Parameters<typeof shop.search>[0]>;

  /** Every page of a list. */
  async function all(wanted: Wanted) {
    const items = [];
    let cursor: string | undefined;
    do {
      const page = await shop.search({ ...wanted, limit: 100, ...(cursor === undefined ? {} : { cursor }) });
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return items;
  }

  test("has twelve hundred products in twelve categories", async () => {
    const { items } = await shop.categories();
    assert.equal(items.length, 12);
    assert.equal(items.reduce((sum, category) => sum + category.products, 0), products);
  });

  test("finds what was asked for: all the words, in any form, the last one unfinished", async () => {
    const teapots = await all({ search: "teapot" });
    assert.equal(teapots.length, 10);
    assert.ok(teapots.every((product) => product.name.endsWith("Teapot")));
    for (const search of ["teapots", "TEAP", "halden teapot", "teapot leaves"]) {
      const found = await all({ search });
      assert.ok(found.length > 0 && found.every((product) => product.name.includes("Teapot")), search);
    }
    assert.deepEqual(await all({ search: "teapot chainsaw" }), []);
  });

  test("puts a word in the name before the same word in a description", async () => {
    const { items } = await shop.search({ search: "kettle", limit: 10 });
    assert.ok(items[0]?.name.includes("Kettle"));
  });

  test("takes any text for a search", async () => {
    for (const search of ["'; drop table products; --", "a & | ! ( ) <-> :*", "%_\\", "\u0000", "🫖", "the", "é".repeat(200), "  "]) {
      assert.equal(await codeOf(shop.search({ search })), "none", JSON.stringify(search));
    }
  });

  test("narrows by category and by price", async () => {
    const found = await all({ category: "coffee-tea", minCents: 2_000, maxCents: 3_000 });
    assert.ok(found.length > 3 && found.length < 100);
    assert.ok(found.every(({ category, priceCents }) => category === "coffee-tea" && priceCents >= 2_000 && priceCents <= 3_000));
    assert.deepEqual(await all({ category: "no-such" }), []);
  });

  test("is read page by page in every order, each product once", async () => {
    const orders: Record<z.output<typeof Sort>, (a: { name: string; priceCents: number; createdAt: string }) => string | number> = {
      relevance: () => 0,
      name: () => 0, // in the order of the database's collation, which is not JavaScript's
      price: (product) => product.priceCents,
      "-price": (product) => -product.priceCents,
      newest: (product) => -Date.parse(product.createdAt),
    };
    for (const [sort, keyOf] of Object.entries(orders)) {
      const found = await all({ sort: sort as z.output<typeof Sort> });
      assert.equal(new Set(found.map((product) => product.sku)).size, products, sort);
      assert.equal(found.length, products, sort);
      const keys = found.map(keyOf);
      assert.deepEqual(keys, keys.toSorted((a, b) => Number(a) - Number(b)), sort);
    }
    const searched = await all({ search: "everyday" });
    assert.equal(new Set(searched.map((product) => product.sku)).size, searched.length);
    assert.ok(searched.length > 100);
  });

  test("refuses a cursor that it did not give out", async () => {
    const { nextCursor } = await shop.search({ sort: "price", limit: 1 });
    assert.ok(nextCursor !== null);
    assert.equal(await codeOf(shop.search({ sort: "price", cursor: nextCursor })), "none");
    for (const cursor of ["x", "bm9wZQ", btoa('["a"]'), btoa('["\\u0000","SKU-0001"]'), btoa('[1e99,"SKU-0001"]'), btoa("null")]) {
      assert.equal(await codeOf(shop.search({ sort: "price", cursor })), "InvalidCursor", cursor);
    }
    assert.equal(await codeOf(shop.search({ sort: "newest", cursor: nextCursor })), "InvalidCursor");
  });

  test("is changed by editors and nobody else", async () => {
    const product = { sku: "NEW-1", name: "New Thing", description: "Quite new.", category: "kitchen", priceCents: 1_990 };
    for (const as of ["anonymous", { subject: "alice" }, { subject: "import", scopes: ["catalog:read"] }] as const) {
      const expected = as === "anonymous" ? "unauthenticated" : "permission_denied";
      assert.equal(await codeOf(shop.create(product, { as })), expected);
      assert.equal(await codeOf(shop.update({ sku: "SKU-0001", priceCents: 1 }, { as })), expected);
      assert.equal(await codeOf(shop.archive({ sku: "SKU-0001" }, { as })), expected);
    }
    assert.equal((await shop.create(product, { as: editor })).status, "active");
    assert.equal(await codeOf(shop.create(product, { as: admin })), "SkuTaken");
    assert.equal(await codeOf(shop.create({ ...product, sku: "NEW-2", category: "no-such" }, { as: admin })), "UnknownCategory");

    const changed = await shop.update({ sku: "NEW-1", priceCents: 2_490 }, { as: editor });
    assert.deepEqual([changed.priceCents, changed.name], [2_490, "New Thing"]);
    assert.equal((await shop.archive({ sku: "NEW-1" }, { as: editor })).status, "archived");
    assert.deepEqual(await all({ search: "quite new" }), []);
    assert.equal((await shop.get({ sku: "NEW-1" })).status, "archived");
    assert.equal(await codeOf(shop.get({ sku: "NO-SUCH" })), "NotFound");
  });

  test("is exported whole, one product after another", async () => {
    const skus: string[] = [];
    for await (const product of await shop.exportProducts(undefined, { as: { subject: "feed", scopes: ["catalog:read"] } })) skus.push(product.sku);
    assert.equal(skus.filter((sku) => sku.startsWith("SKU-")).length, products);
    assert.deepEqual(skus, skus.toSorted());
    assert.equal(await codeOf(shop.exportProducts(undefined, { as: { subject: "alice" } })), "permission_denied");
  });

  test("is quoted to the orders service alone", async () => {
    assert.equal(await codeOf(shop.quote({ skus: ["SKU-0001"] }, { as: admin })), "permission_denied");
    const { items } = await shop.quote({ skus: ["SKU-0002", "NO-SUCH"] }, { from: "orders" });
    assert.deepEqual(items.map((item) => item.sku), ["SKU-0002"]);
  });
});
