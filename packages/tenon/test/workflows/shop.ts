/** Services around workflows under test: each thing that is done leaves a row, so that a test can count what was. */
import * as z from "zod";
import { command, contract, event, query, reactions, service, table } from "tenon";

const effect = table({ run: z.string(), what: z.string(), place: z.int() }, { key: "place", defaults: ["place"] });
export const tables = { effects: effect };
const Effects = z.object({ items: z.array(z.string()) });

export const inventory = contract("inventory", {
  reserve: command({
    access: "signed-in",
    input: z.object({ order: z.string(), sku: z.string() }),
    output: z.object({ reservation: z.string() }),
    errors: { OutOfStock: { status: 409, data: z.object({ sku: z.string() }) } },
  }),
  release: command({ access: "signed-in", input: z.object({ order: z.string() }) }),
  effects: query({ access: "signed-in", input: z.object({ order: z.string() }), output: Effects }),
});

export const payments = contract("payments", {
  capture: command({ access: "signed-in", input: z.object({ order: z.string(), cents: z.int() }) }),
  captured: event({ data: z.object({ order: z.string(), cents: z.int() }), key: "order" }),
});

const own = { tables, migrations: new URL("migrations/inventory/", import.meta.url) };

export const inventoryService = service(inventory, {
  ...own,
  handlers: {
    async reserve({ db, fail, input }) {
      if (input.sku === "none") throw fail.OutOfStock({ sku: input.sku });
      await db.insertInto("effects").values({ run: input.order, what: `reserve ${input.sku}` }).execute();
      return { reservation: `${input.order}/${input.sku}` };
    },
    async release({ db, input }) {
      await db.insertInto("effects").values({ run: input.order, what: "release" }).execute();
    },
    async effects({ db, input }) {
      const rows = await db.selectFrom("effects").select("what").where("run", "=", input.order).orderBy("place").execute();
      return { items: rows.map(({ what }) => what) };
    },
  },
});

export const paymentsService = service(payments, {
  ...own,
  handlers: {
    async capture({ emit, input }) {
      await emit(payments.captured, input);
    },
  },
});

export const { on, workflow } = reactions(tables);
