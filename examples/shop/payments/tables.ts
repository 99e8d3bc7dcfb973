/** Rows of the payments service. The SQL that builds them is in migrations/. */
import { table } from "tenon";
import * as z from "zod";
import { Currency } from "../money.ts";
import { DeclineReason, PaymentStatus, RefundStatus } from "./contract.ts";

export const tables = {
  payments: table(
    {
      id: z.uuid(),
      orderId: z.uuid(),
      status: PaymentStatus,
      declineReason: DeclineReason.nullable(),
      amountCents: z.int(),
      refundedCents: z.int(),
      currency: Currency,
      providerReference: z.string(),
      createdAt: z.iso.datetime(),
    },
    { key: "id", defaults: ["refundedCents", "createdAt"], retention: "10y" },
  ),
  refunds: table(
    { id: z.uuid(), paymentId: z.uuid(), status: RefundStatus, amountCents: z.int(), reason: z.string(), providerReference: z.string(), createdAt: z.iso.datetime() },
    { key: "id", defaults: ["status", "createdAt"], retention: "10y" },
  ),
};
