/** Rows of the orders service. The SQL that builds them is in migrations/. */
import { table } from "tenon";
import * as z from "zod";
import { Currency } from "../money.ts";
import { FailureReason, OrderStatus, ShipTo } from "./contract.ts";

export const tables = {
  cartLines: table(
    { accountId: z.string(), sku: z.string(), quantity: z.int(), addedAt: z.iso.datetime(), touchedAt: z.iso.datetime() },
    { key: ["accountId", "sku"], defaults: ["addedAt", "touchedAt"], subject: "accountId", retention: "180d", retentionFrom: "touchedAt" },
  ),
  cartReminders: table(
    { accountId: z.string(), touchedAt: z.iso.datetime(), remindedAt: z.iso.datetime() },
    { key: ["accountId", "touchedAt"], defaults: ["remindedAt"], subject: "accountId", retention: "180d", retentionFrom: "remindedAt" },
  ),
  orders: table(
    {
      id: z.uuid(),
      accountId: z.string(),
      status: OrderStatus,
      currency: Currency,
      subtotalCents: z.int(),
      shippingCents: z.int(),
      totalCents: z.int(),
      refundedCents: z.int(),
      /** Null once its subject was erased. */
      shipTo: ShipTo.nullable(),
      failureReason: FailureReason.nullable(),
      trackingCode: z.string().nullable(),
      placedAt: z.iso.datetime(),
      updatedAt: z.iso.datetime(),
    },
    { key: "id", defaults: ["status", "refundedCents", "placedAt", "updatedAt"], subject: "accountId", retention: "10y", retentionFrom: "placedAt", erase: { keep: "HGB § 257 (1) 4: accounting records, 10 years" } },
  ),
  orderLines: table(
    { orderId: z.uuid(), position: z.int(), sku: z.string(), name: z.string(), unitPriceCents: z.int(), quantity: z.int(), totalCents: z.int() },
    { key: ["orderId", "position"], retention: "10y" },
  ),
  orderRefunds: table(
    { id: z.uuid(), orderId: z.uuid(), amountCents: z.int(), reason: z.string(), refundedBy: z.string(), refundedAt: z.iso.datetime() },
    { key: "id", defaults: ["refundedAt"], retention: "10y" },
  ),
};
