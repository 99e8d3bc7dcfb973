/** Objectives of several instances in one database, on both engines: sums, restarts, whose turn it is, silences. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Database, withSession } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import type { ObjectiveStore, Silence } from "../../src/objectives/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { engines, type Opened } from "../data/engines.ts";
import { instance, Listener, pass, place, prepare, service, storeIn } from "./kept-service.ts";

const minuteMs = 60_000;

for (const engine of engines) {
  describe(`objectives in ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    let database: Database;

    before(async () => {
      opened = await engine.open();
      database = opened.database;
      await prepare(database);
    });
    after(() => opened?.drop());
    beforeEach(() => run("truncate tenon_objective_counts, tenon_alerts, tenon_silences"));
    beforeEach(() => run("update tenon_objective_turn set holder = null, lease_until = null, is_pressed = false"));

    async function run(text: string): Promise<readonly Record<string, unknown>[]> {
      return withSession(database, { service, mode: "write" }, async (session) => (await session.query(text, [])).rows);
    }

    test("counts of two instances are one budget, right to the call, and it survives both", async () => {
      const clock = new ManualClock();
      const [a, b] = ["a", "b"].map((holder) => instance({ clock, holder, store: storeIn(database), targets: [place] }));
      assert.ok(a !== undefined && b !== undefined);
      await pass([a, b], { clock, lastsMs: 5 * minuteMs, each: ({ count }) => count(place, 1_000, 0) });
      a.count(place, 40_000, 12);
      b.count(place, 60_000, 20);
      await a.keeper.stop();
      await b.keeper.stop();

      const restarted = instance({ clock, holder: "c", store: storeIn(database), targets: [place] });
      await restarted.keeper.look();
      const [reading] = restarted.keeper.readings;
      assert.deepEqual(reading?.counts, { bad: 32, total: 160_000 });
      assert.equal(reading?.budgetLeft.toFixed(6), "0.800000");
    });

    test("one of three instances tells, and another goes on when it dies", async () => {
      const clock = new ManualClock();
      const listener = new Listener();
      const all = ["a", "b", "c"].map((holder) => instance({ clock, holder, listener, store: storeIn(database), targets: [place] }));
      await pass(all, { clock, lastsMs: 3 * minuteMs, each: ({ count }) => count(place, 10, 10) });
      assert.deepEqual(listener.lines, ["firing change: orders.place/availability/page"]);
      assert.deepEqual(all.map(({ keeper }) => keeper.isPressed), [true, true, true]);
      assert.deepEqual(all.map(({ transitions }) => transitions.length > 0), [true, false, false]);

      await run("update tenon_objective_turn set lease_until = now() - interval '1 s'"); // a is gone, and says nothing of it
      await pass(all.slice(1), { clock, lastsMs: 2 * minuteMs, each: ({ count }) => count(place, 10, 10) });
      assert.deepEqual(listener.lines, ["firing change: orders.place/availability/page"], "what was told is not told again");
      await pass(all.slice(1), { clock, lastsMs: 60 * minuteMs, each: ({ count }) => count(place, 10_000, 0) });
      assert.equal(listener.heard.filter(({ alerts }) => alerts.some(({ severity, state }) => severity === "page" && state === "resolved")).length, 1);
    });

    test("what is silenced is told of when the silence is over, and a silence fits by its matcher", async () => {
      const clock = new ManualClock();
      const store = storeIn(database);
      const one = instance({ clock, store, targets: [place] });
      const silence: Silence = { id: "00c0ffee", matcher: { subject: "orders.*", severity: "page" }, untilMs: clock.nowMs() + 10 * minuteMs, reason: "a migration" };
      await store.addSilence(silence);
      assert.deepEqual(await store.silences(clock.nowMs()), [silence]);
      await pass([one], { clock, lastsMs: 9 * minuteMs, each: ({ count }) => count(place, 10, 10) });
      assert.deepEqual([one.listener.lines, one.keeper.alerts[0]?.state], [[], "firing"]);
      await pass([one], { clock, lastsMs: 2 * minuteMs, each: ({ count }) => count(place, 10, 10) });
      assert.deepEqual(one.listener.lines, ["firing change: orders.place/availability/page"]);
      await store.addSilence({ ...silence, id: "00c0ffe1", untilMs: clock.nowMs() + minuteMs });
      assert.deepEqual([await store.endSilence("00c0ffe1", clock.nowMs()), await store.endSilence("00c0ffe1", clock.nowMs()), await store.silences(clock.nowMs())], [true, false, []]);
    });

    test("a database that is away silences nobody, and gets what was counted when it is back", async () => {
      const clock = new ManualClock();
      const real = storeIn(database);
      let isAway = true;
      const store = new Proxy(real, {
        get: (on, name: keyof ObjectiveStore) => (isAway ? () => Promise.reject(new Fault("unavailable", "away")) : on[name].bind(on)),
      });
      const one = instance({ clock, store, targets: [place] });
      await pass([one], { clock, lastsMs: 2 * minuteMs, each: ({ count }) => count(place, 10, 10) });
      assert.deepEqual(one.listener.lines, ["firing change: orders.place/availability/page"]);
      isAway = false;
      await pass([one], { clock, lastsMs: 10_000 });
      assert.deepEqual(one.keeper.readings[0]?.counts, { bad: 120, total: 120 });
      assert.equal(one.keeper.lostCounts, 0);
      assert.deepEqual(await run("select sum(bad)::int as bad from tenon_objective_counts where bucket_s = 3600"), [{ bad: 120 }]);
    });

    test("what no tier keeps is swept away", async () => {
      const store = storeIn(database);
      const nowMs = Date.parse("2026-11-25T12:00:00Z");
      await store.add([{ target: place.id, atMs: nowMs - 2 * 3_600_000, bad: 1, total: 2 }, { target: place.id, atMs: nowMs - 29 * 86_400_000, bad: 1, total: 2 }]);
      await store.sweep(nowMs);
      assert.deepEqual(await run("select bucket_s, bad, total from tenon_objective_counts order by bucket_s"), [60, 300, 3_600].map((bucket_s) => ({ bucket_s, bad: 1, total: 2 })));
    });
  });
}
