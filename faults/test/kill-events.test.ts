import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pgliteDrillDatabase, postgresDrillDatabase, type DrillDatabase } from "../drill-database.ts";
import { countRiver, type KillEventsOptions, runKillEvents } from "../kill-events.ts";
import { hasNatsServer, NatsServer } from "../nats-server.ts";
import { serverUrl, skip } from "./postgres-server.ts";

/** A few: `npm run faults -- kill-events` has as many as it is asked for. */
const kills = 2;

async function drill(open: () => Promise<DrillDatabase>, options: Pick<KillEventsOptions, "env" | "broker"> = {}): Promise<void> {
  await using database = await open();
  const { acknowledged, ...broken } = await runKillEvents({ ...options, database, kills, clients: 6, lifeMaxMs: 700, leaseMs: 1_000, random: Math.random });
  assert.deepEqual(broken, { kills, lost: 0, appliedTwice: 0, stuck: 0, orderViolations: 0, deadLetters: 0, unexpected: [] });
  assert.ok(acknowledged > 20, `the load was no load: ${acknowledged} acknowledged`);
}

describe("events survive processes that are killed again and again", () => {
  test("on the embedded database", () => drill(pgliteDrillDatabase));

  test("on PostgreSQL, three processes at once", { skip }, () => drill(() => postgresDrillDatabase(serverUrl)));

  test("on PostgreSQL, over a NATS server that is killed too", { skip }, async (context) => {
    if (!hasNatsServer()) {
      context.skip("there is no nats-server on the path");
      return;
    }
    await using nats = await NatsServer.open();
    await drill(() => postgresDrillDatabase(serverUrl), { env: { NATS_URL: nats.url }, broker: nats });
  });
});

test("the drill finds what it looks for", () => {
  const drops = [1, 2, 3, 4].map((n) => ({ key: "k", n }));
  const arrivals = [1, 3, 2, 2].map((n) => ({ key: "k", n }));
  assert.deepEqual(countRiver({ arrivals, drops, unfinished: 0, deadLetters: 0 }), { lost: 1, appliedTwice: 1, stuck: 0, orderViolations: 1, deadLetters: 0 });
  assert.deepEqual(countRiver({ arrivals: [], drops, unfinished: 4, deadLetters: 0 }), { lost: 0, appliedTwice: 0, stuck: 4, orderViolations: 0, deadLetters: 0 });
});
