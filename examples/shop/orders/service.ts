/**
 * How the orders service keeps its promise. Every statement about an order asks for its owner too, so that somebody
 * else's order is not forbidden but not found.
 */
import { type Caller, outcome, service } from "tenon";
import { catalog } from "../catalog/contract.ts";
import { inventory } from "../inventory/contract.ts";
import { pageOf } from "../page.ts";
import { payments } from "../payments/contract.ts";
import { cartLinesOf, priceCart, putIntoCart } from "./cart.ts";
import { checkout } from "./checkout.ts";
import { orders } from "./contract.ts";
import { listOrders } from "./order-list.ts";
import { findOrder, moveOrder, recordRefund, stillThere, type Whose } from "./order-rows.ts";
import { placeOrder } from "./place-order.ts";
import { tables } from "./tables.ts";

export default service(orders, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async cart({ caller, db, call }) {
      const lines = await cartLinesOf(db, caller.subject);
      const sku = lines.map((line) => line.sku);
      if (sku.length === 0) return priceCart([], [], []);
      const [quotes, stock] = await Promise.all([call(catalog.quote, { skus: sku }), call(inventory.availability, { sku })]);
      return priceCart(lines, quotes.items, stock.items);
    },

    async addToCart({ input, caller, db, call, fail }) {
      const { sku } = input;
      const { items } = await call(catalog.quote, { skus: [sku] });
      if (items.length === 0) throw fail.NoProduct();
      const quantity = await putIntoCart(db, { accountId: caller.subject, sku, quantity: input.quantity, how: "add" });
      if (quantity === undefined) throw fail.TooMany();
      return { sku, quantity };
    },

    async setInCart({ input, caller, db, call, fail }) {
      const { sku } = input;
      const { items } = await call(catalog.quote, { skus: [sku] });
      if (items.length === 0) throw fail.NoProduct();
      const quantity = await putIntoCart(db, { accountId: caller.subject, sku, quantity: input.quantity, how: "set" });
      if (quantity === undefined) throw fail.TooMany();
      return { sku, quantity };
    },

    async removeFromCart({ input, caller, db }) {
      await db.deleteFrom("cartLines").where("accountId", "=", caller.subject).where("sku", "=", input.sku).execute();
    },

    checkout: placeOrder,

    async list({ input, caller, db, fail }) {
      const found = await listOrders(db, { ...input, accountId: caller.subject });
      if (found === undefined) throw fail.InvalidCursor();
      return pageOf(found, input.limit, (order) => [order.placedAt, order.id]);
    },

    async get({ input, caller, db, fail }) {
      const order = await findOrder(db, input.id, { accountId: caller.subject });
      if (order === undefined) throw fail.NotFound();
      return order;
    },

    async cancel({ input, caller, db, emit, runs, fail }) {
      const order = await findOrder(db, input.id, ownOrAll(caller));
      if (order === undefined) throw fail.NotFound();
      if (order.status === "canceled") return order;
      const isMoved = await moveOrder(db, order.id, { from: ["pending", "paid"], to: "canceled" });
      const now = stillThere(await findOrder(db, order.id, {}));
      if (!isMoved && now.status !== "canceled") throw fail.NotCancelable({ status: now.status });
      if (isMoved) {
        await emit(orders.canceled, { orderId: order.id, accountId: order.accountId, reason: order.accountId === caller.subject ? "customer" : "admin" });
        await runs.cancel(checkout, order.id, "the order was canceled"); // which gives back the money and the goods
      }
      return now;
    },

    async adminList({ input, db, fail }) {
      const found = await listOrders(db, input);
      if (found === undefined) throw fail.InvalidCursor();
      return pageOf(found, input.limit, (order) => [order.placedAt, order.id]);
    },

    async adminGet({ input, db, fail }) {
      const order = await findOrder(db, input.id, {});
      if (order === undefined) throw fail.NotFound();
      return order;
    },

    async refund({ input, caller, read, db, call, fail }) {
      const order = await findOrder(read, input.id, {});
      if (order === undefined) throw fail.NotFound();
      if (order.status !== "paid" && order.status !== "shipped") throw fail.NotRefundable({ status: order.status });
      const { amountCents, reason } = input;
      const made = await outcome(call(payments.refund, { orderId: order.id, reason, ...(amountCents === undefined ? {} : { amountCents }) }));
      if (!made.ok) {
        throw made.fault.reason === "ExceedsPayment" ? fail.ExceedsPayment(made.fault.data) : fail.NotRefundable({ status: order.status });
      }
      await recordRefund(db, order.id, { ...made.value, by: caller.subject });
      return stillThere(await findOrder(db, order.id, {}));
    },

    async ship({ input, db, emit, fail }) {
      const order = await findOrder(db, input.id, {});
      if (order === undefined) throw fail.NotFound();
      const isShippable = order.refundedCents < order.totalCents && (await moveOrder(db, order.id, { from: ["paid"], to: "shipped", trackingCode: input.trackingCode }));
      const now = stillThere(await findOrder(db, order.id, {}));
      if (!isShippable) throw fail.NotShippable({ status: now.status });
      // The run of the checkout ends with it, and inventory takes the goods off the shelf.
      await emit(orders.shipped, { orderId: order.id, accountId: order.accountId, trackingCode: input.trackingCode });
      return now;
    },
  },
  workflows: [checkout],
});

/** Admins act on anybody's order, everybody else on their own. */
function ownOrAll(caller: Caller): Whose {
  return caller.roles.has("admin") ? {} : { accountId: caller.subject };
}
