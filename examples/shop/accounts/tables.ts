/** Rows of the accounts service. The SQL that builds them is in migrations/. */
import { personal, table } from "tenon";
import * as z from "zod";
import { AccountStatus, Receipt } from "./contract.ts";

export const tables = {
  accounts: table(
    {
      id: z.string(),
      name: personal(z.string()),
      email: personal(z.email()),
      status: AccountStatus,
      suspendedReason: z.string().nullable(),
      createdAt: z.iso.datetime(),
    },
    // Found by e-mail however it is written: one person, one account.
    { key: "id", defaults: ["status", "createdAt"], subject: "id", blindIndex: { email: "ignore-case" } },
  ),
  addresses: table(
    {
      id: z.uuid(),
      accountId: z.string(),
      recipient: personal(z.string()),
      street: personal(z.string()),
      postalCode: personal(z.string()),
      city: personal(z.string()),
      country: z.string(),
      createdAt: z.iso.datetime(),
    },
    { key: "id", defaults: ["createdAt"], subject: "accountId" },
  ),
  receipts: table(
    { ...Receipt.shape, accountId: z.string() },
    { key: "orderId", subject: "accountId", retention: "10y", retentionFrom: "paidAt", erase: { keep: "HGB § 257 (1) 4: accounting records, 10 years" } },
  ),
};
