/** The suite of the `Database` port: what every engine must do. An adapter's own test file is one call to this. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Fault } from "../kernel/index.ts";
import { namesOf } from "./names.ts";
import { type Database, DatabaseError, type Session, type SessionMode } from "./ports.ts";
import { provision } from "./provision.ts";

/** A database of its own for the suite, empty; `drop` closes it and takes it away. */
export interface OpenedForTest {
  readonly database: Database;
  drop(): Promise<void>;
}

const services = ["alpha", "beta-two"];

export function databaseContract(adapter: string, open: () => Promise<OpenedForTest>): void {
  describe(`${adapter} keeps the Database contract`, () => {
    let opened: OpenedForTest;

    async function within<T>(request: { readonly service?: string; readonly mode: SessionMode }, task: (session: Session) => Promise<T>): Promise<T> {
      const session = await opened.database.acquire({ service: request.service ?? "alpha", mode: request.mode, timeoutMs: 2_000 });
      try {
        return await task(session);
      } finally {
        session.release();
      }
    }

    before(async () => {
      opened = await open();
      await provision(opened.database, services);
      await within({ mode: "admin" }, async (session) => {
        await session.script("create table alpha.things (id int primary key, name text not null); create table beta_two.secrets (id int primary key)");
        await session.script("insert into beta_two.secrets values (1)");
      });
      await provision(opened.database, services);
    });

    after(() => opened.drop());

    test("values come back as JSON has them", async () => {
      const { rows } = await within({ mode: "read" }, (session) =>
        session.query(
          `select 1::int2 as small, 2::int4 as medium, 3::int8 as big, 9007199254740993::int8 as too_big, 1.5::float8 as real, 1.50::numeric as exact,
          true as yes, 'x' as words, '\\x00ff'::bytea as bytes, '{"a":[1]}'::jsonb as json, 'null'::json as json_null, null::text as nothing,
          '2026-11-23 10:11:12.5+02'::timestamptz as instant, '2026-11-23 10:11:12'::timestamp as local, '2026-11-23'::date as day,
          'infinity'::timestamptz as never, interval '1 day 2 hours' as length, '6f1c2b5e-0000-4000-8000-000000000001'::uuid as id,
          array[1, null, 3] as numbers, array['a', 'b,"c"', '\\'] as texts, array[array[1, 2], array[3, 4]] as nested, '{}'::text[] as none,
          array['{"a":1}'::jsonb] as jsons`,
          [],
        ),
      );
      assert.deepEqual(rows, [
        {
          small: 1,
          medium: 2,
          big: 3,
          too_big: "9007199254740993",
          real: 1.5,
          exact: "1.50",
          yes: true,
          words: "x",
          bytes: new Uint8Array([0, 255]),
          json: { a: [1] },
          json_null: null,
          nothing: null,
          instant: "2026-11-23T08:11:12.5Z",
          local: "2026-11-23T10:11:12",
          day: "2026-11-23",
          never: "infinity",
          length: "P1DT2H",
          id: "6f1c2b5e-0000-4000-8000-000000000001",
          numbers: [1, null, 3],
          texts: ["a", 'b,"c"', "\\"],
          nested: [
            [1, 2],
            [3, 4],
          ],
          none: [],
          jsons: [{ a: 1 }],
        },
      ]);
    });

    test("values go in as they come out, and an array is JSON for JSON and an array for an array", async () => {
      const instant = new Date("2026-11-23T08:11:12.500Z");
      const { rows } = await within({ mode: "read" }, (session) =>
        session.query("select $1::int as number, $2::text[] as texts, $3::jsonb as list, $4::jsonb as record, $5::timestamptz as instant, $6::bytea as bytes, $7::text as nothing, $8::bool as yes, $9::int8 as big", [
          7,
          ["a", 'b"\\', null],
          [1, { b: [2] }],
          { c: "d" },
          instant,
          new Uint8Array([1, 2, 255]),
          undefined,
          true,
          9007199254740993n,
        ]),
      );
      assert.deepEqual(rows, [
        {
          number: 7,
          texts: ["a", 'b"\\', null],
          list: [1, { b: [2] }],
          record: { c: "d" },
          instant: "2026-11-23T08:11:12.5Z",
          bytes: new Uint8Array([1, 2, 255]),
          nothing: null,
          yes: true,
          big: "9007199254740993",
        },
      ]);
    });

    test("a statement says how many rows it touched", async () => {
      await within({ mode: "write" }, async (session) => {
        const inserted = await session.query("insert into things values ($1, $2), ($3, $4)", [1, "one", 2, "two"]);
        assert.deepEqual({ affected: inserted.affected, tag: inserted.tag }, { affected: 2, tag: "INSERT 0 2" });
        const read = await session.query("select id from things order by id", []);
        assert.deepEqual({ affected: read.affected, rows: read.rows }, { affected: 0, rows: [{ id: 1 }, { id: 2 }] });
        const updated = await session.query("update things set name = 'x' where id = $1 returning name", [1]);
        assert.deepEqual({ affected: updated.affected, rows: updated.rows }, { affected: 1, rows: [{ name: "x" }] });
        assert.equal((await session.query("delete from things", [])).affected, 2);
      });
    });

    test("a failure carries the database's own words, and the session goes on", async () => {
      await within({ mode: "write" }, async (session) => {
        await session.query("insert into things values (1, 'one')", []);
        const failure = await failureOf(session.query("insert into things values ($1, $2)", [1, "again"]));
        assert.deepEqual([failure.sqlState, failure.constraint, failure.table], ["23505", "things_pkey", "things"]);
        assert.equal(failure.statement, "insert into things values ($1, $2)");
        assert.match(failure.detail ?? "", /already exists/);
        const broken = await failureOf(session.query("select * from things where nme = 1", []));
        assert.deepEqual([broken.sqlState, broken.position], ["42703", 28]);
        assert.equal((await session.query("delete from things", [])).affected, 1);
      });
    });

    test("a value that cannot be sent fails its statement alone", async () => {
      const circular: Record<string, unknown> = {};
      circular["self"] = circular;
      await within({ mode: "read" }, async (session) => {
        assert.equal((await failureOf(session.query("select $1::jsonb", [circular]))).sqlState, "22023");
        assert.deepEqual((await session.query("select 1 as one", [])).rows, [{ one: 1 }]);
      });
    });

    test("statements sent without waiting run in the order in which they were sent", async () => {
      await within({ mode: "write" }, async (session) => {
        const sent = [
          session.query("begin", []),
          session.query("insert into things values (1, 'one')", []),
          session.query("insert into things values ($1, $2)", [2, ["not", "text"]]), // has to ask for a type first
          session.query("select count(*) as count from things", []),
          session.query("rollback", []),
        ];
        const results = await Promise.allSettled(sent);
        assert.deepEqual(results.map(({ status }) => status), Array.from({ length: 5 }, () => "fulfilled"));
        const counted = results[3] as PromiseFulfilledResult<{ readonly rows: readonly unknown[] }>;
        assert.deepEqual(counted.value.rows, [{ count: 2 }]);
        assert.deepEqual((await session.query("select count(*) as count from things", [])).rows, [{ count: 0 }]);
      });
    });

    test("a batch stops at the first failure, so nothing after a failed BEGIN runs by itself", async () => {
      await within({ mode: "write" }, async (session) => {
        const batch = ["begin isolation level nonsense", "insert into things values (1, 'one')"].map((text) => ({ text, parameters: [] }));
        assert.equal((await failureOf(session.batch(batch))).sqlState, "42601");
        assert.deepEqual((await session.query("select count(*) as count from things", [])).rows, [{ count: 0 }]);

        const kept = [
          { text: "begin", parameters: [] },
          { text: "insert into things values ($1, $2)", parameters: [1, "one"] },
          { text: "commit", parameters: [] },
        ];
        assert.equal((await session.batch(kept)).tag, "COMMIT");
        assert.equal((await session.query("delete from things", [])).affected, 1);
      });
    });

    test("COMMIT after a failed statement answers ROLLBACK", async () => {
      await within({ mode: "write" }, async (session) => {
        await session.query("begin", []);
        await failureOf(session.query("select 1/0", []));
        assert.equal((await failureOf(session.query("select 1", []))).sqlState, "25P02");
        assert.equal((await session.query("commit", [])).tag, "ROLLBACK");
      });
    });

    test("a session that is given back inside a transaction leaves nothing behind", async () => {
      const session = await opened.database.acquire({ service: "alpha", mode: "write", timeoutMs: 2_000 });
      await session.query("begin", []);
      await session.query("insert into things values (1, 'one')", []);
      session.release();
      await within({ mode: "write" }, async (next) => {
        assert.deepEqual((await next.query("select count(*) as count from things", [])).rows, [{ count: 0 }]);
      });
    });

    test("a session that was given back is refused", async () => {
      const session = await opened.database.acquire({ service: "alpha", mode: "read", timeoutMs: 2_000 });
      session.release();
      await assert.rejects(async () => session.query("select 1", []), RangeError);
      assert.throws(() => session.release(), RangeError);
    });

    test("a service reads nothing of another, not even what it is called", async () => {
      for (const mode of ["read", "write"] as const) {
        await within({ mode }, async (session) => {
          assert.equal((await failureOf(session.query("select * from beta_two.secrets", []))).sqlState, "42501");
          assert.equal((await failureOf(session.query("insert into beta_two.secrets values (2)", []))).sqlState, "42501");
        });
      }
      await within({ service: "beta-two", mode: "read" }, async (session) => {
        assert.deepEqual((await session.query("select id from secrets", [])).rows, [{ id: 1 }]);
        assert.equal((await failureOf(session.query("select * from things", []))).sqlState, "42P01");
      });
    });

    test("a session for reading cannot write, whatever it tries", async () => {
      await within({ mode: "read" }, async (session) => {
        assert.match((await failureOf(session.query("insert into things values (1, 'one')", []))).sqlState, /^(?:25006|42501)$/);
        assert.match((await failureOf(session.query("delete from things", []))).sqlState, /^(?:25006|42501)$/);
        assert.match((await failureOf(session.query("create table other (id int)", []))).sqlState, /^(?:25006|42501)$/);
        // Its role may not either, so that taking the first lock away does not open the second.
        await session.script("begin read write");
        assert.equal((await failureOf(session.query("update things set name = ''", []))).sqlState, "42501");
        await session.script("rollback");
        assert.equal((await failureOf(session.query("select nextval('pg_catalog.nothing')", []))).sqlState, "42P01");
      });
    });

    test("a service cannot change what migrations have built", async () => {
      await within({ mode: "write" }, async (session) => {
        assert.equal((await failureOf(session.query("alter table things add column extra int", []))).sqlState, "42501");
        assert.equal((await failureOf(session.query("drop table things", []))).sqlState, "42501");
        assert.equal((await failureOf(session.query("create table more (id int)", []))).sqlState, "42501");
      });
    });

    test("whoever waits too long for a session is told, and the next one gets it", async () => {
      const held: Session[] = [];
      const request = { service: "alpha", mode: "write", timeoutMs: 100 } as const;
      let fault: unknown;
      for (let count = 0; count < 50 && fault === undefined; count++) {
        await opened.database.acquire(request).then(
          (session) => held.push(session),
          (thrown: unknown) => (fault = thrown),
        );
      }
      assert.ok(fault instanceof Fault && fault.code === "unavailable");
      const waiting = opened.database.acquire({ ...request, timeoutMs: 2_000 });
      held.pop()?.release();
      (await waiting).release();
      for (const session of held) session.release();
    });

    test("provisioning again, and by several at once, changes nothing", async () => {
      await Promise.all([provision(opened.database, services), provision(opened.database, services)]);
      const { rows } = await within({ mode: "admin" }, (session) => session.query("select current_database() as database", []));
      const { reader, writer } = namesOf(rows[0]?.["database"] as string, "alpha");
      const roles = await within({ mode: "admin" }, (session) =>
        session.query("select rolname, rolcanlogin, rolsuper, rolcreaterole from pg_roles where rolname = any ($1) order by rolname", [[reader, writer]]),
      );
      const plain = { rolcanlogin: false, rolsuper: false, rolcreaterole: false };
      assert.deepEqual(roles.rows, [
        { rolname: writer, ...plain },
        { rolname: reader, ...plain },
      ]);
    });

    test("a service without roles is told that its database is out of reach", async () => {
      await assert.rejects(opened.database.acquire({ service: "unknown", mode: "write", timeoutMs: 2_000 }), { name: "Fault", code: "unavailable" });
    });

    test("a closed database refuses, and closing again is nothing", async () => {
      const other = await open();
      await other.database.close();
      await other.database.close();
      await assert.rejects(async () => other.database.acquire({ service: "", mode: "admin", timeoutMs: 500 }), { name: "Fault", code: "unavailable" });
      await other.drop();
    });
  });
}

async function failureOf(result: Promise<unknown>): Promise<DatabaseError> {
  try {
    await result;
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
  return assert.fail("the statement did not fail");
}
