/** Three services through which one order goes: taken over HTTP, told over a broker, sent by a workflow that asks a third. */
import * as z from "zod";
import { command, contract, event, reactions, service, table } from "tenon";

const orderTables = { orders: table({ id: z.string() }, { key: "id" }) };

export const orders = contract("orders", {
  place: command({ http: "POST /orders", access: "public", input: z.object({ id: z.string() }), errors: { Taken: { status: 409 } } }),
  break: command({ http: "POST /orders/{id}/break", access: "public", input: z.object({ id: z.string() }) }),
  placed: event({ data: z.object({ id: z.string() }), key: "id" }),
});
export const stock = contract("stock", {
  reserve: command({ access: "signed-in", input: z.object({ id: z.string() }), output: z.object({ shelf: z.int() }) }),
});
const shipping = contract("shipping", {});

export const ordersService = service(orders, {
  tables: orderTables,
  migrations: new URL("traced-migrations/orders/", import.meta.url),
  handlers: {
    async place({ db, emit, fail, input, log, read }) {
      const taken = await read.selectFrom("orders").select("id").where("id", "=", input.id).executeTakeFirst();
      if (taken !== undefined) throw fail.Taken();
      await db.insertInto("orders").values({ id: input.id }).execute();
      await emit(orders.placed, { id: input.id });
      log.info("an order was placed");
    },
    async break({ db, input }) {
      await db.insertInto("orders").values({ id: input.id }).execute();
      throw new RangeError("a bug");
    },
  },
});

export const stockService = service(stock, { handlers: { reserve: () => ({ shelf: 7 }) } });

const parcelTables = { parcels: table({ id: z.string() }, { key: "id" }) };
const { on, workflow } = reactions(parcelTables);

const ship = workflow("ship", { input: z.object({ id: z.string() }) }, async (flow) => {
  await flow.sleep("packing", "300ms");
  await flow.call("reserve", stock.reserve, { id: flow.input.id });
});

export const shippingService = service(shipping, {
  tables: parcelTables,
  migrations: new URL("traced-migrations/shipping/", import.meta.url),
  handlers: {},
  subscriptions: [on(orders.placed, "send", async ({ data, start }) => void (await start(ship, { id: data.id }, { id: data.id })))],
  workflows: [ship],
});
