/**
 * How the orders service keeps its promise. Whose order it is, the contract asks: somebody else's order is not forbidden
 * but not found, and no handler runs for it. Lists are cut to their caller here.
 */
import { outcome, service } from "tenon";
import { catalog } from "../catalog/contract.ts";
import { inventory } from "../inventory/contract.ts";
import { pageOf } from "../page.ts";
import { payments } from "../payments/contract.ts";
import { cartLinesOf, priceCart, putIntoCart, takeOutOfCart } from "./cart.ts";
import { remindOfCarts } from "./cart-reminders.ts";
import { checkout } from "./checkout.ts";
import { orders } from "./contract.ts";
import { listOrders } from "./order-list.ts";
import { findOrder, moveOrder, recordRefund, stillThere } from "./order-rows.ts";
import { placeOrder } from "./place-order.ts";
import { settings } from "./settings.ts";
import { tables } from "./tables.ts";

export default service(orders, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  config: settings,
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
      await takeOutOfCart(db, { accountId: caller.subject, sku: input.sku });
    },

    checkout: placeOrder,

    async list({ input, caller, db, fail }) {
      const found = await listOrders(db, { ...input, accountId: caller.subject });
      if (found === undefined) throw fail.InvalidCursor();
      return pageOf(found, input.limit, (order) => [order.placedAt, order.id]);
    },

    async get({ input, db, fail }) {
      const order = await findOrder(db, input.id);
      if (order === undefined) throw fail.NotFound();
      return order;
    },

    async cancel({ input, caller, db, emit, runs, fail }) {
      const order = await findOrder(db, input.id);
      if (order === undefined) throw fail.NotFound();
      if (order.status === "canceled") return order;
      const isMoved = await moveOrder(db, order.id, { from: ["pending", "paid"], to: "canceled" });
      const now = stillThere(await findOrder(db, order.id));
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
      const order = await findOrder(db, input.id);
      if (order === undefined) throw fail.NotFound();
      return order;
    },

    async refund({ input, caller, read, db, call, fail }) {
      const order = await findOrder(read, input.id);
      if (order === undefined) throw fail.NotFound();
      if (order.status !== "paid" && order.status !== "shipped") throw fail.NotRefundable({ status: order.status });
      const { amountCents, reason } = input;
      const made = await outcome(call(payments.refund, { orderId: order.id, reason, ...(amountCents === undefined ? {} : { amountCents }) }));
      if (!made.ok) {
        throw made.fault.reason === "ExceedsPayment" ? fail.ExceedsPayment(made.fault.data) : fail.NotRefundable({ status: order.status });
      }
      await recordRefund(db, order.id, { ...made.value, by: caller.subject });
      return stillThere(await findOrder(db, order.id));
    },

    async ship({ input, db, emit, fail }) {
      const order = await findOrder(db, input.id);
      if (order === undefined) throw fail.NotFound();
      const isShippable = order.refundedCents < order.totalCents && (await moveOrder(db, order.id, { from: ["paid"], to: "shipped", trackingCode: input.trackingCode }));
      const now = stillThere(await findOrder(db, order.id));
      if (!isShippable) throw fail.NotShippable({ status: now.status });
      // The run of the checkout ends with it, and inventory takes the goods off the shelf.
      await emit(orders.shipped, { orderId: order.id, accountId: order.accountId, trackingCode: input.trackingCode });
      return now;
    },

    async cartReminders({ input, db }) {
      return { items: await db.selectFrom("cartReminders").selectAll().orderBy("remindedAt", "desc").orderBy("accountId").limit(input.limit).execute() };
    },
  },
  workflows: [checkout],
  triggers: [remindOfCarts],
});
