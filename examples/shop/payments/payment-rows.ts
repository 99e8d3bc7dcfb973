/** The shop's copy of what the provider knows: rows of payments and refunds, each written once however often it is heard of. */
import { randomUUID } from "node:crypto";
import type { Db } from "tenon";
import { currency } from "../money.ts";
import type { ProviderCharge } from "./provider-client.ts";
import type { tables } from "./tables.ts";

export type PaymentsDb = Db<typeof tables>;

export function findPayment(db: PaymentsDb, orderId: string) {
  return db.selectFrom("payments").selectAll().where("orderId", "=", orderId).executeTakeFirst();
}

export type PaymentRow = NonNullable<Awaited<ReturnType<typeof findPayment>>>;

export function toEnd({ declineReason, orderId, status }: PaymentRow) {
  return { orderId, isPaid: status === "captured", reason: declineReason };
}

/** Writes down what the provider says of a charge, once: what ended stays as it ended, however late its answer comes. */
export async function writePayment(db: PaymentsDb, orderId: string, charge: ProviderCharge, declineReason: PaymentRow["declineReason"] = null): Promise<PaymentRow> {
  const { amountCents, id: providerReference, refundedCents, status } = charge;
  await db
    .insertInto("payments")
    .values({ id: randomUUID(), orderId, status, declineReason, amountCents, refundedCents, currency, providerReference })
    .onConflict((clash) => clash.column("orderId").doUpdateSet({ status, declineReason }).where("payments.status", "=", "processing"))
    .execute();
  return db.selectFrom("payments").selectAll().where("orderId", "=", orderId).executeTakeFirstOrThrow();
}

/** The provider has ended a charge before it was through. There may be no row of it, and then none is needed. */
export async function closePayment(db: PaymentsDb, orderId: string): Promise<PaymentRow | undefined> {
  await db.updateTable("payments").set({ status: "declined", declineReason: "order_closed" }).where("orderId", "=", orderId).where("status", "=", "processing").execute();
  return findPayment(db, orderId);
}

export interface NewRefund {
  readonly paymentId: string;
  readonly amountCents: number;
  readonly reason: string;
  readonly providerReference: string;
}

/** Adds a refund to its payment, once: a repeat that outlived its stored answer meets its own row. */
export async function writeRefund(db: PaymentsDb, refund: NewRefund) {
  const written = await db
    .insertInto("refunds")
    .values({ id: randomUUID(), ...refund })
    .onConflict((clash) => clash.column("providerReference").doNothing())
    .returningAll()
    .executeTakeFirst();
  if (written === undefined) {
    const before = await db.selectFrom("refunds").selectAll().where("providerReference", "=", refund.providerReference).executeTakeFirstOrThrow();
    const payment = await db.selectFrom("payments").select("refundedCents").where("id", "=", refund.paymentId).executeTakeFirstOrThrow();
    return { refund: before, refundedCents: payment.refundedCents };
  }
  const { refundedCents } = await db
    .updateTable("payments")
    .set((row) => ({ refundedCents: row("refundedCents", "+", refund.amountCents) }))
    .where("id", "=", refund.paymentId)
    .returning("refundedCents")
    .executeTakeFirstOrThrow();
  return { refund: written, refundedCents };
}
