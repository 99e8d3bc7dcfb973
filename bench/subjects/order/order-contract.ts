/** The order as a Tenon contract. It says what `order-schema.ts` says, and the two change together. */
import { command, contract, personal, scope } from "tenon";
import * as z from "zod";

const money = z.int().min(0).max(100_000_000);
const shortText = z.string().min(1).max(200);

const newOrderFields = {
  customerId: z.uuid(),
  email: personal(z.email().max(254)),
  currency: z.enum(["EUR", "USD", "GBP"]),
  lines: z
    .array(
      z.object({
        sku: z.string().min(1).max(40),
        name: shortText,
        quantity: z.int().min(1).max(1_000),
        unitCents: money,
        giftWrap: z.boolean(),
      }),
    )
    .min(1)
    .max(100),
  shippingAddress: z.object({
    name: personal(shortText),
    street: personal(shortText),
    city: shortText,
    postalCode: z.string().min(2).max(12),
    country: z.string().length(2),
  }),
  billingSameAsShipping: z.boolean(),
  note: z.string().max(1_000),
  placedAt: z.iso.datetime({ offset: true }),
  priority: z.enum(["standard", "express"]),
  channel: z.enum(["web", "app", "store"]),
  couponCode: z.string().max(40),
  tags: z.array(z.string().max(40)).max(20),
};

const placing = {
  http: { route: "POST /orders", status: 201 },
  input: z.object(newOrderFields),
  output: z.object({ id: z.uuid(), status: z.enum(["placed"]), totalCents: money, ...newOrderFields }),
} as const;

export const orders = contract("orders", {
  place: command({
    ...placing,
    access: scope("orders:write"),
    rateLimit: { calls: 1_000_000_000, per: "1m" }, // so high that nothing is refused
  }),
});

/** The same for anybody, without a limit. */
export const openOrders = contract("orders", { place: command({ ...placing, access: "public" }) });
