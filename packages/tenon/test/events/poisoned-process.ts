/** One process that delivers until nothing is left, and dies of one delivery: `poisoned-process.ts <url or directory>`. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "../../src/events/index.ts";
import { openPlace } from "../data/process-places.ts";
import { count, dispatcher, rowConsumer } from "./delivered-service.ts";

/** What this process dies of. */
export const poison = 13;
/** Deliveries at once, so that others are under way whenever it dies. */
export const concurrency = 4;
export const attempts = 4;

if (import.meta.main) {
  const [, , where = ""] = process.argv;
  const database = await openPlace(where);
  const consumer = rowConsumer(database, {
    concurrency,
    policy: { attempts, maxAgeMs: 60_000, baseMs: 5, capMs: 20 },
    async before(delivery: Delivery) {
      await sleep(20);
      if ((delivery.event.data as { readonly n: number }).n === poison) process.kill(process.pid, "SIGKILL");
      await sleep(20);
    },
  });
  const part = dispatcher(database, [consumer], { leaseMs: 400, concurrencyMax: concurrency });
  await part.start();
  while ((await count(database, "tenon_inbox")) > 0) await sleep(50);
  await part.stop();
  await database.close();
}
