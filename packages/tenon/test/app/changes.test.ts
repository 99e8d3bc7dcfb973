/** Changes of rows on both engines: each told once, with the values that a query reads, whoever made it. */
import assert from "node:assert/strict";
import { before, beforeEach, describe, test } from "node:test";
import { app, contract, ContractMistakes, reactions, service } from "tenon";
import { settled, test as open } from "tenon/test";
import { serviceMigrations, startApp } from "../../src/app/index.ts";
import { type Database, migrate, toMigration } from "../../src/data/index.ts";
import { ChangeWatch, type Watch } from "../../src/events/index.ts";
import { engines } from "../data/engines.ts";
import { openServerDatabase, serverUrl, skip } from "../data/server.ts";
import { until } from "../events/delivered-service.ts";
import thingsService, { seen, tables, take } from "./watched-service.ts";

const large = (chars: number): string => `(select string_agg(md5(n::text), '') from generate_series(1, ${Math.ceil(chars / 32)}) as n)`;

for (const engine of engines) {
  describe(`changes on ${engine.name}`, { skip: engine.skip }, () => {
    before(() => {
      process.env["TENON_TEST_DATABASE_URL"] = engine.name === "postgres" ? serverUrl : "";
    });
    beforeEach(() => void seen.splice(0));

    test("are told in order, with key, before and after; a change that changes nothing is none", async () => {
      await using shop = open(thingsService);
      await shop.run({ text: "insert into things (id, thing_name) values (1, 'tea')" });
      await shop.run({ text: "update things set thing_name = 'green tea', total = 5 where id = 1" });
      await shop.run({ text: "update things set thing_name = 'green tea'" });
      await shop.run({ text: "update things set state = 'sold'" });
      await shop.run({ text: "delete from things" });
      await settled(shop);
      const tea = { id: 1, thingName: "tea", state: "new", total: 0 };
      const green = { ...tea, thingName: "green tea", total: 5 };
      const sold = { ...green, state: "sold" };
      const common = { key: { id: 1 }, isCut: false };
      assert.deepEqual(take("all"), [
        { ...common, operation: "insert", before: undefined, after: tea },
        { ...common, operation: "update", before: tea, after: green },
        { ...common, operation: "update", before: green, after: sold },
        { ...common, operation: "delete", before: sold, after: undefined },
      ]);
      assert.deepEqual(take("state").map(({ operation }) => operation), ["insert", "update", "delete"], "of `columns` alone");
    });

    test("that were undone are told to nobody; all of one statement are told", async () => {
      await using shop = open(thingsService);
      await assert.rejects(shop.run({ text: "insert into things (id, thing_name) values (1, 'tea')", fails: true }));
      await shop.run({ text: "insert into things (id, thing_name) select n, 'many' from generate_series(1, 700) as n" });
      await settled(shop);
      assert.deepEqual(take("all").map(({ key }) => (key as { readonly id: number }).id).toSorted((a, b) => a - b), Array.from({ length: 700 }, (_, i) => i + 1));
    });

    test("of a key are the end of one row and the beginning of another; a key may be several columns", async () => {
      await using shop = open(thingsService);
      await shop.run({ text: "insert into order_lines values ('o1', 1, 5)" });
      await shop.run({ text: "update order_lines set line = 2, count = 6" });
      await settled(shop);
      const one = { orderId: "o1", line: 1 };
      const two = { orderId: "o1", line: 2 };
      const lines = take("lines");
      const of = (line: number) => lines.filter(({ key }) => (key as typeof one).line === line); // two keys have no order between them
      assert.deepEqual(of(1), [
        { operation: "insert", key: one, before: undefined, after: { ...one, count: 5 }, isCut: false },
        { operation: "delete", key: one, before: { ...one, count: 5 }, after: undefined, isCut: false },
      ]);
      assert.deepEqual(of(2), [{ operation: "insert", key: two, before: undefined, after: { ...two, count: 6 }, isCut: false }]);
    });

    test("have the values that a query reads, type by type", async () => {
      await using shop = open(thingsService);
      await shop.run({ text: `insert into samples values (9007199254740993,
        true, -5, 2147483647, 9007199254740993, 0.1, 'NaN', 12345678901234567890.1200,
        'a "quoted" \\ text, {with} ünïcödé', 'short', 'ab', 'a_name', '0189f7a0-7c1e-7cc0-8000-0123456789ab', '\\x00ff10',
        '2026-03-29', '23:59:59.123456', '12:00:00+05:30', '2026-03-29 02:30:00.5', '2026-03-29 02:30:00.25+02', '1 year 2 days 03:04:05.6',
        '{"snake_key": [1, 2.50, null]}', '{"snake_key": [1, 2.5, null]}', 'wild', '10.0.0.1/8', 5,
        '{1,NULL,3}', '{9007199254740993,1}', '{1.10,2}', array['a "b"', 'NULL', null, ''], '{t,f}', '{2026-01-01 00:00:00+00}', array['\\x01'::bytea], '{calm}', array['{"a":1}'::jsonb])` });
      await shop.run({ text: "insert into samples (id, a_double, a_date, an_instant, a_numeric, some_ints) values (2, '-Infinity', '0044-03-15 BC', 'infinity', 'NaN', '{}')" });
      await settled(shop);
      const told = take("samples").map(({ after }) => after);
      const read = (await shop.samples()) as readonly Readonly<Record<string, unknown>>[];
      assert.deepEqual(told.toSorted((a, b) => String((a as { readonly id: unknown }).id).localeCompare(String((b as { readonly id: unknown }).id))), read.toSorted((a, b) => String(a["id"]).localeCompare(String(b["id"]))));
      assert.equal(Object.keys(read[0] ?? {}).length, Object.keys(tables.samples.columns).length);
    });

    test("that are too large to be carried along are told by their key, and never break the change", async () => {
      await using shop = open(thingsService);
      await shop.run({ text: `insert into things (id, thing_name) values (1, ${large(200_000)})` });
      await shop.run({ text: `update things set thing_name = ${large(300_000)}` });
      await settled(shop);
      const [inserted, updated] = take("all");
      assert.equal(inserted?.isCut, false);
      assert.deepEqual(updated, { operation: "update", key: { id: 1 }, before: undefined, after: undefined, isCut: true });
    });

    test("by TRUNCATE are not told", async () => {
      await using shop = open(thingsService);
      await shop.run({ text: "insert into things (id, thing_name) values (1, 'tea')" });
      await shop.run({ text: "truncate things" });
      await settled(shop);
      assert.deepEqual(take("all").map(({ operation }) => operation), ["insert"]);
    });
  });

  describe(`the triggers on ${engine.name}`, { skip: engine.skip }, () => {
    const watch: Watch = { name: "w", table: "goods", columns: ["id", "oldName", "count"], key: ["id"], only: undefined };
    const first = toMigration("0001_goods.sql", "create table goods (id integer primary key, old_name text, count integer not null default 0)");

    function follows(watches: readonly Watch[]): ChangeWatch {
      return new ChangeWatch({ service: "shop", watches });
    }

    function migrated(database: Database, watches: readonly Watch[], migrations = [first]): Promise<unknown> {
      const own = follows(watches);
      return migrate(database, [{ service: "shop", migrations, follow: (session, step) => own.mend(session, step === "end" ? { unknown: "remove", missing: "refuse" } : { unknown: "leave", missing: "skip" }) }]);
    }

    async function run(database: Database, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
      const session = await database.acquire({ service: "shop", mode: "write", timeoutMs: 5_000 });
      try {
        return (await session.query(text, [])).rows;
      } finally {
        session.release();
      }
    }

    test("are made once, mended where they differ, and removed with what they told", async () => {
      const opened = await engine.open();
      const { database } = opened;
      try {
        await migrated(database, [watch]);
        assert.deepEqual(await follows([watch]).mendIn(database), [], "nothing differs");
        const more = { ...watch, name: "more", only: ["count"] };
        const made = await Promise.all([follows([watch, more]).mendIn(database), follows([watch, more]).mendIn(database)]);
        assert.deepEqual(made.flat(), ["tenon_change_more on goods"], "two at once make one");
        await run(database, "insert into goods values (1, 'a')");
        assert.equal((await run(database, "select 1 from tenon_inbox")).length, 2);
        await migrated(database, [watch]);
        assert.deepEqual((await run(database, "select subscription from tenon_inbox")).map(({ subscription }) => subscription), ["change w"]);
      } finally {
        await opened.drop();
      }
    });

    test("of another version are left while anybody delivers, and removed by a migration", async () => {
      const opened = await engine.open();
      const { database } = opened;
      try {
        await migrated(database, [watch]);
        await run(database, "insert into tenon_members values ('another', 'infinity')");
        const done = await follows([]).mendIn(database);
        assert.deepEqual(done, database.sessions === "one" ? ["tenon_change_w removed"] : []);
        await migrated(database, []);
        await run(database, "insert into goods values (1, 'a')");
        assert.deepEqual(await run(database, "select 1 from tenon_inbox"), []);
      } finally {
        await opened.drop();
      }
    });

    test("fit a table from the moment on in which a migration has changed it", async () => {
      const opened = await engine.open();
      const { database } = opened;
      try {
        await migrated(database, [watch]);
        const second = toMigration("0002_count.sql", "alter table goods drop column old_name; insert into goods values (1, 5); alter table goods alter column count type bigint; alter table goods add column color text");
        await migrated(database, [{ ...watch, columns: [...watch.columns, "color"] }], [first, second]);
        await run(database, "insert into goods values (2, 9007199254740993, 'red')");
        const told = (await run(database, "select data from tenon_inbox order by seq")).map(({ data }) => data as { readonly after: object; readonly types: object });
        assert.deepEqual(told.map(({ after }) => after), [{ id: "1", count: "5" }, { id: "2", count: "9007199254740993", color: "red" }]);
        assert.deepEqual(told.map(({ types }) => types), [{ id: 23, count: 23 }, { id: 23, count: 20, color: 25 }]);
      } finally {
        await opened.drop();
      }
    });

    test("that watch what no migration has built are refused by name", async () => {
      const opened = await engine.open();
      const { database } = opened;
      try {
        await assert.rejects(migrated(database, [{ ...watch, table: "gone" }]), /shop: onChange\("gone", "w"\) watches what no migration has built: the table gone/);
        await assert.rejects(migrated(database, [{ ...watch, key: ["id", "part"] }]), /the columns part of the table goods/);
      } finally {
        await opened.drop();
      }
    });
  });
}

