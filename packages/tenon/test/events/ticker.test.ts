/** Schedules on a server: several instances, a clock that jumps, and the two nights in which clocks are changed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Database } from "../../src/data/index.ts";
import type { Schedule, Ticker } from "../../src/events/index.ts";
import type { Log } from "../../src/kernel/index.ts";
import { openServerDatabase, type ServerDatabase, skip } from "../data/server.ts";
import { run, silent, until } from "./delivered-service.ts";
import { clearSchedules, die, fired, keepAlive, openInstance, prepareClock, schedule, setClock, ticker } from "./ticked-service.ts";

const minuteMs = 60_000;
const berlin = "Europe/Berlin";

describe("schedules on three instances", { skip }, () => {
  let opened: ServerDatabase;
  let database: Database;
  let instances: readonly Database[] = [];

  before(async () => {
    opened = await openServerDatabase();
    database = opened.database;
    await prepareClock(database);
    instances = await Promise.all(["a", "b", "c"].map(() => openInstance(opened.url)));
  });
  after(async () => {
    await Promise.all(instances.map((instance) => instance.close()));
    await opened?.drop();
  });
  beforeEach(async () => {
    await clearSchedules(database);
    for (const holder of ["a", "b", "c"]) await keepAlive(database, holder);
  });

  function three(schedules: readonly Schedule[]): readonly Ticker[] {
    return instances.map((instance, i) => ticker(instance, schedules, { holder: "abc"[i] as string }));
  }

  /** All look at once, at each step of the clock. */
  async function walk(tickers: readonly Ticker[], { from, stepMs, to }: { readonly from: string; readonly to: string; readonly stepMs: number }): Promise<readonly string[]> {
    const seen: string[] = [];
    for (let nowMs = Date.parse(from); nowMs <= Date.parse(to); nowMs += stepMs) {
      await setClock(database, nowMs);
      await Promise.all(tickers.map((each) => each.look()));
      seen.push(...(await fired(database)));
    }
    return seen;
  }

  function of(seen: readonly string[], name: string): readonly string[] {
    return seen.filter((each) => each.startsWith(`${name} `)).map((each) => each.slice(name.length + 1));
  }

  test("in spring, a time that is left out runs once behind the gap, and the stream of time has no hole", async () => {
    const tickers = three([
      schedule("night", { cron: "30 2 * * *", timeZone: berlin }),
      schedule("half", { cron: "*/30 * * * *", timeZone: berlin }),
      schedule("utc", { cron: "0 1 * * *" }),
      schedule("long", "6h"),
    ]);
    const seen = await walk(tickers, { from: "2026-03-28T22:10Z", to: "2026-03-30T02:10Z", stepMs: 30 * minuteMs });
    assert.deepEqual(of(seen, "night"), ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]);
    assert.deepEqual(of(seen, "utc"), ["2026-03-29T01:00Z", "2026-03-30T01:00Z"]);
    assert.deepEqual(of(seen, "long"), ["2026-03-29T00:00Z", "2026-03-29T06:00Z", "2026-03-29T12:00Z", "2026-03-29T18:00Z", "2026-03-30T00:00Z"]);
    assert.deepEqual(of(seen, "half"), everyHalfHour("2026-03-28T22:30Z", "2026-03-30T02:00Z"));
  });

  test("in autumn, a time that comes twice runs once, and the stream of time has every half hour that passes", async () => {
    const tickers = three([
      schedule("night", { cron: "30 2 * * *", timeZone: berlin }),
      schedule("half", { cron: "*/30 * * * *", timeZone: berlin }),
      schedule("long", "6h"),
    ]);
    const seen = await walk(tickers, { from: "2026-10-24T21:10Z", to: "2026-10-26T02:10Z", stepMs: 30 * minuteMs });
    assert.deepEqual(of(seen, "night"), ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]);
    assert.deepEqual(of(seen, "long"), ["2026-10-25T00:00Z", "2026-10-25T06:00Z", "2026-10-25T12:00Z", "2026-10-25T18:00Z", "2026-10-26T00:00Z"]);
    assert.deepEqual(of(seen, "half"), everyHalfHour("2026-10-24T21:30Z", "2026-10-26T02:00Z"));
  });

  test("a clock that is put forward, and back, and forward: by each policy, and nothing twice", async () => {
    const tickers = three([schedule("once", "1h", "once"), schedule("skip", "1h", "skip"), schedule("all", "1h", "all")]);
    async function at(instant: string): Promise<readonly string[]> {
      await setClock(database, instant);
      await Promise.all(tickers.map((each) => each.look()));
      return (await fired(database)).toSorted();
    }
    assert.deepEqual(await at("2026-07-01T00:30Z"), [], "what is new starts from now");
    assert.deepEqual(await at("2026-07-01T01:00Z"), ["all 2026-07-01T01:00Z", "once 2026-07-01T01:00Z", "skip 2026-07-01T01:00Z"]);
    // Put forward by four hours and a half.
    assert.deepEqual(await at("2026-07-01T05:30Z"), ["all 2026-07-01T02:00Z", "all 2026-07-01T03:00Z", "all 2026-07-01T04:00Z", "all 2026-07-01T05:00Z", "once 2026-07-01T05:00Z +3"]);
    // Put back by five hours: all of that has been.
    for (const instant of ["2026-07-01T00:30Z", "2026-07-01T02:00Z", "2026-07-01T05:00Z"]) assert.deepEqual(await at(instant), []);
    assert.deepEqual(await at("2026-07-01T06:00:10Z"), ["all 2026-07-01T06:00Z", "once 2026-07-01T06:00Z", "skip 2026-07-01T06:00Z"]);
    // Put forward so that an instant has just passed: that one is regular, those before it were missed.
    assert.deepEqual(await at("2026-07-01T08:00:30Z"), ["all 2026-07-01T07:00Z", "all 2026-07-01T08:00Z", "once 2026-07-01T08:00Z +1", "skip 2026-07-01T08:00Z +1"]);
  });

  test("more than a hundred instants are caught up with in portions, each once and in order", async () => {
    const tickers = three([schedule("all", "1m", "all")]);
    await setClock(database, "2026-07-01T00:00Z");
    await Promise.all(tickers.map((each) => each.look()));
    await setClock(database, "2026-07-01T05:00:30Z");
    await Promise.all(tickers.map((each) => each.look()));
    const seen = await fired(database);
    const expected = Array.from({ length: 300 }, (_, i) => `all ${new Date(Date.parse("2026-07-01T00:01Z") + i * minuteMs).toISOString().replace(":00.000Z", "Z")}`);
    assert.deepEqual(seen, expected);
  });

  test("when instances are killed, the others go on: nothing twice, nothing lost", async () => {
    const file = fileURLToPath(new URL("ticking-process.ts", import.meta.url));
    const processes = ["a", "b", "c"].map((holder) => spawn(process.execPath, ["--conditions=tenon-source", file, opened.url, holder], { stdio: ["ignore", "pipe", "inherit"] }));
    try {
      await setClock(database, "2026-03-29T00:10Z");
      await Promise.all(processes.map((each) => once(each.stdout, "data")));
      await until("both are planned", async () => (await run(database, "select 1 from tenon_schedules where next_at > (select now_at from test_clock)")).length === 2);
      const seen: string[] = [];
      for (let step = 1; step <= 30; step++) {
        await setClock(database, Date.parse("2026-03-29T00:10Z") + step * 15 * minuteMs);
        if (step === 8) processes[0]?.kill("SIGKILL"); // in the middle of whatever it does
        if (step === 16) processes[1]?.kill("SIGKILL");
        await until("all that is due is fired", async () => (await run(database, "select 1 from tenon_schedules where next_at <= (select now_at from test_clock)")).length === 0);
        seen.push(...(await fired(database)));
      }
      assert.deepEqual(of(seen, "quarter"), Array.from({ length: 30 }, (_, i) => new Date(Date.parse("2026-03-29T00:15Z") + i * 15 * minuteMs).toISOString().replace(":00.000Z", "Z")));
      assert.deepEqual(of(seen, "night"), ["2026-03-29T01:00Z"]);
    } finally {
      for (const each of processes) each.kill("SIGKILL");
    }
  });
});

