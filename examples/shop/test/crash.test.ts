/**
 * The shop is killed in the middle of checkouts, again and again, while its provider keeps the books. In the end every
 * order that was answered is there, each has ended, and the books agree: paid and charged once, or not paid and nothing
 * kept. On the embedded database; with TENON_TEST_DATABASE_URL, on that server too.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { client, type Client } from "tenon/client";
import { accounts } from "../accounts/contract.ts";
import { inventory } from "../inventory/contract.ts";
import { orders } from "../orders/contract.ts";
import { Provider } from "../provider/server.ts";
import { postTo } from "../provider/webhooks.ts";
import { seededRandom } from "../seeds/random.ts";
import { databaseOn, ShopProcess, tokenOf } from "./shop-process.ts";

const server = process.env["TENON_TEST_DATABASE_URL"] ?? "";
const kills = 3;
const customers = ["alice", "bob", "customer-1", "customer-2", "customer-3", "customer-4"];
const cards = ["tok_visa", "tok_visa", "tok_visa", "tok_declined", "tok_late", "tok_late_declined"];
const skus = ["SKU-0001", "SKU-0002", "SKU-0003", "SKU-0004", "SKU-0005"];

const engines = [
  { name: "the embedded database", skip: false, open: () => Promise.resolve({ url: "", [Symbol.asyncDispose]: () => Promise.resolve() }) },
  { name: "PostgreSQL", skip: server === "" && "TENON_TEST_DATABASE_URL is not set", open: () => databaseOn(server) },
];

for (const engine of engines) {
  describe(`the shop, killed in the middle of checkouts, on ${engine.name}`, { skip: engine.skip }, () => {
    const random = seededRandom(5);
    const acknowledged = new Set<string>();
    const tokens = new Map<string, string>();
    let database: Awaited<ReturnType<typeof engine.open>>;
    let directory: string;
    let provider: Provider;
    let shop: ShopProcess;
    let env: Readonly<Record<string, string>>;

    before(async () => {
      database = await engine.open();
      directory = await mkdtemp(join(tmpdir(), "shop-"));
      const secret = `whsec_${randomBytes(32).toString("base64")}`;
      provider = new Provider({
        key: "sk_test",
        lateMs: 300,
        trouble: { failureRate: 0.1, lossRate: 0.1, webhooks: "twice" },
        webhooks: { secret, deliver: (delivery) => postTo(`${shop.url}/webhooks/payments`, delivery) },
      });
      env = {
        TENON_DIRECTORY: directory,
        DATABASE_URL: database.url,
        PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${await provider.listen(0)}`,
        PAYMENTS_PROVIDER_KEY: "sk_test",
        PAYMENTS_WEBHOOK_SECRET: secret,
        EVENTS_LEASE_MS: "1000", // so that what a dead process held is taken over soon
        LOG_LEVEL: "error",
      };
      await tokenOf("alice", { directory }); // makes the key that signs the others
      await Promise.all(customers.map(async (subject) => tokens.set(subject, await tokenOf(subject, { directory }))));
      tokens.set("olga", await tokenOf("olga", { directory, role: "admin" }));
    });
    after(async () => {
      await shop.stop();
      await provider.close();
      await database[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    });

    function as(subject: string): Client<typeof orders> {
      return client(orders, { url: shop.url, token: () => tokens.get(subject) ?? "" });
    }

    /** Buys one thing after another, and cancels now and then, until the shop is gone. */
    async function shopping(subject: string): Promise<void> {
      const own = as(subject);
      for (;;) {
        const card = cards[Math.floor(random() * cards.length)] ?? "tok_visa";
        await own.addToCart({ sku: skus[Math.floor(random() * skus.length)] ?? "SKU-0001" });
        const { id } = await own.checkout({ card });
        acknowledged.add(id);
        if (random() < 0.2) await own.cancel({ id });
      }
    }

    for (let kill = 1; kill <= kills; kill += 1) {
      test(`for the ${["first", "second", "third"][kill - 1]} time`, async () => {
        shop = await ShopProcess.start(env);
        const shoppers = customers.map((subject) => shopping(subject).catch(() => undefined)); // it ends with the shop
        await pause(500 + random() * 1_000);
        await shop.kill();
        await Promise.all(shoppers);
      });
    }

    test("has lost no order that it answered, and ends every one", async (t) => {
      shop = await ShopProcess.start(env);
      const untilMs = performance.now() + 45_000;
      const isOpen = async () => (await as("olga").adminList({ status: "pending", limit: 1 })).items.length > 0;
      while (await isOpen()) {
        assert.ok(performance.now() < untilMs, "there are pending orders still");
        await pause(100);
      }
      const all = await everyOrder();
      const known = new Set(all.map(({ id }) => id));
      assert.deepEqual([...acknowledged].filter((id) => !known.has(id)), []);
      t.diagnostic(`${all.length} orders, ${acknowledged.size} of them answered: ${["paid", "failed", "canceled"].map((status) => `${all.filter((each) => each.status === status).length} ${status}`).join(", ")}`);
      assert.ok(acknowledged.size > kills, "hardly anything was ordered");
    });

    test("agrees with its provider's books: charged once for what is paid, and nothing kept for the rest", async () => {
      const untilMs = performance.now() + 45_000; // what was canceled gives the money back by itself, in a while
      for (let wrong = await differences(); wrong.length > 0; wrong = await differences()) {
        assert.ok(performance.now() < untilMs, wrong.join("\n"));
        await pause(200);
      }
    });

    test("has written one receipt for each order that was paid", async () => {
      const all = await everyOrder();
      for (const subject of customers) {
        const { items } = await client(accounts, { url: shop.url, token: () => tokens.get(subject) ?? "" }).receipts({ limit: 100 });
        const ids = items.map(({ orderId }) => orderId);
        assert.equal(new Set(ids).size, ids.length);
        for (const { id } of all.filter(({ accountId, status }) => accountId === subject && status === "paid")) assert.ok(ids.includes(id), `${id} has no receipt`);
      }
    });

    test("holds exactly the goods of the orders that are paid", async () => {
      const all = await everyOrder();
      const stock = client(inventory, { url: shop.url, token: () => tokens.get("olga") ?? "" });
      for (const sku of skus) {
        const paid = all.filter(({ status }) => status === "paid").flatMap(({ lines }) => lines.filter((line) => line.sku === sku));
        assert.equal((await stock.get({ sku })).reserved, paid.reduce((sum, { quantity }) => sum + quantity, 0), sku);
      }
    });

    async function everyOrder() {
      const all = [];
      let cursor: string | undefined;
      do {
        const page = await as("olga").adminList({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
        all.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return all;
    }

    /** Where orders and the provider's books tell different stories. */
    async function differences(): Promise<readonly string[]> {
      const all = await everyOrder();
      const wrong = all.flatMap(({ id, status, totalCents }) => {
        const charges = provider.ledger.charges.filter(({ reference }) => reference === id);
        const keptCents = charges.reduce((sum, { amountCents, refundedCents }) => sum + amountCents - refundedCents, 0);
        const expectedCents = status === "paid" ? totalCents : 0;
        return charges.length <= 1 && keptCents === expectedCents ? [] : [`${id} is ${status}, and ${charges.length} charges kept ${keptCents} of ${totalCents}`];
      });
      const known = new Set(all.map(({ id }) => id));
      return [...wrong, ...provider.ledger.charges.filter(({ reference }) => !known.has(reference)).map(({ reference }) => `${reference} was charged, and there is no such order`)];
    }
  });
}
