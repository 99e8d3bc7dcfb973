/** The orders service with everything it stands on: the other services, seeded, and a real payment provider over HTTP. */
import type { Operation } from "tenon";
import { advance, call, fire, post, runStep, settled, test as open, type TestStepOptions, type TestStepOutcome } from "tenon/test";
import { inventory as inventoryContract } from "../inventory/contract.ts";
import type { Trouble } from "../provider/server.ts";
import { accounts as accountsContract } from "../accounts/contract.ts";
import accounts from "../accounts/service.ts";
import app from "../app.ts";
import { catalog as catalogContract } from "../catalog/contract.ts";
import catalog from "../catalog/service.ts";
import inventory from "../inventory/service.ts";
import orders from "../orders/service.ts";
import { payments as paymentsContract } from "../payments/contract.ts";
import payments from "../payments/service.ts";
import { noTrouble, Provider } from "../provider/server.ts";

export const visa = "tok_visa";
export const admin = { subject: "olga", roles: ["admin"] };
export const privacy = { subject: "petra", roles: ["privacy"] };
/** What `subjectRights` of the app adds. */
const rights = app.services.find(({ name }) => name === "subjects")?.contract as unknown as Readonly<Record<string, Operation>>;

/** A seeded customer, who has an address. Each test takes one of its own, so that carts do not meet. */
export function customer(number: number) {
  return { subject: `customer-${number}` };
}

export interface OpenShopOptions {
  /** How long payments waits for the provider, in ms. */
  readonly providerTimeoutMs?: number;
}

export async function openShop({ providerTimeoutMs = 1_000 }: OpenShopOptions = {}) {
  const key = "sk_test";
  const secret = "whsec_dGhlLXNlY3JldC1vZi10aGUtdGVzdHMtYWxvbmU=";
  const told: Promise<number>[] = [];
  const provider = new Provider({
    key,
    lateMs: 3_600_000, // until `hurry`
    // Signed anew, by the clock of the test, which may be ahead.
    webhooks: { secret, deliver: ({ body, id }) => remember(post(shop, "/webhooks/payments", { secret, id, body }).then(({ status }) => status)) },
  });
  function remember(delivered: Promise<number>): Promise<number> {
    told.push(delivered);
    return delivered;
  }
  const port = await provider.listen(0);
  const shop = open(orders, {
    with: [accounts, catalog, inventory, payments],
    env: { PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${port}`, PAYMENTS_PROVIDER_KEY: key, PAYMENTS_WEBHOOK_SECRET: secret, PAYMENTS_PROVIDER_TIMEOUT_MS: String(providerTimeoutMs) },
    seed: "yes",
    as: "anonymous",
    ...(app.subjectRights === undefined ? {} : { subjectRights: app.subjectRights }),
  });
  return {
    orders: shop,
    provider,
    /** How many of a product can be ordered. */
    async available(sku: string): Promise<number> {
      const { items } = await call(shop, inventoryContract.availability, { sku: [sku] });
      return items[0]?.available ?? 0;
    },
    /** As the shop's own people see it. */
    async stock(sku: string): Promise<{ readonly available: number; readonly reserved: number }> {
      const { available, reserved } = await call(shop, inventoryContract.get, { sku }, { as: admin });
      return { available, reserved };
    },
    async fillCart(as: { readonly subject: string }, goods: Readonly<Record<string, number>>): Promise<void> {
      for (const [sku, quantity] of Object.entries(goods)) await shop.addToCart({ sku, quantity }, { as });
    },
    /** Orders what is given, and waits until nothing happens any more. */
    async buy(as: { readonly subject: string }, goods: Readonly<Record<string, number>>, card = visa) {
      for (const [sku, quantity] of Object.entries(goods)) await shop.addToCart({ sku, quantity }, { as });
      const { id } = await shop.checkout({ card }, { as });
      await settled(shop);
      return shop.get({ id }, { as });
    },
    /** An operation of the rights of persons, asked for by who may. */
    rights: <T>(name: "export" | "erase" | "request", input: object, as: { readonly subject: string } = privacy): Promise<T> => call(shop, rights[name] as Operation, input as never, { as }) as unknown as Promise<T>,
    me: (as: { readonly subject: string }) => call(shop, accountsContract.me, undefined, { as }),
    /** What a reaction of the services beside it left behind. */
    async receiptsOf(as: { readonly subject: string }) {
      const { items } = await call(shop, accountsContract.receipts, {}, { as });
      return items;
    },
    async isSoldOut(sku: string): Promise<boolean> {
      return (await call(shop, catalogContract.get, { sku })).isSoldOut;
    },
    fire: (schedule: string, scheduledAt?: string) => fire(shop, schedule, scheduledAt === undefined ? {} : { scheduledAt }),
    /** What takes the provider a while is done now, and it tells of it. @returns how the shop answered. */
    async told(): Promise<readonly number[]> {
      provider.hurry();
      const answers = await Promise.all(told.splice(0));
      await settled(shop);
      return answers;
    },
    /** The payment of an order, as the shop's own people see it. */
    payment: (orderId: string) => call(shop, paymentsContract.get, { orderId }, { as: admin }),
    /** A step of the runbook of payments. */
    step: (name: string, options: Pick<TestStepOptions, "as" | "input"> = {}): Promise<TestStepOutcome> => runStep(shop, name, { ...options, service: paymentsContract }),
    settled: () => settled(shop),
    advance: (by: `${number}${"s" | "m" | "h" | "d"}`) => advance(shop, by),
    setTrouble(trouble: Partial<Trouble>): void {
      provider.trouble = { ...noTrouble, ...trouble };
    },
    /** What the provider charged for an order. */
    chargesOf(orderId: string) {
      return provider.ledger.charges.filter((charge) => charge.reference === orderId);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await shop[Symbol.asyncDispose]();
      await provider.close();
    },
  };
}
