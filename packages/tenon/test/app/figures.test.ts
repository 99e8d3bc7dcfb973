/** What the platform counts by itself, from the work of an app with a database to what is collected. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sql } from "kysely";
import * as z from "zod";
import { app, command, contract, counter, event, reactions, service, table } from "tenon";
import { startApp, type StartedApp } from "../../src/app/index.ts";
import type { MetricFamily, Series } from "../../src/telemetry/index.ts";

const desk = contract("desk", {
  add: command({ http: "POST /marks", access: "public", input: z.object({ what: z.string() }), errors: { Refused: { status: 409 } } }),
  added: event({ data: z.object({ what: z.string() }), key: "what" }),
});
const tables = { marks: table({ position: z.int(), what: z.string(), at: z.string(), missed: z.int() }, { key: "position", defaults: ["position"] }) };
const { every, on, workflow } = reactions(tables);
const measured = counter("marks_measured", { help: "Marks, by who measured them.", labels: ["by"] });

let attempts = 0;
const follow = workflow("follow", { input: z.object({ what: z.string() }), retry: { attempts: 1 } }, async (flow) => {
  await flow.step("note", async ({ measure }) => {
    measure(measured, 1, { by: "step" });
  });
  await flow.step("check", () => {
    if (flow.input.what === "bad") throw new RangeError("bad");
    return Promise.resolve();
  });
});

const deskService = service(desk, {
  tables,
  migrations: new URL("trigger-migrations/", import.meta.url),
  handlers: {
    async add({ db, emit, fail, input, measure, start }) {
      measure(measured, 1, { by: "command" });
      if (input.what === "refused") throw fail.Refused();
      await db.insertInto("marks").values({ what: input.what, at: "", missed: 0 }).execute();
      if (++attempts === 1) await sql`do $$ begin raise exception 'lost' using errcode = '40001'; end $$`.execute(db);
      await emit(desk.added, input);
      await start(follow, input);
    },
  },
  subscriptions: [
    on(desk.added, "note", ({ measure }) => measure(measured, 1, { by: "subscription" })),
    on(desk.added, "refuse", { attempts: 1 }, () => {
      throw new RangeError("never");
    }),
  ],
  triggers: [every("1d", "tidy", ({ measure }) => measure(measured, 1, { by: "schedule" }))],
  workflows: [follow],
});

describe("what is counted of an app with a database", () => {
  let started: StartedApp;
  let families: readonly MetricFamily[];

  before(async () => {
    started = await startApp(app("office", { services: [deskService] }), { layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", DATABASE_URL: "pglite:memory" } }] });
    const statuses: number[] = [];
    for (const what of ["good", "bad", "refused"]) {
      const response = await fetch(`${started.url}/marks`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ what }) });
      statuses.push(response.status);
    }
    assert.deepEqual(statuses, [204, 204, 409]);
    await started.open.fire("desk", "tidy", { scheduledAtMs: Date.now(), missed: 0 });
    await started.open.settled();
    await started.open.metrics.refresh();
    families = started.open.metrics.collect();
  });
  after(() => started.stop());

  function series(name: string): readonly Series[] {
    return families.find((family) => family.name === name)?.series ?? [];
  }

  /** Values by the values of their labels; of a histogram, how often it was observed. */
  function values(name: string): Readonly<Record<string, number>> {
    return Object.fromEntries(series(name).map(({ histogram, labels, value }) => [Object.values(labels).join("/"), value ?? histogram?.count ?? Number.NaN]));
  }

  test("operations, subscriptions, schedules and steps: how many, how they ended, how long they took", () => {
    const calls = values("tenon_calls");
    const durations = values("tenon_call_duration_seconds");
    for (const [labels, count] of [
      ["desk.add/command/ok", 2],
      ["desk.add/command/Refused", 1],
      ["desk.note/subscription/ok", 2],
      ["desk.refuse/subscription/internal", 2],
      ["desk.every tidy/schedule/ok", 1],
      ["desk.follow/step/ok", 3],
      ["desk.follow/step/internal", 1],
    ] as const) {
      assert.equal(calls[labels], count, labels);
    }
    assert.equal(durations["desk.add/command"], 3);
    assert.equal(durations["desk.follow/step"], 4);
  });

  test("each step of a workflow, and how runs ended", () => {
    assert.deepEqual(values("tenon_step_attempts"), { "desk.follow/note/ok": 2, "desk.follow/check/ok": 1, "desk.follow/check/internal": 1 });
    assert.deepEqual(values("tenon_step_duration_seconds"), { "desk.follow/note": 2, "desk.follow/check": 2 });
    assert.deepEqual(values("tenon_runs_ended"), { "desk.follow/completed": 1, "desk.follow/failed": 1 });
  });

  test("what handlers measure, once a call, however often its transaction was run again", () => {
    assert.equal(attempts, 3, "one attempt of two commands was lost");
    assert.deepEqual(values("marks_measured"), { command: 3, subscription: 2, schedule: 1, step: 2 });
  });

  test("the database: waits, trips, failures and how full it is", () => {
    assert.ok((values("tenon_database_wait_seconds")["desk/write"] as number) >= 3);
    assert.ok((values("tenon_database_statement_duration_seconds")["desk/write"] as number) >= 6);
    assert.equal(values("tenon_database_failures")["desk/write/40001"], 1);
    assert.deepEqual(values("tenon_database_sessions_max"), { "/": 1 });
    assert.equal((values("tenon_database_sessions_used")["/"] as number) + (values("tenon_database_sessions_idle")["/"] as number), 1);
  });

  test("how far behind events are, and what was given up", () => {
    assert.deepEqual(values("tenon_outbox_events"), { desk: 0 });
    assert.deepEqual(values("tenon_outbox_oldest_age_seconds"), { desk: 0 });
    assert.equal(values("tenon_dead_letters")["desk/refuse"], 2);
    assert.equal(values("tenon_inbox_deliveries")["desk/note/ready"], 0);
    assert.equal(values("tenon_inbox_oldest_age_seconds")["desk/every tidy"], 0);
  });

  test("the process, under the names that dashboards know", () => {
    const only = (name: string): number => values(name)[""] as number;
    assert.ok(only("process_cpu_seconds") > 0.1);
    assert.ok(only("process_resident_memory_bytes") > 2 ** 25);
    assert.ok(Math.abs(only("process_start_time_seconds") - Date.now() / 1000) < 120);
    assert.ok(only("nodejs_heap_size_used_bytes") <= only("nodejs_heap_size_total_bytes"));
    assert.ok(only("nodejs_heap_size_total_bytes") < only("nodejs_heap_size_limit_bytes"));
    assert.ok(only("nodejs_eventloop_utilization_ratio") > 0 && only("nodejs_eventloop_utilization_ratio") <= 1);
    assert.equal(only("tenon_calls_underway"), 0);
    assert.ok(only("tenon_http_connections") >= 1);
  });
});
