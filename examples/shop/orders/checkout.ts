/**
 * Checkout: from a pending order to a parcel that has left, across four services and without a transaction that spans
 * them. It is a workflow, so a crash between any two steps loses nothing and repeats nothing:
 *
 *     reserve the goods ─► charge the card, and wait ─► mark it paid ─► wait for the parcel to leave
 *          │                    │                                            │
 *          └─ out of stock      └─ declined, or no answer                    └─ canceled, or nobody ships it
 *                             ▼
 *     undone in reverse: the money goes back, the goods are free again, the order has failed and the cart is full
 *
 * What is undone is said before the thing is done. A charge whose answer was lost may have moved money, and a run that
 * learned how to undo it only afterwards would not.
 *
 * Two things happen to an order at once only in its row: whoever moves it out of `pending` or `paid` first, has. A parcel
 * that leaves and a customer who cancels never both win.
 */
import { outcome, reactions } from "tenon";
import * as z from "zod";
import { Sku } from "../catalog/contract.ts";
import { inventory, StockLine } from "../inventory/contract.ts";
import { Currency, PositiveCents } from "../money.ts";
import { CardToken, DeclineReason, payments } from "../payments/contract.ts";
import { cartLinesMax, type FailureReason, orders } from "./contract.ts";
import { failOrder, findOrder, moveOrder, recordRefund, stillThere } from "./order-rows.ts";
import { tables } from "./tables.ts";

const { workflow } = reactions(tables);

/** How long a customer is kept waiting for a provider that is down, before the order fails. */
const chargePatience = { attempts: 100, maxAge: "1h", backoff: { cap: "1m" } } as const;
/** Longer than the provider ever took to tell how a charge ended; then it is asked. */
const toldWithin = "1h";
/** Money is given back however long it takes: a thousand attempts, ten minutes apart, are a week. */
const undoPatience = { attempts: 1_000 } as const;
/** Longer than any parcel has waited for goods that are on the shelf. */
const shippedWithin = "14d";

/** The card is a token that the provider gave to the customer's browser: good for this shop alone, and no number. */
const Input = z.object({ orderId: z.uuid(), lines: z.array(StockLine).max(cartLinesMax), amountCents: PositiveCents, currency: Currency, card: CardToken });

const errors = {
  OutOfStock: { status: 409, data: z.object({ sku: Sku, available: z.int() }) },
  Declined: { status: 402, data: z.object({ reason: DeclineReason }) },
  Closed: { status: 409, message: "the reservation of this order has ended" },
  NotShipped: { status: 409, message: "nobody shipped it in time" },
} as const;

/** Its runs are known by the id of their order. */
export const checkout = workflow("checkout", { input: Input, errors, events: [payments.chargeEnded, orders.shipped] }, async (flow) => {
  const { orderId, lines, ...money } = flow.input;
  let reason: z.output<typeof FailureReason> = "not_paid";

  flow.undo("close the order", async ({ db, emit }) => {
    const accountId = await failOrder(db, orderId, reason);
    if (accountId !== undefined) await emit(orders.failed, { orderId, accountId, reason });
  });

  flow.undo("release the goods", undoPatience, ({ call }) => call(inventory.release, { orderId }));
  const reserved = await outcome(flow.call("reserve the goods", inventory.reserve, { orderId, lines }));
  if (!reserved.ok) {
    reason = "out_of_stock";
    throw reserved.fault.reason === "OutOfStock" ? flow.fail.OutOfStock(reserved.fault.data) : flow.fail.Closed();
  }

  flow.undo("give the money back", undoPatience, async ({ call, db }) => {
    const given = await call(payments.reverse, { orderId, reason: "the order was given up" });
    await recordRefund(db, orderId, { ...given, by: "checkout" });
  });
  const charged = await outcome(flow.call("charge the card", payments.charge, { orderId, ...money }, chargePatience));
  if (!charged.ok) {
    ({ reason } = charged.fault.data);
    throw flow.fail.Declined({ reason });
  }
  if (charged.value.status === "processing") {
    const told = await flow.until("the charge has ended", payments.chargeEnded, { key: orderId, timeout: toldWithin });
    const ended = told ?? (await flow.call("ask how it ended", payments.settle, { orderId }, chargePatience));
    if (!ended.isPaid) {
      reason = ended.reason ?? "order_closed";
      throw flow.fail.Declined({ reason });
    }
  }

  await flow.step("mark it paid", async ({ db, emit }) => {
    const isMoved = await moveOrder(db, orderId, { from: ["pending"], to: "paid" });
    if (!isMoved) return; // it was canceled, and this run is about to hear of it
    const { accountId, currency, shippingCents, totalCents, ...order } = stillThere(await findOrder(db, orderId));
    await emit(orders.paid, { orderId, accountId, lines: order.lines, shippingCents, totalCents, currency });
  });

  const parcel = await flow.until("the parcel has left", orders.shipped, { key: orderId, timeout: shippedWithin });
  if (parcel !== undefined) return;
  const isGivenUp = await flow.step("give up shipping", async ({ db, emit }) => {
    const isMoved = await moveOrder(db, orderId, { from: ["paid"], to: "canceled" });
    if (!isMoved) return false; // it left at the last moment
    const { accountId } = stillThere(await findOrder(db, orderId));
    await emit(orders.canceled, { orderId, accountId, reason: "not_shipped" });
    return true;
  });
  if (isGivenUp) throw flow.fail.NotShipped();
});
