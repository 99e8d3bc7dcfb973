/** A long workflow with everything in it, and a service that counts what it did: for tests that kill its process. */
import * as z from "zod";
import { command, contract, event, outcome, service, type StepContext } from "tenon";
import { inventory, inventoryService, on, payments, paymentsService, tables, workflow } from "./shop.ts";

export const journeys = contract("journeys", {
  begin: command({ access: "signed-in", input: z.object({ id: z.string(), ends: z.enum(["well", "badly"]) }) }),
  opened: event({ data: z.object({ id: z.string() }), key: "id" }),
});

const Input = z.object({ id: z.string() });

export const parcel = workflow("parcel", { input: Input, output: z.object({ label: z.string() }) }, async (flow) => {
  const { id } = flow.input;
  await flow.step("pack", async ({ db }) => void (await db.insertInto("effects").values({ run: id, what: "pack" }).execute()));
  await flow.sleep("dry", "1h");
  return { label: `label of ${id}` };
});

export const journey = workflow(
  "journey",
  { input: Input.extend({ ends: z.enum(["well", "badly"]) }), output: z.object({ label: z.string(), cents: z.int() }), events: [payments.captured] },
  async (flow) => {
    const { ends, id } = flow.input;
    const does = (what: string) => async ({ db }: StepContext<typeof tables>) => void (await db.insertInto("effects").values({ run: id, what }).execute());

    await flow.step("open", async ({ db, emit }) => {
      await db.insertInto("effects").values({ run: id, what: "open" }).execute();
      await emit(journeys.opened, { id });
    });
    flow.undo("close", does("close"));
    const reserved = await outcome(flow.call("reserve", inventory.reserve, { order: id, sku: "a" }));
    if (!reserved.ok) throw new RangeError("out of stock");
    flow.undo("release", (context) => context.call(inventory.release, { order: id }));
    await flow.sleep("cool off", "10m");
    await flow.all("prepare", {
      left: async (branch) => {
        await branch.step("paint", does("paint"));
        branch.undo("strip", does("strip"));
      },
      right: async (branch) => {
        await branch.sleep("wait", "5m");
        await branch.step("print", does("print"));
      },
    });
    await flow.call("charge", payments.capture, { order: id, cents: 7 });
    const paid = await flow.until("payment", payments.captured, { key: id });
    flow.undo("refund", does("refund"));
    const shipped = await flow.child("ship", parcel, { id });
    await flow.step("tell", does("tell"));
    if (ends === "badly") await flow.step("fail", ({ giveUp }) => Promise.reject(giveUp("as it was to")));
    return { label: shipped.label, cents: paid.cents };
  },
);

export const journeysService = service(journeys, {
  tables,
  migrations: new URL("migrations/orders/", import.meta.url),
  handlers: {
    async begin({ input, start }) {
      await start(journey, input, { id: input.id });
    },
  },
  subscriptions: [
    on(journeys.opened, "hear", async ({ data, db }) => {
      await db.insertInto("effects").values({ run: data.id, what: "heard" }).execute();
    }),
  ],
  workflows: [journey, parcel],
});

export const services = [journeysService, inventoryService, paymentsService];

/** What the run has done in its own service in the order in which it did, but for what an event and a branch do beside it. */
export const expected = {
  well: { own: ["open", "paint", "print", "pack", "tell"], inventory: ["reserve a"], state: "completed" },
  badly: { own: ["open", "paint", "print", "pack", "tell", "refund", "strip", "close"], inventory: ["reserve a", "release"], state: "failed" },
} as const;
