/**
 * How payments keeps its promise. The provider's ledger is the truth and the rows here are the shop's copy of it, so
 * each handler asks the provider first and writes second: a crash between the two is mended by the repeat, which gets
 * the provider's first answer under the same idempotency key. What the provider tells by itself may come before the
 * answer that it follows, twice, or never; each way of hearing of a charge leaves the same row.
 */
import { Fault, reactions, service } from "tenon";
import { standardWebhook } from "tenon/webhooks";
import * as z from "zod";
import { DeclineReason, payments } from "./contract.ts";
import { closePayment, findPayment, toEnd, writePayment, writeRefund } from "./payment-rows.ts";
import { providerInTrouble } from "./runbook.ts";
import { providerOf, settings } from "./settings.ts";
import { tables } from "./tables.ts";

/** Refunds are asked for by a person, who waits. More attempts turn a short breakdown of the provider into a longer one. */
const refundAttempts = 3;

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
    async charge({ input, read, db, fail, idempotencyKey, config, dependency, signal, remainingMs }) {
      const { orderId, ...money } = input;
      const known = await findPayment(read, orderId);
      if (known !== undefined && known.declineReason !== null) throw fail.Declined({ reason: known.declineReason });
      if (known !== undefined) return known;
      const charged = await providerOf(config, { dependency, signal, remainingMs, attempts: 1 }).charge({ reference: orderId, ...money }, idempotencyKey);
      if (charged.ok) return writePayment(db, orderId, charged.value);
      const reason = DeclineReason.safeParse(charged.error);
      if (!reason.success) throw new Fault("unavailable", "the payment provider refused the charge", { facts: { error: charged.error } });
      throw fail.Declined({ reason: reason.data });
    },

    async refund({ input, read, db, fail, idempotencyKey, config, dependency, signal, remainingMs }) {
      const payment = await findPayment(read, input.orderId);
      if (payment?.status !== "captured") throw fail.NotFound();
      const remainingCents = payment.amountCents - payment.refundedCents;
      const amountCents = input.amountCents ?? remainingCents;
      if (amountCents === 0) return { refund: null, refundedCents: payment.refundedCents };
      // Not checked here: of two refunds at once, only the provider knows which one was still possible.
      const refunded = await providerOf(config, { dependency, signal, remainingMs, attempts: refundAttempts }).refund(payment.providerReference, { amountCents }, idempotencyKey);
      if (!refunded.ok) {
        if (refunded.error !== "exceeds_charge") throw new Fault("unavailable", "the payment provider refused the refund", { facts: { error: refunded.error } });
        throw fail.ExceedsPayment({ remainingCents: refunded.remainingCents });
      }
      return writeRefund(db, { paymentId: payment.id, amountCents, reason: input.reason, providerReference: refunded.value.id });
    },

    async settle({ input, read, db, config, dependency, signal, remainingMs }) {
      const { orderId } = input;
      const known = await findPayment(read, orderId);
      if (known !== undefined && known.status !== "processing") return toEnd(known);
      const charge = await providerOf(config, { dependency, signal, remainingMs, attempts: 1 }).settle(orderId);
      const ended = charge === null ? await closePayment(db, orderId) : await writePayment(db, orderId, charge);
      return ended === undefined ? { orderId, isPaid: false, reason: "order_closed" } : toEnd(ended);
    },

    async reverse({ input, db, idempotencyKey, config, dependency, signal, remainingMs }) {
      const { orderId, reason } = input;
      const provider = providerOf(config, { dependency, signal, remainingMs, attempts: 1 });
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
    on(payments.providerTold, "hear-provider", { objective: { lag: "30s" } }, async ({ data, db, emit }) => {
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
  runbooks: [providerInTrouble],
});
