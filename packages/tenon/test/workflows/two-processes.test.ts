/** Two processes that take themselves for the holder of one run: the lease of the first ran out while it was at work. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { command, contract, service } from "tenon";
import { openServerDatabase, skip, type ServerDatabase } from "../data/server.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import { AppProcess, endLeases, prepare, readRows, toNextDue } from "./app-process.ts";
import { inventory, inventoryService, payments, paymentsService, tables, workflow } from "./shop.ts";

const relays = contract("relays", { begin: command({ access: "signed-in", input: z.object({ id: z.string(), ends: z.enum(["well", "badly"]) }) }) });

/** The step `slow` waits here once, so that another process can overtake. */
let gate: { readonly entered: PromiseWithResolvers<void>; readonly leave: PromiseWithResolvers<void>; at: string } | undefined;

async function pass(at: string): Promise<void> {
  const mine = gate;
  if (mine?.at !== at) return;
  gate = undefined;
  mine.entered.resolve();
  await mine.leave.promise;
}

const relay = workflow("relay", { input: z.object({ id: z.string(), ends: z.enum(["well", "badly"]) }), events: [payments.captured] }, async (flow) => {
  const { ends, id } = flow.input;
  const step = (name: string) =>
    flow.step(name, async ({ db }) => {
      await db.insertInto("effects").values({ run: id, what: name }).execute();
      await pass(name);
    });
  const undo = (name: string): void =>
    flow.undo(name, async ({ db }) => {
      await db.insertInto("effects").values({ run: id, what: name }).execute();
      await pass(name);
    });
  await step("one");
  undo("un-one");
  await flow.call("reserve", inventory.reserve, { order: id, sku: "a" });
  await step("two");
  undo("un-two");
  await flow.sleep("rest", "1h");
  await step("three");
  if (ends === "badly") await flow.step("fail", ({ giveUp }) => Promise.reject(giveUp("as it was to")));
});

const relaysService = service(relays, {
  tables,
  migrations: new URL("migrations/orders/", import.meta.url),
  handlers: { begin: async ({ input, start }) => void (await start(relay, input, { id: input.id })) },
  workflows: [relay],
});
const services = [relaysService, inventoryService, paymentsService];

describe("two processes in one turn of a run", { skip }, () => {
  let server: ServerDatabase;
  before(async () => {
    server = await openServerDatabase();
    await prepare(server.database, services);
  });
  after(() => server.drop());

  const expected = {
    well: ["one", "two", "three"],
    badly: ["one", "two", "three", "un-two", "un-one"],
  } as const;

  for (const [ends, at] of [["well", "one"], ["well", "two"], ["well", "three"], ["badly", "un-two"], ["badly", "un-one"]] as const) {
    test(`the slower one, held up in "${at}", keeps nothing (${ends})`, async () => {
      const { database } = server;
      const id = `${ends}-${at}`;
      const held = { at, entered: Promise.withResolvers<void>(), leave: Promise.withResolvers<void>() };
      gate = held;
      // Each has connections of its own, as processes have; the leases never end by themselves here.
      const settings = { EVENTS_LEASE_MS: "600000" };
      const slowDatabase = await openPostgres({ url: server.url, poolMax: 4 });
      const slow = await AppProcess.start({ services, database: slowDatabase, settings });
      await slow.call(relays.begin, { id, ends }, id);
      const working = (async () => {
        await slow.settled();
        while (await toNextDue(database, services)) await slow.settled();
      })();
      await held.entered.promise;

      await endLeases(database, services); // as the first would lose them if it stood still
      const quick = await AppProcess.start({ services, database, settings });
      const overtaken = (async () => {
        for (let i = 0; i < 20; i++) {
          await quick.settled();
          const [run] = await readRows(database, "relays", "select state from tenon_runs where id = $1", [`relay:${id}`]);
          if (run?.["state"] === "completed" || run?.["state"] === "failed") return;
          await toNextDue(database, services);
        }
        assert.fail("the quicker one does not come to the end");
      })();
      await overtaken;
      held.leave.resolve();
      await working;
      await slow.settled();

      const [run] = await readRows(database, "relays", "select state from tenon_runs where id = $1", [`relay:${id}`]);
      assert.deepEqual(run, { state: ends === "well" ? "completed" : "failed" });
      const rows = await readRows(database, "relays", "select what from effects where run = $1 order by place", [id]);
      assert.deepEqual(new Set(rows.map(({ what }) => what)), new Set(expected[ends]));
      assert.equal(rows.length, expected[ends].length);
      const reserved = await readRows(database, "inventory", "select what from effects where run = $1", [id]);
      assert.equal(reserved.length, 1);
      const twice = await readRows(database, "relays", "select place from tenon_steps where run = $1 group by place having count(*) > 1", [`relay:${id}`]);
      assert.deepEqual(twice, []);
      await quick.stop();
      await slow.stop();
      await slowDatabase.close();
    });
  }
});
