/** Tenon with everything of the `order` scenario on, and the order and its lines in the command's transaction. */
import { app, service, table } from "tenon";
import * as z from "zod";
import { orders } from "../order/order-contract.ts";
import { placeOrder } from "../order/place-order.ts";
import { startTenon } from "../start-tenon.ts";

const tables = {
  orders: table(
    {
      id: z.uuid(),
      customerId: z.uuid(),
      email: z.email(),
      currency: z.string(),
      shippingAddress: z.record(z.string(), z.string()),
      billingSameAsShipping: z.boolean(),
      note: z.string(),
      placedAt: z.iso.datetime({ offset: true }),
      priority: z.string(),
      channel: z.string(),
      couponCode: z.string(),
      tags: z.array(z.string()),
      status: z.string(),
      totalCents: z.int(),
    },
    { key: "id", subject: "customerId" },
  ),
  orderLines: table(
    { orderId: z.uuid(), lineNumber: z.int(), sku: z.string(), name: z.string(), quantity: z.int(), unitCents: z.int(), giftWrap: z.boolean() },
    { key: ["orderId", "lineNumber"] },
  ),
};

const ordersService = service(orders, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async place({ input, db }) {
      const placed = placeOrder(input);
      const { lines, ...order } = placed;
      await db.insertInto("orders").values(order).execute();
      await db
        .insertInto("orderLines")
        .values(lines.map((line, index) => ({ orderId: placed.id, lineNumber: index + 1, ...line })))
        .execute();
      return placed;
    },
  },
});

await startTenon(app("order-db", { services: [ordersService] }));