describe("changes that others make on a server", { skip }, () => {
  test("are told at once, in the order of each row, whatever their session has set", async () => {
    const opened = await openServerDatabase();
    const { default: pg } = await import("pg");
    const layers = [{ name: "test", values: { DATABASE_URL: opened.url, PORT: "0", LOG_LEVEL: "error" } }];
    await migrate(opened.database, [await serviceMigrations(thingsService)]);
    seen.splice(0);
    const started = await startApp(app("shop", { services: [thingsService] }), { layers, migrate: "never" });
    const clients = await Promise.all([0, 1].map(async () => {
      const client = new pg.Client({ connectionString: opened.url });
      await client.connect();
      await client.query("set timezone = 'Asia/Kolkata'; set datestyle = 'German'; set intervalstyle = 'postgres'; set bytea_output = 'escape'; set extra_float_digits = 0; set search_path = pg_temp");
      return client;
    }));
    const [one, two] = clients as [(typeof clients)[0], (typeof clients)[0]];
    const notices: string[] = [];
    one.on("notification", ({ payload }) => void notices.push(payload ?? ""));
    try {
      await one.query("listen tenon_wakes");
      await one.query("insert into things.samples (id, an_instant, an_interval, some_bytes, a_double) values (1, '2026-03-29 02:30:00+02', '1 day', '\\x00ff', 0.1)");
      await until("it is told", () => seen.length > 0);
      const { after } = take("samples")[0] as { readonly after: Readonly<Record<string, unknown>> };
      assert.deepEqual([after["anInstant"], after["anInterval"], after["someBytes"], after["aDouble"]], ["2026-03-29T00:30:00Z", "P1D", new Uint8Array([0, 255]), 0.1]);
      assert.ok(notices.includes("inbox things"), "whoever delivers is woken");

      await one.query("insert into things.things (id, thing_name) values (1, 'count'), (2, 'count')");
      // A change that took its place in the inbox early and is committed late, and the next one of the same row.
      await two.query("begin");
      await two.query("update things.things set total = 100 where id = 2");
      await one.query("update things.things set total = 100 where id = 1");
      await until("the later one is told", () => seen.some(({ by, operation }) => by === "all" && operation === "update"));
      await Promise.all([one.query("update things.things set total = 200 where id = 2"), two.query("commit")]);
      await Promise.all(clients.map(async (client) => {
        for (let n = 0; n < 60; n++) await client.query("update things.things set total = total + 1 where id = $1", [1 + (n % 2)]);
      }));
      await two.query("delete from things.things");
      await until("all are told", () => seen.filter(({ by, operation }) => by === "all" && operation === "delete").length === 2);
      const all = take("all");
      for (const id of [1, 2]) {
        const own = all.filter(({ key }) => (key as { readonly id: number }).id === id);
        assert.equal(own.length, 2 + 60 + id);
        for (const [i, { before }] of own.entries()) assert.deepEqual(before, own[i - 1]?.after, "each begins where the last one ended");
      }
    } finally {
      await Promise.all(clients.map((client) => client.end()));
      await started.stop();
      await opened.drop();
    }
  });
});

describe("what is wrong with a subscription to changes", () => {
  test("is told by the service", () => {
    const none = contract("none", {});
    const { onChange } = reactions(tables);
    const triggers = [
      onChange("thing" as "things", "a", () => undefined),
      onChange("things", "b", { columns: ["color" as "state"] }, () => undefined),
      onChange("things", "b", { columns: [], concurrency: 0 }, undefined as never),
    ];
    assert.throws(
      () => service(none, { tables, migrations: new URL("change-migrations/", import.meta.url), handlers: {}, triggers }),
      (error: unknown) => {
        assert.ok(error instanceof ContractMistakes);
        assert.deepEqual(error.mistakes.map(({ at, problem }) => `${at}: ${problem}`), [
          'none: onChange("thing", "a"): the service declares no such table',
          'none: onChange("things", "b"): the table has no column "color"',
          'none: onChange("things", "b"): has no handler',
          'none: onChange("things", "b"): a concurrency of 0',
          'none: onChange("things", "b"): watches no column',
          'none: onChange("things", "b"): another trigger of the service has this name',
        ]);
        return true;
      },
    );
  });
});
