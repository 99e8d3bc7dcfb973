/**
 * A process that dies before or after each single durable write of a run, one after the other, and another one that goes
 * on: the run ends as it would have, nothing is done twice, and what is undone is undone in reverse.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Database } from "../../src/data/index.ts";
import { isEnded, type RunState } from "../../src/workflows/index.ts";
import { engines } from "../data/engines.ts";
import { skip as noServer } from "../data/server.ts";
import { AppProcess, endLeases, prepare, readRows, toNextDue } from "./app-process.ts";
import { CrashingDatabase, type CrashPlan } from "./crashing-database.ts";
import { expected, journeys, services } from "./journey.ts";

type Ending = keyof typeof expected;

/** Of the embedded database, which takes as long again, every fourth write, where a server has all of them. */
const strideOf = (engine: string): number => (engine === "pglite" && noServer === false ? 4 : 1);
/** Longer than any run takes: what goes on beyond is stuck. */
const roundsMax = 40;
const livesMax = 4;

async function stateOf(database: Database, id: string): Promise<RunState | undefined> {
  const [row] = await readRows(database, "journeys", "select state from tenon_runs where id = $1", [`journey:${id}`]);
  return row?.["state"] as RunState | undefined;
}

/** Begins the run if nobody has, and goes on until it has ended. */
async function live(process: AppProcess, database: Database, { ending, id }: { readonly id: string; readonly ending: Ending }): Promise<void> {
  if ((await stateOf(database, id)) === undefined) await process.call(journeys.begin, { id, ends: ending }, id);
  for (let round = 0; round < roundsMax; round++) {
    await process.settled();
    const state = await stateOf(database, id);
    if (state !== undefined && isEnded(state)) return;
    assert.notEqual(state, "parked");
    await toNextDue(database, services);
  }
  assert.fail(`the run ${id} does not come to its end`);
}

/** Runs one journey, in as many processes as it takes. @returns The durable writes of the first one. */
async function travel(database: Database, { ending, id, plan }: { readonly id: string; readonly ending: Ending; readonly plan?: CrashPlan }): Promise<CrashingDatabase> {
  let first: CrashingDatabase | undefined;
  for (let life = 0; life < livesMax; life++) {
    const crashing = new CrashingDatabase(database, life === 0 ? plan : undefined);
    first ??= crashing;
    let process: AppProcess | undefined;
    try {
      process = await AppProcess.start({ services, database: crashing });
      await Promise.race([live(process, database, { id, ending }), crashing.crashed.promise]);
    } catch (error) {
      if (!crashing.isDead) throw error;
    }
    const isDead = crashing.isDead;
    if (isDead) await crashing.die();
    await process?.stop();
    if (!isDead) return first;
    if (database.sessions === "many") await endLeases(database, services);
  }
  return assert.fail("one crash was planned, and there were more");
}

async function assertEnded(database: Database, { ending, id, what }: { readonly id: string; readonly ending: Ending; readonly what: string }): Promise<void> {
  const effects = async (service: string): Promise<readonly unknown[]> =>
    (await readRows(database, service, "select what from effects where run = $1 order by place", [id])).map((row) => row["what"]);
  const own = await effects("journeys");
  assert.deepEqual(own.filter((each) => each === "heard"), ["heard"], what);
  assert.deepEqual(own.filter((each) => each !== "heard"), expected[ending].own, what);
  assert.deepEqual(await effects("inventory"), expected[ending].inventory, what);
  assert.equal(await stateOf(database, id), expected[ending].state, what);
  const children = await readRows(database, "journeys", "select state from tenon_runs where parent = $1", [`journey:${id}`]);
  assert.deepEqual(children, [{ state: "completed" }], what);
  const left = await readRows(database, "journeys", "select count(*)::int as n from tenon_inbox");
  assert.deepEqual(left, [{ n: 0 }], `${what}: deliveries are left`);
}

for (const engine of engines) {
  describe(`a run whose process dies, on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Awaited<ReturnType<typeof engine.open>>;
    before(async () => {
      opened = await engine.open();
      await prepare(opened.database, services);
    });
    after(() => opened.drop());

    for (const ending of ["well", "badly"] as const) {
      for (const side of ["before", "after"] as const) {
        test(`${side} any of its durable writes ends ${ending} all the same`, { timeout: 600_000 }, async (t) => {
          let at = 1;
          for (; ; at += strideOf(engine.name)) {
            const id = `${ending}-${side}-${at}`;
            const first = await travel(opened.database, { id, ending, plan: { at, side } });
            await assertEnded(opened.database, { id, ending, what: `${id}: ${first.log[at - 1] ?? "no crash"}` });
            if (!first.isDead) break;
          }
          t.diagnostic(`crashes at ${Math.floor((at - 1) / strideOf(engine.name))} of ${at - 1} durable writes`);
          assert.ok(at > 30, `only ${at - 1} durable writes were found`);
        });
      }
    }
  });
}
