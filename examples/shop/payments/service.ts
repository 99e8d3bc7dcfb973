/**
 * How payments keeps its promise. The provider's ledger is the truth and the rows here are the shop's copy of it, so
 * each handler asks the provider first and writes second: a crash between the two is mended by the repeat, which gets
 * the provider's first answer under the same idempotency key.
 */
import { randomUUID } from "node:crypto";
import { type Db, Fault, secret, service } from "tenon";
import * as z from "zod";
import { currency } from "../money.ts";
import { DeclineReason, payments } from "./contract.ts";
import { ProviderClient, type ProviderCharge, type ProviderOptions } from "./provider-client.ts";
import { tables } from "./tables.ts";

type PaymentsDb = Db<typeof tables>;

/** Refunds are asked for by a person, who waits. More attempts turn a short breakdown of the provider into a longer one. */
const refundAttempts = 3;

const settings = z.object({
  PAYMENTS_PROVIDER_URL: z.url().default("http://127.0.0.1:3001").describe("where the payment provider answers"),
  PAYMENTS_PROVIDER_KEY: secret(z.string().min(1).default("sk_development")).describe("what the provider knows this shop by"),
  PAYMENTS_PROVIDER_TIMEOUT_MS: z.int().min(50).max(60_000).default(2_500).describe("how long to wait for one answer of the provider"),
});

export default service(payments, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  config: settings,
  handlers: {
    async charge({ input, read, db, fail, idempotencyKey, config, signal, remainingMs }) {
      const { orderId, ...money } = input;
      const paid = await findPayment(read, orderId);
      if (paid !== undefined) return paid;
      const charged = await providerOf(config, { signal, remainingMs, attempts: 1 }).charge({ reference: orderId, ...money }, idempotencyKey);
      if (charged.ok) return writePayment(db, orderId, charged.value);
      const reason = DeclineReason.safeParse(charged.error);
      if (!reason.success) throw new Fault("unavailable", "the payment provider refused the charge", { facts: { error: charged.error } });
      throw fail.Declined({ reason: reason.data });
    },

    async refund({ input, read, db, fail, idempotencyKey, config, signal, remainingMs }) {
      const payment = await findPayment(read, input.orderId);
      if (payment === undefined) throw fail.NotFound();
      const remainingCents = payment.amountCents - payment.refundedCents;
      const amountCents = input.amountCents ?? remainingCents;
      if (amountCents === 0) return { refund: null, refundedCents: payment.refundedCents };
      // Not checked here: of two refunds at once, only the provider knows which one was still possible.
      const refunded = await providerOf(config, { signal, remainingMs, attempts: refundAttempts }).refund(payment.providerReference, { amountCents }, idempotencyKey);
      if (!refunded.ok) {
        if (refunded.error !== "exceeds_charge") throw new Fault("unavailable", "the payment provider refused the refund", { facts: { error: refunded.error } });
        throw fail.ExceedsPayment({ remainingCents: refunded.remainingCents });
      }
      return writeRefund(db, { paymentId: payment.id, amountCents, reason: input.reason, providerReference: refunded.value.id });
    },

    async reverse({ input, read, db, idempotencyKey, config, signal, remainingMs }) {
      const { orderId, reason } = input;
      const provider = providerOf(config, { signal, remainingMs, attempts: 1 });
      const charge = await provider.settle(orderId);
      if (charge === null) return { refund: null, refundedCents: 0 };
      const amountCents = charge.amountCents - charge.refundedCents;
      // The amount is part of the key: what is left may be less at the next attempt, and then it is another question.
      const refunded = amountCents === 0 ? undefined : await provider.refund(charge.id, { amountCents }, `${idempotencyKey}-${amountCents}`);
      if (refunded?.ok === false) throw new Fault("unavailable", "the payment provider refused to give back what is left", { facts: { error: refunded.error } });
      const payment = (await findPayment(read, orderId)) ?? (await writePayment(db, orderId, charge));
      if (refunded === undefined) return { refund: null, refundedCents: payment.refundedCents };
      return writeRefund(db, { paymentId: payment.id, amountCents, reason, providerReference: refunded.value.id });
    },

    async get({ input, db, fail }) {
      const payment = await findPayment(db, input.orderId);
      if (payment === undefined) throw fail.NotFound();
      const refunds = await db.selectFrom("refunds").selectAll().where("paymentId", "=", payment.id).orderBy("createdAt").orderBy("id").execute();
      return { ...payment, refunds };
    },
  },
});

function providerOf(config: z.output<typeof settings>, call: Pick<ProviderOptions, "signal" | "remainingMs" | "attempts">): ProviderClient {
  const { PAYMENTS_PROVIDER_URL: url, PAYMENTS_PROVIDER_KEY: key, PAYMENTS_PROVIDER_TIMEOUT_MS: timeoutMs } = config;
  return new ProviderClient({ url, key, timeoutMs, ...call });
}

function findPayment(db: PaymentsDb, orderId: string) {
  return db.selectFrom("payments").selectAll().where("orderId", "=", orderId).executeTakeFirst();
}

/** Writes down what the provider says, once: somebody may have settled the order meanwhile. */
async function writePayment(db: PaymentsDb, orderId: string, charge: ProviderCharge) {
  await db
    .insertInto("payments")
    .values({ id: randomUUID(), orderId, amountCents: charge.amountCents, refundedCents: charge.refundedCents, currency, providerReference: charge.id })
    .onConflict((clash) => clash.column("orderId").doNothing())
    .execute();
  return db.selectFrom("payments").selectAll().where("orderId", "=", orderId).executeTakeFirstOrThrow();
}

interface NewRefund {
  readonly paymentId: string;
  readonly amountCents: number;
  readonly reason: string;
  readonly providerReference: string;
}

/** Adds a refund to its payment, once: a repeat that outlived its stored answer meets its own row. */
async function writeRefund(db: PaymentsDb, refund: NewRefund) {
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
