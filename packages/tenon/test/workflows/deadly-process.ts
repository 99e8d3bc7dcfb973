/** One process that starts runs and takes them to their ends, and dies in a step of one of them, which other processes survive: `deadly-process.ts <url or directory>`. */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { command, contract, service } from "tenon";
import { openPlace } from "../data/process-places.ts";
import { AppProcess, toNextDue } from "./app-process.ts";
import { tables, workflow } from "./shop.ts";

export const relays = contract("relays", { begin: command({ access: "signed-in", input: z.object({ id: z.string() }) }) });

export const ids = Array.from({ length: 8 }, (_, n) => `r${n}`);
/** The run that ends its process. */
export const deadly = "r3";

export const relay = workflow("relay", { input: z.object({ id: z.string() }) }, async (flow) => {
  const { id } = flow.input;
  await flow.step("one", async ({ db }) => void (await db.insertInto("effects").values({ run: id, what: "one" }).execute()));
  await flow.step("two", async ({ db }) => {
    await db.insertInto("effects").values({ run: id, what: "two" }).execute();
    await sleep(30);
    if (id === deadly && import.meta.main) process.kill(process.pid, "SIGKILL");
  });
});

export const services = [
  service(relays, {
    tables,
    migrations: new URL("migrations/orders/", import.meta.url),
    handlers: { begin: async ({ input, start }) => void (await start(relay, input, { id: input.id })) },
    workflows: [relay],
  }),
];

/** Sessions, and leases that end soon after their process. */
export const settings = { EVENTS_LEASE_MS: "1000" };

if (import.meta.main) {
  const [, , where = ""] = process.argv;
  const database = await openPlace(where);
  const running = await AppProcess.start({ services, database, settings });
  for (const id of ids) await running.call(relays.begin, { id }, id);
  do {
    await running.settled();
    await sleep(50);
  } while ((await isAnyRunning()) && (await toNextDue(database, services), true));
  await running.stop();
  await database.close();

  async function isAnyRunning(): Promise<boolean> {
    const session = await database.acquire({ service: "relays", mode: "read", timeoutMs: 5_000 });
    const { rows } = await session.query("select 1 from tenon_runs where state = 'running' limit 1", []);
    session.release();
    return rows.length > 0;
  }
}
