/**
 * How the orders service keeps its promise. Every statement about an order asks for its owner too, so that somebody
 * else's order is not forbidden but not found.
 */
import { type Caller, outcome, service } from "tenon";
import { catalog } from "../catalog/contract.ts";
import { inventory } from "../inventory/contract.ts";
import { currency, shippingCentsFor } from "../money.ts";
import { pageOf } from "../page.ts";
import { payments } from "../payments/contract.ts";
import { cartLinesOf, priceCart, putIntoCart } from "./cart.ts";
import { checkout } from "./checkout.ts";
import { orders } from "./contract.ts";
import { listOrders } from "./order-list.ts";
import { failOrder, findOrder, insertOrder, moveOrder, type OrderRow, recordRefund, type Whose } from "./order-rows.ts";
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

    checkout,

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

    async cancel({ input, caller, read, db, call, fail }) {
      const order = await findOrder(read, input.id, ownOrAll(caller));
      if (order === undefined) throw fail.NotFound();
      if (order.status === "canceled") return order;
      if (order.status === "pending") throw fail.PaymentPending({ orderId: order.id });
      if (order.status !== "paid") throw fail.NotCancelable({ status: order.status });
      // The goods first: a parcel that leaves at this moment has them committed, and keeps its money.
      const released = await outcome(call(inventory.release, { orderId: order.id }));
      if (!released.ok) throw fail.NotCancelable({ status: "shipped" });
      const made = await call(payments.refund, { orderId: order.id, reason: "the order was canceled" });
      await recordRefund(db, order.id, { ...made, by: caller.subject });
      await moveOrder(db, order.id, { from: "paid", to: "canceled" });
      return stillThere(await findOrder(db, order.id, {}));
    },

    async settle({ input, caller, read, db, call, fail }) {
      const order = await findOrder(read, input.id, ownOrAll(caller));
      if (order === undefined) throw fail.NotFound();
      if (order.status !== "pending") return order;
      const { payment } = await call(payments.settle, { orderId: order.id });
      if (payment === null) {
        await call(inventory.release, { orderId: order.id });
        await failOrder(db, order.id, "not_paid");
      } else {
        await moveOrder(db, order.id, { from: "pending", to: "paid" });
      }
      return stillThere(await findOrder(db, order.id, {}));
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

    async ship({ input, read, db, call, fail }) {
      const order = await findOrder(read, input.id, {});
      if (order === undefined) throw fail.NotFound();
      if (order.status !== "paid" || order.refundedCents === order.totalCents) throw fail.NotShippable({ status: order.status });
      const committed = await outcome(call(inventory.commit, { orderId: order.id }));
      if (!committed.ok) throw fail.NotShippable({ status: "canceled" });
      await moveOrder(db, order.id, { from: "paid", to: "shipped", trackingCode: input.trackingCode });
      return stillThere(await findOrder(db, order.id, {}));
    },

    async open({ input, caller, db, fail }) {
      const { id, lines, shipTo } = input;
      // Taking the lines out of the cart is what makes two checkouts at once one: the second finds them gone.
      const taken = await db.deleteFrom("cartLines").where("accountId", "=", caller.subject).returning(["sku", "quantity"]).execute();
      const isAsPriced = taken.length === lines.length && taken.every((line) => lines.some((each) => each.sku === line.sku && each.quantity === line.quantity));
      if (!isAsPriced) throw fail.CartChanged();
      const subtotalCents = lines.reduce((sum, line) => sum + line.totalCents, 0);
      await insertOrder(db, { id, accountId: caller.subject, lines, shipTo, currency, subtotalCents, shippingCents: shippingCentsFor(subtotalCents) });
      return stillThere(await findOrder(db, id, {}));
    },

    async abandon({ input, db }) {
      await failOrder(db, input.id, input.reason);
    },
  },
});

/** Admins act on anybody's order, everybody else on their own. */
function ownOrAll(caller: Caller): Whose {
  return caller.roles.has("admin") ? {} : { accountId: caller.subject };
}

function stillThere(order: OrderRow | undefined): OrderRow {
  if (order === undefined) throw new RangeError("an order is never deleted, and this one is gone");
  return order;
}
