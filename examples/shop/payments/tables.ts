/** Rows of the payments service. The SQL that builds them is in migrations/. */
import { table } from "tenon";
import * as z from "zod";
import { Currency } from "../money.ts";

export const tables = {
  payments: table(
    {
      id: z.uuid(),
      orderId: z.uuid(),
      amountCents: z.int(),
      refundedCents: z.int(),
      currency: Currency,
      providerReference: z.string(),
      createdAt: z.iso.datetime(),
    },
    { key: "id", defaults: ["refundedCents", "createdAt"], retention: "10y" },
  ),
  refunds: table(
    { id: z.uuid(), paymentId: z.uuid(), amountCents: z.int(), reason: z.string(), providerReference: z.string(), createdAt: z.iso.datetime() },
    { key: "id", defaults: ["createdAt"], retention: "10y" },
  ),
};
