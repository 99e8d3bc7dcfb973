/** Schedules of a service, through the whole of an app. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { app, command, contract, ContractMistakes, query, reactions, service, table } from "tenon";
import { call, fire, settled, test as open } from "tenon/test";
import { startApp } from "../../src/app/index.ts";
import { openTriggers } from "../../src/reactions/index.ts";

const Mark = z.object({ what: z.string(), at: z.string(), missed: z.int() });
const clerk = contract("clerk", {
  marks: query({ http: "GET /marks", access: "public", output: z.object({ items: z.array(Mark) }) }),
  add: command({ access: "public", input: Mark }),
});
const tables = { marks: table({ position: z.int(), ...Mark.shape }, { key: "position", defaults: ["position"] }) };
const { every } = reactions(tables);

let failures = 0;
const migrations = new URL("trigger-migrations/", import.meta.url);

const clerkService = service(clerk, {
  tables,
  migrations,
  handlers: {
    async marks({ db }) {
      return { items: await db.selectFrom("marks").select(["what", "at", "missed"]).orderBy("position").execute() };
    },
    async add({ input, db }) {
      await db.insertInto("marks").values(input).execute();
    },
  },
  triggers: [
    every("1s", "tick", async ({ db, missed, scheduledAt }) => {
      await db.insertInto("marks").values({ what: "tick", at: scheduledAt, missed }).execute();
    }),
    every({ cron: "0 3 * * *", timeZone: "Europe/Berlin" }, "nightly", { missed: "all", attempts: 3, backoff: { base: "10ms", cap: "20ms" } }, async ({ attempt, call, db, idempotencyKey, missed, scheduledAt }) => {
      if (failures-- > 0) throw new RangeError("not yet");
      assert.match(idempotencyKey, /every nightly$/);
      await call(clerk.add, { what: "called", at: "", missed: 0 });
      await db.insertInto("marks").values({ what: `nightly at attempt ${attempt}`, at: scheduledAt, missed }).execute();
    }),
  ],
});

describe("a schedule", () => {
  test("does not run by itself in a test; `fire` runs it, with the whole of a handler's context", async () => {
    await using office = open(clerkService);
    assert.deepEqual(await office.marks(), { items: [] });
    await settled(office);
    assert.deepEqual(await office.marks(), { items: [] });
    await fire(office, "nightly", { scheduledAt: "2026-03-29T01:00:00Z", missed: 2 });
    await settled(office);
    assert.deepEqual((await office.marks()).items, [
      { what: "called", at: "", missed: 0 },
      { what: "nightly at attempt 1", at: "2026-03-29T01:00:00Z", missed: 2 },
    ]);
    await assert.rejects(fire(office, "weekly"), /clerk has no schedule "weekly": it has "tick", "nightly"/);
    await call(office, clerk.add, { what: "still here", at: "", missed: 0 });
  });

  test("that fails is tried again, and is told the same instant", async () => {
    await using office = open(clerkService);
    failures = 2;
    await fire(office, "nightly", { scheduledAt: "2026-03-29T01:00:00Z" });
    for (let n = 0; (await office.marks()).items.length < 2 && n < 500; n++) await settled(office);
    assert.deepEqual((await office.marks()).items.at(-1), { what: "nightly at attempt 3", at: "2026-03-29T01:00:00Z", missed: 0 });
  });

  test("runs by itself in an app, at its instants", async () => {
    const started = await startApp(app("office", { services: [clerkService] }), {
      layers: [{ name: "test", values: { DATABASE_URL: "pglite:memory", PORT: "0", LOG_LEVEL: "error" } }],
    });
    try {
      let items: readonly z.infer<typeof Mark>[] = [];
      for (const endMs = performance.now() + 20_000; items.length < 2 && performance.now() < endMs; ) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        items = ((await (await fetch(`${started.url}/marks`)).json()) as { readonly items: readonly z.infer<typeof Mark>[] }).items;
      }
      const [first, second] = items;
      assert.equal(first?.what, "tick");
      assert.equal(Date.parse(first?.at ?? "") % 1_000, 0);
      assert.equal(Date.parse(second?.at ?? "") - Date.parse(first?.at ?? ""), 1_000 * (1 + (second?.missed ?? 0)));
    } finally {
      await started.stop();
    }
  });
});

describe("what is wrong with a schedule is told before anything runs", () => {
  function mistakesOf(make: () => unknown): readonly string[] {
    try {
      make();
    } catch (error) {
      assert.ok(error instanceof ContractMistakes, String(error));
      return error.mistakes.map(({ at, problem }) => `${at}: ${problem}`);
    }
    return [];
  }
  const none = contract("none", {});
  const handler = (): void => undefined;
  type Options = Parameters<typeof service<typeof none>>[1];

  test("by the service, what needs no library", () => {
    const triggers = [
      every("1m", "Not a name", handler),
      every("1m", "twice", { attempts: 0, missed: "never" as "once" }, handler),
      every(5 as never, "twice", handler),
      every("1m", "idle", undefined as never),
    ];
    assert.deepEqual(mistakesOf(() => service(none, { handlers: {}, triggers } as unknown as Options)), [
      "none: has triggers but no migrations",
      'none: every("Not a name"): the name is not one for a trigger',
      'none: every("twice"): attempts: 0 is not a whole number from 1 to 1000',
      'none: every("twice"): missed "never"',
      'none: every("twice"): does not say when',
      'none: every("twice"): another trigger of the service has this name',
      'none: every("idle"): has no handler',
    ]);
  });

  test("by the app when it is opened, patterns and zones, of all schedules at once", () => {
    const triggers = [every("5 minutes" as never, "a", handler), every({ cron: "0 25 * * *", timeZone: "Berlin" }, "b", handler), every({ cron: "0 0 30 2 *" }, "c", handler)];
    const made = app("office", { services: [service(none, { handlers: {}, migrations, triggers } as unknown as Options)] });
    assert.deepEqual(mistakesOf(() => openTriggers(made, new Map())), [
      'none: every("a"): every: "5 minutes" is not a duration',
      'none: every("b"): cron: "25" is not an hour',
      'none: every("b"): timeZone: "Berlin" is not a time zone',
      'none: every("c"): cron: "0 0 30 2 *" never comes: no such day is in the calendar',
    ]);
  });
});
