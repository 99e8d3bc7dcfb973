/** Small apps for the tests of the command line. */

/** Without a database: quick to start. */
export function greeterFiles(greeting = "hello"): Record<string, string> {
  return {
    "app.ts": `import { app } from "tenon";
import greeter from "./greeter/service.ts";

export default app("greetings", { services: [greeter] });
`,
    "greeter/contract.ts": `import { contract, query, scope } from "tenon";
import * as z from "zod";

export const greeter = contract("greeter", {
  greet: query({ http: "GET /greet/{name}", access: "public", input: z.object({ name: z.string() }), output: z.object({ text: z.string() }) }),
  whoami: query({ http: "GET /whoami", access: scope("greeter:read"), output: z.object({ subject: z.string() }) }),
  slow: query({ http: "GET /slow", access: "public", output: z.object({ text: z.string() }) }),
});
`,
    "greeter/service.ts": `import { setTimeout as sleep } from "node:timers/promises";
import { service } from "tenon";
import { greeter } from "./contract.ts";

export default service(greeter, {
  handlers: {
    greet: ({ input }) => ({ text: \`${greeting} \${input.name}\` }),
    whoami: ({ caller }) => ({ subject: caller.subject }),
    async slow() {
      await sleep(700);
      return { text: "done" };
    },
  },
});
`,
  };
}

/** With a database of one table, and a seed. */
export function notesFiles(): Record<string, string> {
  return {
    "app.ts": `import { app } from "tenon";
import notes from "./notes/service.ts";

export default app("notebook", { services: [notes] });
`,
    "notes/contract.ts": `import { contract, query } from "tenon";
import * as z from "zod";

export const Note = z.object({ id: z.int32(), text: z.string() });

export const notes = contract("notes", {
  list: query({ http: "GET /notes", access: "public", output: z.object({ items: z.array(Note) }) }),
});
`,
    "notes/service.ts": `import { service, table } from "tenon";
import { Note, notes } from "./contract.ts";

export default service(notes, {
  tables: { notes: table(Note.shape, { key: "id" }) },
  migrations: new URL("migrations/", import.meta.url),
  async seed({ db }) {
    await db.insertInto("notes").values({ id: 1, text: "from the seed" }).execute();
  },
  handlers: {
    async list({ db }) {
      return { items: await db.selectFrom("notes").selectAll().orderBy("id").execute() };
    },
  },
});
`,
    "notes/migrations/0001_notes.sql": "create table notes (id integer primary key, text text not null);\n",
  };
}

/**
 * With events: payments are captured, and orders marked as paid. The handler has a bug, which the setting ORDERS_MENDED
 * mends; what else it does follows from the name of the order.
 */
export function paidFiles(): Record<string, string> {
  return {
    "app.ts": `import { app } from "tenon";
import orders from "./orders/service.ts";
import payments from "./payments/service.ts";

export default app("paid", { services: [payments, orders] });
`,
    "payments/contract.ts": `import { command, contract, event, personal, query } from "tenon";
import * as z from "zod";

const Captured = z.object({ order: z.string(), cents: z.int(), payer: personal(z.string()) });

export const payments = contract("payments", {
  capture: command({ http: "POST /captures", access: "public", input: Captured }),
  limit: query({ access: "public", input: z.object({ order: z.string(), payer: personal(z.string()) }), output: z.object({ cents: z.int() }) }),
  captured: event({ data: Captured, key: "order", version: 2, upcasts: {} }),
  refunded: event({ data: z.object({ order: z.string() }), key: "order" }),
});
`,
    "payments/service.ts": `import { service } from "tenon";
import { payments } from "./contract.ts";

export default service(payments, {
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async capture({ input, emit }) {
      await emit(payments.captured, input);
    },
    limit: () => ({ cents: 100 }),
  },
});
`,
    "payments/migrations/0001_none.sql": "select 1;\n",
    "orders/contract.ts": `import { contract, event, query } from "tenon";
import * as z from "zod";

export const orders = contract("orders", {
  list: query({ http: "GET /orders", access: "public", output: z.object({ ids: z.array(z.string()) }) }),
  paid: event({ data: z.object({ order: z.string() }), key: "order" }),
});
`,
    "orders/service.ts": `import { personal, reactions, service, table } from "tenon";
import * as z from "zod";
import { payments } from "../payments/contract.ts";
import { orders } from "./contract.ts";

const tables = { paidOrders: table({ id: z.string(), cents: z.int(), payer: personal(z.string()) }, { key: "id" }) };
const config = z.object({ ORDERS_MENDED: z.string().default("no") });
const { on } = reactions(tables, config);

export default service(orders, {
  tables,
  config,
  migrations: new URL("migrations/", import.meta.url),
  handlers: {
    async list({ db }) {
      return { ids: (await db.selectFrom("paidOrders").select("id").orderBy("id").execute()).map(({ id }) => id) };
    },
  },
  subscriptions: [
    on(payments.captured, "mark-paid", { attempts: 1, afterDeath: "hold" }, async ({ call, config, data, db, emit }) => {
      if (data.cents < 0 && config.ORDERS_MENDED !== "yes") throw new RangeError("a payment of less than nothing");
      if (data.order === "limited") await call(payments.limit, { order: data.order, payer: data.payer });
      await db.insertInto("paidOrders").values({ id: data.order, cents: data.cents, payer: data.payer })
        .onConflict((clash) => clash.column("id").doUpdateSet({ cents: data.cents })).execute();
      await emit(orders.paid, { order: data.order });
    }),
  ],
});
`,
    "orders/migrations/0001_orders.sql": "create table paid_orders (id text primary key, cents integer not null, payer text not null);\n",
  };
}
