/**
 * Checking out, across four services and without a transaction that spans them. Each step can be repeated, and the
 * order of the steps makes every crash between two of them harmless:
 *
 *   1. the cart's lines move into a pending order        (on record before anything else happens)
 *   2. inventory holds the goods                         out of stock ► the order fails, its lines go back to the cart
 *   3. payments charges the card                         declined ► the goods are released, and likewise
 *   4. the order is paid
 *
 * The order's id comes from the idempotency key, so the same request sent again finds the pending order and goes on
 * with it: reserving twice holds once, charging twice charges once. Whoever does not repeat leaves a pending order
 * behind, and `settle` brings it to an end.
 */
import { type HandlerOf, outcome } from "tenon";
import { accounts } from "../accounts/contract.ts";
import { catalog } from "../catalog/contract.ts";
import { inventory } from "../inventory/contract.ts";
import { payments } from "../payments/contract.ts";
import { cartLinesOf } from "./cart.ts";
import { orders } from "./contract.ts";
import { orderIdFor } from "./order-id.ts";
import { findOrder, moveOrder } from "./order-rows.ts";
import type { tables } from "./tables.ts";

type Handler = HandlerOf<typeof orders.checkout, typeof tables>;
type Context = Parameters<Handler>[0];

export const checkout: Handler = async (context) => {
  const { caller, read, db, idempotencyKey } = context;
  const id = orderIdFor(caller, idempotencyKey);
  const order = (await findOrder(read, id, { accountId: caller.subject })) ?? (await openOrder(context, id));
  if (order.status === "failed") throw await failureOf(context, order);
  if (order.status === "pending") {
    await holdGoods(context, order);
    await takeMoney(context, order);
    await moveOrder(db, id, { from: "pending", to: "paid" }); // or `settle` was quicker, and it is paid already
  }
  const placed = await findOrder(db, id, { accountId: caller.subject });
  if (placed === undefined) throw new RangeError(`the order ${id} was there a moment ago`);
  return placed;
};

interface PendingOrder {
  readonly id: string;
  readonly status: string;
  readonly failureReason: string | null;
  readonly totalCents: number;
  readonly currency: "EUR";
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

/** Step 1: what is in the cart, at the catalog's prices, becomes a pending order. */
async function openOrder({ caller, read, call, fail, input }: Context, id: string): Promise<PendingOrder> {
  const cart = await cartLinesOf(read, caller.subject);
  if (cart.length === 0) throw fail.CartEmpty();
  const buyer = await outcome(call(accounts.buyer, input.addressId === undefined ? {} : { addressId: input.addressId }));
  if (!buyer.ok) throw fail[buyer.fault.reason]();

  const { items: quotes } = await call(catalog.quote, { skus: cart.map((line) => line.sku) });
  const lines = cart.map(({ sku, quantity }) => {
    const quote = quotes.find((each) => each.sku === sku);
    if (quote === undefined) throw fail.NoProduct({ sku });
    return { sku, name: quote.name, unitPriceCents: quote.priceCents, quantity, totalCents: quote.priceCents * quantity };
  });
  const { id: _, ...shipTo } = buyer.value.address;
  const opened = await outcome(call(orders.open, { id, lines, shipTo }));
  if (!opened.ok) throw fail.CartChanged();
  return opened.value;
}

/** Step 2. */
async function holdGoods({ call, fail }: Context, order: PendingOrder): Promise<void> {
  const lines = order.lines.map(({ sku, quantity }) => ({ sku, quantity }));
  const reserved = await outcome(call(inventory.reserve, { orderId: order.id, lines }));
  if (reserved.ok) return;
  if (reserved.fault.reason === "OutOfStock") {
    await call(orders.abandon, { id: order.id, reason: "out_of_stock" });
    throw fail.OutOfStock(reserved.fault.data);
  }
  // An attempt before this one gave the goods back and died before it wrote that down.
  await call(orders.abandon, { id: order.id, reason: "not_paid" });
  throw fail.CartChanged();
}

/** Step 3. Whatever payments does not answer with a yes or a no leaves the order pending: the money may have moved. */
async function takeMoney({ call, fail, input }: Context, order: PendingOrder): Promise<void> {
  const { id: orderId, totalCents: amountCents, currency } = order;
  const charged = await outcome(call(payments.charge, { orderId, amountCents, currency, card: input.card }));
  if (charged.ok) return;
  if (charged.fault.reason === "Unsettled") throw fail.PaymentPending({ orderId });
  const { reason } = charged.fault.data;
  await call(inventory.release, { orderId });
  await call(orders.abandon, { id: orderId, reason });
  throw fail.PaymentDeclined({ reason, orderId });
}

/** Why the first attempt failed, told again to whoever repeats it. */
async function failureOf({ call, fail }: Context, order: PendingOrder) {
  switch (order.failureReason) {
    case "card_declined":
    case "insufficient_funds":
    case "order_closed":
      return fail.PaymentDeclined({ reason: order.failureReason, orderId: order.id });
    case "out_of_stock":
      return await outOfStock();
    default:
      return fail.CartChanged();
  }

  async function outOfStock() {
    const { items } = await call(inventory.availability, { sku: order.lines.map((line) => line.sku) });
    const short = items.find(({ sku, available }) => available < (order.lines.find((line) => line.sku === sku)?.quantity ?? 0));
    return short === undefined ? fail.CartChanged() : fail.OutOfStock(short);
  }
}
