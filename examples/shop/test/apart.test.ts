/**
 * The shop's services in three processes on one PostgreSQL, without a changed line: a checkout goes from orders to
 * accounts, catalog, inventory and payments over mutual TLS, and events come back by the database.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { outcome } from "tenon";
import { client, type Client } from "tenon/client";
import { accounts } from "../accounts/contract.ts";
import { inventory } from "../inventory/contract.ts";
import { orders } from "../orders/contract.ts";
import { payments } from "../payments/contract.ts";
import { Provider } from "../provider/server.ts";
import { postTo } from "../provider/webhooks.ts";
import { databaseOn, ShopProcess, tokenOf } from "./shop-process.ts";

const server = process.env["TENON_TEST_DATABASE_URL"] || "postgres://postgres@127.0.0.1:5432/postgres";

/** Which services run together. */
const places = ["orders", "accounts,catalog,inventory", "payments"] as const;
type Place = (typeof places)[number];

async function answers(): Promise<boolean> {
  const { hostname, port } = new URL(server);
  return await new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port || 5432) }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const listening = createServer();
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  await new Promise((resolve) => listening.close(resolve));
  return port;
}

describe("the shop, apart", { skip: !(await answers()) && `no PostgreSQL answers at ${new URL(server).host}` }, () => {
  const shops = new Map<Place, ShopProcess>();
  const tokens = new Map<string, string>();
  const envs = new Map<Place, Readonly<Record<string, string>>>();
  let database: Awaited<ReturnType<typeof databaseOn>>;
  let directory: string;
  let provider: Provider;

  before(async () => {
    database = await databaseOn(server);
    directory = await mkdtemp(join(tmpdir(), "shop-apart-"));
    const secret = `whsec_${randomBytes(32).toString("base64")}`;
    provider = new Provider({ key: "sk_test", lateMs: 100, webhooks: { secret, deliver: (delivery) => postTo(`${shops.get("payments")?.url}/webhooks/payments`, delivery) } });
    const ports = new Map<Place, number>();
    for (const place of places) ports.set(place, await freePort());
    const common = {
      TENON_DIRECTORY: directory,
      DATABASE_URL: database.url,
      SERVICE_URLS: places.flatMap((place) => place.split(",").map((service) => `${service}=https://127.0.0.1:${ports.get(place)}`)).join(","),
      HOST: "127.0.0.1",
      LOG_LEVEL: "error",
    };
    const url = `http://127.0.0.1:${await provider.listen(0)}`;
    for (const place of places) {
      // What only payments needs to know is known to payments alone; the others have an address that leads nowhere.
      const own = place === "payments" ? { PAYMENTS_PROVIDER_URL: url, PAYMENTS_PROVIDER_KEY: "sk_test", PAYMENTS_WEBHOOK_SECRET: secret } : { PAYMENTS_PROVIDER_URL: "http://127.0.0.1:1" };
      envs.set(place, { ...common, ...own, SERVICES_ONLY: place, SERVICES_PORT: String(ports.get(place)) });
      await start(place);
    }
    for (const subject of ["alice", "bob"]) tokens.set(subject, await tokenOf(subject, { directory }));
    tokens.set("olga", await tokenOf("olga", { directory, role: "admin" }));
  });
  after(async () => {
    for (const shop of shops.values()) await shop.stop();
    await provider.close();
    await database[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  async function start(place: Place): Promise<void> {
    shops.set(place, await ShopProcess.start(envs.get(place) ?? {}));
  }
  function at(place: Place, subject: string): { readonly url: string; readonly token: () => string } {
    return { url: shops.get(place)?.url ?? "", token: () => tokens.get(subject) ?? "" };
  }
  const ordersAs = (subject: string): Client<typeof orders> => client(orders, at("orders", subject));

  async function ended(subject: string, id: string): Promise<string> {
    for (const untilMs = performance.now() + 20_000; performance.now() < untilMs; await pause(100)) {
      const { status } = await ordersAs(subject).get({ id });
      if (status !== "pending") return status;
    }
    return "pending";
  }

  test("a checkout ends paid: goods taken, money charged once, a receipt written", async () => {
    const own = ordersAs("alice");
    await own.addToCart({ sku: "SKU-0001", quantity: 2 });
    const stock = client(inventory, at("accounts,catalog,inventory", "olga"));
    const before = (await stock.get({ sku: "SKU-0001" })).available;
    const { id, totalCents } = await own.checkout({ card: "tok_visa" });
    assert.equal(await ended("alice", id), "paid");
    assert.equal((await stock.get({ sku: "SKU-0001" })).available, before - 2);
    assert.deepEqual(provider.ledger.charges.filter(({ reference }) => reference === id).map(({ amountCents }) => amountCents), [totalCents]);
    assert.equal((await client(payments, at("payments", "olga")).get({ orderId: id })).orderId, id);
    const receipts = client(accounts, at("accounts,catalog,inventory", "alice"));
    for (let i = 0; i < 100 && (await receipts.receipts({})).items.length === 0; i++) await pause(50);
    assert.deepEqual((await receipts.receipts({})).items.map(({ orderId }) => orderId), [id]);
  });

  test("a declared failure of another process is one of this contract", async () => {
    const own = ordersAs("bob");
    await own.addToCart({ sku: "SKU-0040", quantity: 1 }); // seeded sold out
    const tried = await outcome(own.checkout({ card: "tok_visa" }));
    assert.ok(!tried.ok && tried.fault.reason === "OutOfStock");
    assert.deepEqual(tried.fault.data, { sku: "SKU-0040", available: 0 });
    await own.removeFromCart({ sku: "SKU-0040" });
  });

  test("a process that dies is out of reach, and its work goes on when it is back", async () => {
    const own = ordersAs("bob");
    await own.addToCart({ sku: "SKU-0002", quantity: 1 });
    await shops.get("payments")?.kill();
    const { id } = await own.checkout({ card: "tok_visa" });
    await pause(500);
    assert.equal((await own.get({ id })).status, "pending", "the money waits, the order is kept");
    await start("payments");
    assert.equal(await ended("bob", id), "paid");
    assert.equal(provider.ledger.charges.filter(({ reference }) => reference === id).length, 1);
  });

  test("a process answers for its own services alone", async () => {
    const response = await fetch(`${shops.get("orders")?.url}/products`);
    assert.equal(response.status, 404);
  });
});
