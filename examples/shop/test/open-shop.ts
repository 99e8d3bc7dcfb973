/** The orders service with everything it stands on: the other services, seeded, and a real payment provider over HTTP. */
import { test as open } from "tenon/test";
import accounts from "../accounts/service.ts";
import catalog from "../catalog/service.ts";
import inventory from "../inventory/service.ts";
import orders from "../orders/service.ts";
import payments from "../payments/service.ts";
import { Provider } from "../provider/server.ts";

export const visa = "tok_visa";
export const admin = { subject: "olga", roles: ["admin"] };

/** A seeded customer, who has an address. Each test takes one of its own, so that carts do not meet. */
export function customer(number: number) {
  return { subject: `customer-${number}` };
}

export interface OpenShopOptions {
  /** How long payments waits for the provider, in ms. */
  readonly providerTimeoutMs?: number;
}

export async function openShop({ providerTimeoutMs = 300 }: OpenShopOptions = {}) {
  const key = "sk_test";
  const provider = new Provider({ key });
  const port = await provider.listen(0);
  const shop = open(orders, {
    with: [accounts, catalog, inventory, payments],
    env: { PAYMENTS_PROVIDER_URL: `http://127.0.0.1:${port}`, PAYMENTS_PROVIDER_KEY: key, PAYMENTS_PROVIDER_TIMEOUT_MS: String(providerTimeoutMs) },
    seed: "yes",
    as: "anonymous",
  });
  return {
    orders: shop,
    provider,
    /** How many of a product can be ordered, as a passer-by's cart shows it. */
    async available(sku: string): Promise<number> {
      const as = { subject: "passer-by" };
      await shop.addToCart({ sku }, { as });
      const cart = await shop.cart(undefined, { as });
      await shop.removeFromCart({ sku }, { as });
      return cart.lines.find((line) => line.sku === sku)?.available ?? 0;
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
