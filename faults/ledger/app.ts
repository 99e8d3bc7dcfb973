/** An order, its lines and a running total, in one command: a half-written one shows. */
import { app, service, table } from "tenon";
import * as z from "zod";
import { ledger } from "./contract.ts";

const ledgerService = service(ledger, {
  tables: {
    orders: table({ id: z.uuid(), reference: z.string(), lines: z.int() }, { key: "id" }),
    orderLines: table({ orderId: z.uuid(), position: z.int(), quantity: z.int() }, { key: ["orderId", "position"] }),
    totals: table({ id: z.int(), orders: z.int(), quantity: z.int() }, { key: "id" }),
  },
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async place({ input, db }) {
      const { quantities, reference } = input;
      const order = { id: crypto.randomUUID(), reference, lines: quantities.length };
      await db.insertInto("orders").values(order).execute();
      await db.insertInto("orderLines").values(quantities.map((quantity, position) => ({ orderId: order.id, position, quantity }))).execute();
      const quantity = quantities.reduce((sum, each) => sum + each, 0);
      await db
        .updateTable("totals")
        .set((expression) => ({ orders: expression("orders", "+", 1), quantity: expression("quantity", "+", quantity) }))
        .where("id", "=", 1)
        .execute();
      return order;
    },
  },
});

export default app("ledger", { services: [ledgerService] });
