/** What is counted of a database, on each engine. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Database, type DatabaseError, measureDatabase } from "../../src/data/index.ts";
import { Metrics } from "../../src/telemetry/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";
import { engines, type Opened } from "./engines.ts";

for (const engine of engines) {
  describe(`a database that is counted, on ${engine.name}`, { skip: engine.skip }, () => {
    const clock = new ManualClock();
    const metrics = new Metrics({ clock });
    let opened: Opened;
    let database: Database;

    before(async () => {
      opened = await engine.open();
      database = measureDatabase(opened.database, { metrics, clock });
    });
    after(() => opened.drop());

    function values(name: string): Readonly<Record<string, number>> {
      const series = metrics.collect().find((family) => family.name === name)?.series ?? [];
      return Object.fromEntries(series.map(({ histogram, labels, value }) => [Object.values(labels).join("/"), value ?? histogram?.count ?? Number.NaN]));
    }

    const pool = engine.name === "pglite" ? "/" : "/admin";

    test("tells of waits, trips and failures, and of sessions that are held", async () => {
      const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 5_000 });
      assert.deepEqual((await session.query("select 1 as one", [])).rows, [{ one: 1 }]);
      await session.batch([{ text: "select 1", parameters: [] }, { text: "select 2", parameters: [] }]);
      await session.script("select 1; select 2");
      await assert.rejects(session.query("select * from nothing_of_this_name", []), (error: DatabaseError) => error.sqlState === "42P01");
      assert.equal(values("tenon_database_sessions_used")[pool], 1);
      session.release();
      assert.equal(values("tenon_database_sessions_used")[pool], 0);
      assert.equal(values("tenon_database_sessions_idle")[pool], 1);
      assert.deepEqual(values("tenon_database_wait_seconds"), { "/admin": 1 });
      assert.deepEqual(values("tenon_database_statement_duration_seconds"), { "/admin": 4 });
      assert.deepEqual(values("tenon_database_failures"), { "/admin/42P01": 1 });
    });

    test("tells who waits, and who waited in vain", async () => {
      const max = values("tenon_database_sessions_max")[pool] as number;
      const held = await Promise.all(Array.from({ length: max }, () => database.acquire({ service: "", mode: "admin", timeoutMs: 5_000 })));
      const waiting = database.acquire({ service: "", mode: "admin", timeoutMs: 100 });
      assert.equal(values("tenon_database_sessions_awaited")[pool], 1);
      await assert.rejects(waiting, { code: "unavailable" });
      assert.equal(values("tenon_database_failures")["/admin/unavailable"], 1);
      assert.equal(values("tenon_database_wait_seconds")["/admin"], 1 + max + 1);
      for (const session of held) session.release();
    });
  });
}
