/**
 * Payments: taking money for an order, and giving it back. The shop never sees a card: the customer's browser gets a
 * token from the payment provider, and the provider is the only one who knows what stands behind it.
 *
 *      processing ─► captured      a charge is captured at once, or the provider takes its time and tells by a webhook
 *          └──────► declined
 *
 * One order is charged at most once, and a charge can always be taken back, even when the provider's answer to it was
 * lost: see `reverse`.
 */
import { calledBy, command, contract, event, query, role, secret } from "tenon";
import * as z from "zod";
import { Cents, Currency, PositiveCents } from "../money.ts";

/** What a customer's card is to the shop. */
export const CardToken = secret(z.string().regex(/^tok_[a-z0-9_]{1,60}$/));

export const DeclineReason = z.enum(["card_declined", "insufficient_funds", "order_closed"]);

export const PaymentStatus = z.enum(["processing", "captured", "declined"]);
export const RefundStatus = z.enum(["pending", "settled", "failed"]);

export const Payment = z.object({
  id: z.uuid(),
  orderId: z.uuid(),
  status: PaymentStatus,
  amountCents: PositiveCents,
  refundedCents: Cents,
  currency: Currency,
  /** The provider's own name for the charge, for whoever has to ask them. */
  providerReference: z.string(),
  createdAt: z.iso.datetime(),
});

const Refund = z.object({ id: z.uuid(), status: RefundStatus, amountCents: PositiveCents, reason: z.string(), providerReference: z.string(), createdAt: z.iso.datetime() });

const ByOrder = z.object({ orderId: z.uuid() });
/** How a charge ended. */
const ChargeEnd = z.object({ orderId: z.uuid(), isPaid: z.boolean(), reason: DeclineReason.nullable() });
const notFound = { status: 404, message: "nothing was paid for this order" } as const;

export const payments = contract(
  "payments",
  {
    charge: command({
      summary: "Take the money for an order",
      description: "A payment that is still `processing` ends later: wait for `chargeEnded`. `unavailable` or `deadline_exceeded` mean that it is not known whether the money moved: repeat it under the same idempotency key, or reverse it.",
      access: calledBy("orders"),
      input: ByOrder.extend({ amountCents: PositiveCents, currency: Currency, card: CardToken }),
      output: Payment,
      errors: {
        Declined: { status: 402, data: z.object({ reason: DeclineReason }) },
      },
      deadline: "5s",
      objective: { availability: 99.5, latency: { p95: "1s" } },
    }),
    refund: command({
      summary: "Give money back, a part or all that is left",
      access: calledBy("orders"),
      input: ByOrder.extend({
        /** Left out: all that has not been given back. Then it is no mistake when nothing is left. */
        amountCents: PositiveCents.optional(),
        reason: z.string().min(1).max(300),
      }),
      output: z.object({ refund: Refund.nullable(), refundedCents: Cents }),
      errors: { NotFound: notFound, ExceedsPayment: { status: 409, message: "more than is left of the payment", data: z.object({ remainingCents: Cents }) } },
      deadline: "5s",
    }),
    settle: command({
      summary: "Find out how the charge of an order ended, and end it where it has not",
      description: "For whoever has waited long enough for `chargeEnded`. After an answer without a payment the provider refuses every later charge for the order.",
      access: calledBy("orders"),
      input: ByOrder,
      output: ChargeEnd,
      deadline: "5s",
    }),
    reverse: command({
      summary: "Give back whatever was taken for an order, and let nothing be taken later",
      description: "Right also where nobody knows whether the order was charged: afterwards the provider refuses every later charge for it.",
      access: calledBy("orders"),
      input: ByOrder.extend({ reason: z.string().min(1).max(300) }),
      output: z.object({ refund: Refund.nullable(), refundedCents: Cents }),
      deadline: "5s",
    }),

    get: query({
      http: "GET /admin/payments/{orderId}",
      summary: "The payment of an order, with its refunds",
      access: role("admin"),
      input: ByOrder,
      output: Payment.extend({ refunds: z.array(Refund) }),
      errors: { NotFound: notFound },
    }),

    providerTold: event({
      description: "The provider told something by its webhook, as it told it.",
      data: ByOrder.extend({
        about: z.enum(["charge.captured", "charge.declined", "refund.settled", "refund.failed"]),
        /** The provider's own name for the charge or the refund. */
        providerReference: z.string(),
        amountCents: PositiveCents,
        reason: z.string().nullable(),
      }),
      key: "orderId",
    }),
    chargeEnded: event({ description: "A charge that took its time has ended.", data: ChargeEnd, key: "orderId" }),
  },
  { version: "1.0.0", description: "Charges and refunds, against the payment provider." },
);
