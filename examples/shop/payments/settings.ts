/** The settings of payments, and the provider that they name. */
import { secret } from "tenon";
import * as z from "zod";
import { ProviderClient, type ProviderOptions } from "./provider-client.ts";

export const settings = z.object({
  PAYMENTS_PROVIDER_URL: z.url().default("http://127.0.0.1:3001").describe("where the payment provider answers"),
  PAYMENTS_PROVIDER_KEY: secret(z.string().min(1).default("sk_development")).describe("what the provider knows this shop by"),
  // Without a default: whoever knows it can say that an order is paid.
  PAYMENTS_WEBHOOK_SECRET: secret(z.string().startsWith("whsec_")).describe("what the provider signs its webhooks with"),
  PAYMENTS_PROVIDER_TIMEOUT_MS: z.int().min(50).max(60_000).default(2_500).describe("how long to wait for one answer of the provider"),
});

export function providerOf(config: z.output<typeof settings>, call: Pick<ProviderOptions, "dependency" | "signal" | "remainingMs" | "attempts">): ProviderClient {
  const { PAYMENTS_PROVIDER_URL: url, PAYMENTS_PROVIDER_KEY: key, PAYMENTS_PROVIDER_TIMEOUT_MS: timeoutMs } = config;
  return new ProviderClient({ url, key, timeoutMs, ...call });
}
