/** What is kept of runs, and for how long. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Sweeper } from "../../src/data/index.ts";
import { runSweeps } from "../../src/workflows/index.ts";
import { systemClock } from "../../src/app/index.ts";
import { LogWriter } from "../../src/telemetry/index.ts";
import { engines } from "../data/engines.ts";
import { readRows } from "./app-process.ts";
import { begin, closeTrials, database, finish, id, nextRun, openTrials, process } from "./trials.ts";
import { payments } from "./shop.ts";

const [pglite] = engines as readonly [(typeof engines)[number]];
before(() => openTrials(pglite));
after(closeTrials);

test("runs that ended are removed after their time, with their steps; those that wait or are parked never", async () => {
  const ids: Record<string, string> = {};
  for (const kind of ["old", "fresh", "waits", "parked"] as const) {
    nextRun();
    ids[kind] = `small:${id}`;
    await begin(async (flow) => {
      await flow.step("one", () => 1);
      if (kind === "waits") await flow.until("never", payments.captured, { key: "never" });
      if (kind === "parked") void flow.sleep("not awaited", "1h");
      return null;
    });
  }
  await finish();
  await process.call(payments.capture, { order: "never2", cents: 1 });
  await process.settled();
  const longAgo = "now() - interval '40 days'";
  await readRows(database, "trials", `update tenon_runs set started_at = ${longAgo}, ended_at = case when ended_at is null then null else ${longAgo} end where id <> $1`, [ids["fresh"]]);
  const mailBefore = await readRows(database, "trials", "select count(*)::int as n from tenon_mail");
  assert.deepEqual(mailBefore, [{ n: 1 }]);

  const log = new LogWriter({ write: () => undefined, clock: systemClock, level: "error", format: "text" });
  const sweeper = new Sweeper({ what: "runs", database, services: ["trials"], sweeps: runSweeps(30 * 86_400_000), everyMs: 60_000, clock: systemClock, log });
  await sweeper.sweep();
  const left = (await readRows(database, "trials", "select id from tenon_runs")).map((row) => row["id"]);
  assert.deepEqual(new Set(left), new Set([ids["fresh"], ids["waits"], ids["parked"]]));
  assert.deepEqual(await readRows(database, "trials", "select 1 from tenon_steps where run = $1", [ids["old"]]), []);
  assert.deepEqual(await readRows(database, "trials", "select count(*)::int as n from tenon_mail"), mailBefore, "an event that a run may yet take stays");

  await readRows(database, "trials", "update tenon_runs set state = 'completed', ended_at = now() where id = $1", [ids["waits"]]);
  await readRows(database, "trials", "delete from tenon_runs where id = $1", [ids["parked"]]);
  await sweeper.sweep();
  assert.deepEqual(await readRows(database, "trials", "select count(*)::int as n from tenon_mail"), [{ n: 0 }], "one that no run can take goes");
});