describe("a schedule", { skip }, () => {
  let opened: ServerDatabase;
  let database: Database;
  let lines: string[] = [];
  const log: Log = { ...silent, info: (message, facts) => void lines.push(`${message}: ${String(facts?.["schedule"])}`), warn: (message) => void lines.push(message) };

  before(async () => {
    opened = await openServerDatabase();
    database = opened.database;
    await prepareClock(database);
  });
  after(() => opened?.drop());
  beforeEach(async () => {
    await clearSchedules(database);
    for (const holder of ["old", "new"]) await keepAlive(database, holder);
    lines = [];
  });

  test("that was changed is planned anew from now on, and belongs to who was started last", async () => {
    const older = ticker(database, [schedule("report", "1h")], { holder: "old", log });
    const newer = ticker(database, [schedule("report", "30m")], { holder: "new", log });
    await setClock(database, "2026-07-01T00:10Z");
    await older.look();
    await setClock(database, "2026-07-01T01:10Z");
    await newer.look();
    assert.deepEqual(lines, ["a schedule is new, and runs from now on: report", "a schedule was changed, and is planned anew from now on: report"]);
    assert.deepEqual(await fired(database), [], "the instant of the old plan is not one of the new");
    await setClock(database, "2026-07-01T02:30Z");
    await older.look();
    assert.deepEqual(await fired(database), [], "the older process leaves it alone");
    await newer.look();
    assert.deepEqual(await fired(database), ["report 2026-07-01T02:30Z +2"]);
    assert.equal(lines.length, 2 + 1);

    await die(database, "new");
    await older.look();
    assert.match(lines.at(-1) ?? "", /planned anew/);
    await setClock(database, "2026-07-01T03:00Z");
    await older.look();
    assert.deepEqual(await fired(database), ["report 2026-07-01T03:00Z"]);
  });

  test("that is no more is removed with its runs, once nobody who has it is at work", async () => {
    const older = ticker(database, [schedule("report", "1h"), schedule("kept", "1h")], { holder: "old", log });
    const newer = ticker(database, [schedule("kept", "1h")], { holder: "new", log });
    await setClock(database, "2026-07-01T00:10Z");
    await older.look();
    await setClock(database, "2026-07-01T01:00Z");
    await older.look();
    await newer.look();
    assert.equal((await run(database, "select 1 from tenon_schedules")).length, 2);
    await die(database, "old");
    await newer.look();
    assert.deepEqual((await run(database, "select name from tenon_schedules")).map(({ name }) => name), ["kept"]);
    assert.deepEqual(await fired(database), ["kept 2026-07-01T01:00Z"]);
    assert.match(lines.at(-1) ?? "", /^a schedule is no more/);
  });

  test("whose run has not ended does not pile up: `once` has one behind it, `skip` none, `all` each", async () => {
    const own = ticker(database, [schedule("once", "1h", "once"), schedule("skip", "1h", "skip"), schedule("all", "1h", "all")], { holder: "new" });
    for (let hour = 0; hour <= 5; hour++) {
      await setClock(database, Date.parse("2026-07-01T00:00Z") + hour * 60 * minuteMs);
      await own.look();
    }
    const waiting = await fired(database);
    assert.deepEqual(waiting.filter((each) => each.startsWith("once")), ["once 2026-07-01T01:00Z", "once 2026-07-01T02:00Z"]);
    assert.deepEqual(waiting.filter((each) => each.startsWith("skip")), ["skip 2026-07-01T01:00Z"]);
    assert.equal(waiting.filter((each) => each.startsWith("all")).length, 5);
    await setClock(database, "2026-07-01T06:00Z");
    await own.look();
    assert.deepEqual((await fired(database)).toSorted(), ["all 2026-07-01T06:00Z", "once 2026-07-01T06:00Z +3", "skip 2026-07-01T06:00Z"]);
  });

  test("costs one look a minute while nothing is due, and none where there is no schedule", async () => {
    await setClock(database, "2026-07-01T00:10Z");
    assert.equal(await ticker(database, [schedule("far", "1h")], { holder: "new" }).look(), 60_000);
    await setClock(database, "2026-07-01T00:59:59Z");
    assert.equal(await ticker(database, [schedule("far", "1h")], { holder: "new" }).look(), 1_001);
    await clearSchedules(database);
    assert.equal(await ticker(database, [], { holder: "new" }).look(), undefined);
  });
});

function everyHalfHour(from: string, to: string): readonly string[] {
  const instants: string[] = [];
  for (let ms = Date.parse(from); ms <= Date.parse(to); ms += 30 * minuteMs) instants.push(new Date(ms).toISOString().replace(":00.000Z", "Z"));
  return instants;
}
