/**
 * How payments keeps its promise. The provider's ledger is the truth and the rows here are the shop's copy of it, so
 * each handler asks the provider first and writes second: a crash between the two is mended by the repeat, which gets
 * the provider's first answer under the same idempotency key. What the provider tells by itself may come before the
 * answer that it follows, twice, or never; each way of hearing of a charge leaves the same row.
 */
import { randomUUID } from "node:crypto";
import { type Db, Fault, reactions, secret, service } from "tenon";
import { standardWebhook } from "tenon/webhooks";
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
  // Without a default: whoever knows it can say that an order is paid.
  PAYMENTS_WEBHOOK_SECRET: secret(z.string().startsWith("whsec_")).describe("what the provider signs its webhooks with"),
  PAYMENTS_PROVIDER_TIMEOUT_MS: z.int().min(50).max(60_000).default(2_500).describe("how long to wait for one answer of the provider"),
});

const { on, webhook } = reactions(tables, settings);

/** A webhook of the provider, as far as it is used here. */
const Told = z.object({
  type: z.string(),
  data: z.object({ id: z.string(), reference: z.uuid(), amountCents: z.int(), reason: z.string().optional() }),
});
const About = payments.providerTold.data.shape.about;

export default service(payments, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  config: settings,
  handlers: {
    async charge({ input, read, db, fail, idempotencyKey, config, signal, remainingMs }) {
      const { orderId, ...money } = input;
      const known = await findPayment(read, orderId);
      if (known !== undefined && known.declineReason !== null) throw fail.Declined({ reason: known.declineReason });
      if (known !== undefined) return known;
      const charged = await providerOf(config, { signal, remainingMs, attempts: 1 }).charge({ reference: orderId, ...money }, idempotencyKey);
      if (charged.ok) return writePayment(db, orderId, charged.value);
      const reason = DeclineReason.safeParse(charged.error);
      if (!reason.success) throw new Fault("unavailable", "the payment provider refused the charge", { facts: { error: charged.error } });
      throw fail.Declined({ reason: reason.data });
    },

    async refund({ input, read, db, fail, idempotencyKey, config, signal, remainingMs }) {
      const payment = await findPayment(read, input.orderId);
      if (payment?.status !== "captured") throw fail.NotFound();
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

    async settle({ input, read, db, config, signal, remainingMs }) {
      const { orderId } = input;
      const known = await findPayment(read, orderId);
      if (known !== undefined && known.status !== "processing") return toEnd(known);
      const charge = await providerOf(config, { signal, remainingMs, attempts: 1 }).settle(orderId);
      const ended = charge === null ? await closePayment(db, orderId) : await writePayment(db, orderId, charge);
      return ended === undefined ? { orderId, isPaid: false, reason: "order_closed" } : toEnd(ended);
    },

    async reverse({ input, db, idempotencyKey, config, signal, remainingMs }) {
      const { orderId, reason } = input;
      const provider = providerOf(config, { signal, remainingMs, attempts: 1 });
      const charge = await provider.settle(orderId);
      if (charge === null) {
        await closePayment(db, orderId);
        return { refund: null, refundedCents: 0 };
      }
      const amountCents = charge.amountCents - charge.refundedCents;
      // The amount is part of the key: what is left may be less at the next attempt, and then it is another question.
      const refunded = amountCents === 0 ? undefined : await provider.refund(charge.id, { amountCents }, `${idempotencyKey}-${amountCents}`);
      if (refunded?.ok === false) throw new Fault("unavailable", "the payment provider refused to give back what is left", { facts: { error: refunded.error } });
      const payment = await writePayment(db, orderId, charge);
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
  triggers: [
    webhook(payments.providerTold, {
      path: "/webhooks/payments",
      verify: (config) => standardWebhook({ secret: config.PAYMENTS_WEBHOOK_SECRET }),
      read({ body }) {
        const { data, type } = Told.parse(body);
        const about = About.safeParse(type);
        if (!about.success) return undefined; // there is more that the provider tells, and that nobody here needs
        return { orderId: data.reference, about: about.data, providerReference: data.id, amountCents: data.amountCents, reason: data.reason ?? null };
      },
    }),
  ],
  subscriptions: [
    on(payments.providerTold, "hear-provider", async ({ data, db, emit }) => {
      const { about, amountCents, orderId, providerReference, reason } = data;
      if (about === "refund.settled" || about === "refund.failed") {
        const status = about === "refund.settled" ? "settled" : "failed";
        const told = await db.updateTable("refunds").set({ status }).where("providerReference", "=", providerReference).executeTakeFirst();
        // The answer to the refund is perhaps not written down yet: another attempt finds it.
        if (told.numUpdatedRows === 0n) throw new Fault("unavailable", "there is no such refund yet");
        return;
      }
      const before = await findPayment(db, orderId);
      if (before !== undefined && before.status !== "processing") return; // whoever waited for it has been told
      const status = about === "charge.captured" ? "captured" : "declined";
      const declineReason = status === "captured" ? null : DeclineReason.catch("card_declined").parse(reason);
      const ended = await writePayment(db, orderId, { id: providerReference, status, reference: orderId, amountCents, refundedCents: 0 }, declineReason);
      await emit(payments.chargeEnded, toEnd(ended));
    }),
  ],
});

function providerOf(config: z.output<typeof settings>, call: Pick<ProviderOptions, "signal" | "remainingMs" | "attempts">): ProviderClient {
  const { PAYMENTS_PROVIDER_URL: url, PAYMENTS_PROVIDER_KEY: key, PAYMENTS_PROVIDER_TIMEOUT_MS: timeoutMs } = config;
  return new ProviderClient({ url, key, timeoutMs, ...call });
}

function findPayment(db: PaymentsDb, orderId: string) {
  return db.selectFrom("payments").selectAll().where("orderId", "=", orderId).executeTakeFirst();
}

type PaymentRow = NonNullable<Awaited<ReturnType<typeof findPayment>>>;

function toEnd({ declineReason, orderId, status }: PaymentRow) {
  return { orderId, isPaid: status === "captured", reason: declineReason };
}

/** Writes down what the provider says of a charge, once: what ended stays as it ended, however late its answer comes. */
async function writePayment(db: PaymentsDb, orderId: string, charge: ProviderCharge, declineReason: PaymentRow["declineReason"] = null): Promise<PaymentRow> {
  const { amountCents, id: providerReference, refundedCents, status } = charge;
  await db
    .insertInto("payments")
    .values({ id: randomUUID(), orderId, status, declineReason, amountCents, refundedCents, currency, providerReference })
    .onConflict((clash) => clash.column("orderId").doUpdateSet({ status, declineReason }).where("payments.status", "=", "processing"))
    .execute();
  return db.selectFrom("payments").selectAll().where("orderId", "=", orderId).executeTakeFirstOrThrow();
}

/** The provider has ended a charge before it was through. There may be no row of it, and then none is needed. */
async function closePayment(db: PaymentsDb, orderId: string): Promise<PaymentRow | undefined> {
  await db.updateTable("payments").set({ status: "declined", declineReason: "order_closed" }).where("orderId", "=", orderId).where("status", "=", "processing").execute();
  return findPayment(db, orderId);
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
