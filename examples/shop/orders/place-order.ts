/**
 * Placing an order: what is in the cart, at the catalog's prices, becomes a pending order, and its checkout begins. One
 * transaction, so that there is never the one without the other: not an order that nobody looks after, nor a cart that
 * was emptied for nothing. A repeat under the same idempotency key is answered with the same order by the platform.
 */
import { randomUUID } from "node:crypto";
import { type HandlerOf, outcome } from "tenon";
import { accounts } from "../accounts/contract.ts";
import { catalog } from "../catalog/contract.ts";
import { inventory } from "../inventory/contract.ts";
import { currency, shippingCentsFor } from "../money.ts";
import { cartLinesOf } from "./cart.ts";
import { checkout } from "./checkout.ts";
import { orders } from "./contract.ts";
import { findOrder, insertOrder, stillThere } from "./order-rows.ts";
import type { settings } from "./settings.ts";
import type { tables } from "./tables.ts";

type Handler = HandlerOf<typeof orders.checkout, typeof tables, typeof settings>;
type Context = Parameters<Handler>[0];

export const placeOrder: Handler = async (context) => {
  const { caller, db, emit, fail, input, start } = context;
  const { lines, shipTo } = await quoteCart(context);

  // Taking the lines out of the cart is what makes two checkouts at once one: the second finds them gone.
  const taken = await db.deleteFrom("cartLines").where("accountId", "=", caller.subject).returning(["sku", "quantity"]).execute();
  const isAsPriced = taken.length === lines.length && taken.every((line) => lines.some((each) => each.sku === line.sku && each.quantity === line.quantity));
  if (!isAsPriced) throw fail.CartChanged();

  const id = randomUUID();
  const accountId = caller.subject;
  const subtotalCents = lines.reduce((sum, line) => sum + line.totalCents, 0);
  await insertOrder(db, { id, accountId, lines, shipTo, currency, subtotalCents, shippingCents: shippingCentsFor(subtotalCents) });
  const order = stillThere(await findOrder(db, id));
  await emit(orders.placed, { orderId: id, accountId, totalCents: order.totalCents, currency });
  const goods = lines.map(({ sku, quantity }) => ({ sku, quantity }));
  await start(checkout, { orderId: id, lines: goods, amountCents: order.totalCents, currency, card: input.card }, { id });
  return order;
};

/** What the cart costs now and where it goes, asked of the other services before anything is written. */
async function quoteCart({ caller, read, call, fail, input }: Context) {
  const cart = await cartLinesOf(read, caller.subject);
  if (cart.length === 0) throw fail.CartEmpty();
  const sku = cart.map((line) => line.sku);
  const [buyer, quotes, stock] = await Promise.all([
    outcome(call(accounts.buyer, input.addressId === undefined ? {} : { addressId: input.addressId })),
    call(catalog.quote, { skus: sku }),
    call(inventory.availability, { sku }),
  ]);
  if (!buyer.ok) throw fail[buyer.fault.reason]();
  const lines = cart.map((line) => {
    const quote = quotes.items.find((each) => each.sku === line.sku);
    if (quote === undefined) throw fail.NoProduct({ sku: line.sku });
    // A courtesy: who is told now need not wait. Whether there is enough is decided when the goods are reserved.
    const available = stock.items.find((each) => each.sku === line.sku)?.available ?? 0;
    if (available < line.quantity) throw fail.OutOfStock({ sku: line.sku, available });
    return { sku: line.sku, name: quote.name, unitPriceCents: quote.priceCents, quantity: line.quantity, totalCents: quote.priceCents * line.quantity };
  });
  const { id: _, ...shipTo } = buyer.value.address;
  return { lines, shipTo };
}
