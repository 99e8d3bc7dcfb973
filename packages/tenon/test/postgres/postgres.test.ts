import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Database, DatabaseError, migrate, namesOf, provision, toMigration } from "../../src/data/index.ts";
import { createTestDatabase, openPostgres } from "../../src/postgres/index.ts";
import { openServerDatabase, serverUrl, type ServerDatabase, skip } from "../data/server.ts";

test("a URL that cannot be read is refused at once, and not repeated", async () => {
  await assert.rejects(openPostgres({ url: "not a url with a secret" }), (fault: Error) => /postgres:\/\/user@host/.test(fault.message) && !/secret/.test(fault.message));
});

test("a label says where and holds no password", async () => {
  const database = await openPostgres({ url: "postgres://someone:secret@db.example:6432/shop" });
  assert.equal(database.label, "postgresql db.example:6432/shop");
  await database.close();
});

describe("connections to a server", { skip }, () => {
  let opened: ServerDatabase;

  before(async () => {
    opened = await openServerDatabase({ poolMax: 2, statementTimeoutMs: 2_345, idleInTransactionTimeoutMs: 6_789, preparedMax: 5, idleMs: 300 });
    await provision(opened.database, ["orders", "billing"]);
  });
  after(() => opened.drop());

  async function within<T>(mode: "read" | "write" | "admin", task: (query: (text: string, ...parameters: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>) => Promise<T>, database: Database = opened.database): Promise<T> {
    const session = await database.acquire({ service: mode === "admin" ? "" : "orders", mode, timeoutMs: 2_000 });
    try {
      return await task(async (text, ...parameters) => (await session.query(text, parameters)).rows);
    } finally {
      session.release();
    }
  }

  test("their settings are made as they start", async () => {
    const settings = `select current_user as role, current_setting('search_path') as path, current_setting('default_transaction_read_only') as read_only,
      current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle, current_setting('application_name') as name, current_setting('TimeZone') as zone`;
    const { reader, writer } = namesOf(new URL(opened.url).pathname.slice(1), "orders");
    const common = { path: "orders, public", statement: "2345ms", idle: "6789ms", zone: "UTC" };
    assert.deepEqual(await within("write", (query) => query(settings)), [{ ...common, role: writer, read_only: "off", name: "tenon orders write" }]);
    assert.deepEqual(await within("read", (query) => query(settings)), [{ ...common, role: reader, read_only: "on", name: "tenon orders read" }]);
    const [admin] = await within("admin", (query) => query(settings));
    assert.deepEqual([admin?.["statement"], admin?.["read_only"]], ["0", "off"]);
  });

  test("options of the URL are kept beside the platform's own", async () => {
    const url = new URL(opened.url);
    url.searchParams.set("options", "-c geqo_threshold=7");
    const database = await openPostgres({ url: url.href });
    const rows = await within("write", (query) => query("select current_setting('geqo_threshold') as own, current_setting('search_path') as path"), database);
    assert.deepEqual(rows, [{ own: "7", path: "orders, public" }]);
    await database.close();
  });

  test("statements are prepared once, and only so many of them are kept", async () => {
    await within("read", async (query) => {
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 20; i++) assert.deepEqual(await query(`select $1::int + ${i} as sum`, 1), [{ sum: 1 + i }]);
      }
      const [held] = await query("select count(*) as count from pg_prepared_statements");
      assert.ok(Number(held?.["count"]) <= 6, `${String(held?.["count"])} are held`); // and the one that asks
    });
  });

  test("a statement that failed while it was prepared, or while it ran, is as good as new", async () => {
    await within("write", async (query) => {
      for (let round = 0; round < 3; round++) {
        await assert.rejects(query("select * from missing where id = $1", 1), (error: DatabaseError) => error.sqlState === "42P01");
        await assert.rejects(query("select 1 / $1::int as x", 0), (error: DatabaseError) => error.sqlState === "22012");
        assert.deepEqual(await query("select 1 / $1::int as x", 1), [{ x: 1 }]);
      }
    });
  });

  test("statements that somebody deallocated are prepared again", async () => {
    await within("read", async (query) => {
      await query("select 41 + $1::int as x", 1);
      await query("deallocate all");
      await assert.rejects(query("select 41 + $1::int as x", 1), (error: DatabaseError) => error.isStalePlan);
      assert.deepEqual(await query("select 41 + $1::int as x", 1), [{ x: 42 }]);
    });
  });

  test("a text too long to be worth preparing, with an array in it, runs all the same", async () => {
    const long = `select $1::text[] as list ${" ".repeat(20_000)}`;
    await within("read", async (query) => {
      for (let round = 0; round < 2; round++) assert.deepEqual(await query(long, ["a", "b"]), [{ list: ["a", "b"] }]);
    });
  });

  test("COPY from the client is refused and leaves the session in order", async () => {
    await within("admin", async (query) => {
      await query("create temporary table copied (id int)");
      await assert.rejects(query("copy copied from stdin"), DatabaseError);
      assert.deepEqual(await query("select 1 as one"), [{ one: 1 }]);
    });
  });

  test("connections that nobody uses are closed after a while", async () => {
    const own = "select count(*) as count from pg_stat_activity where application_name = 'tenon billing write' and datname = current_database()";
    const session = await opened.database.acquire({ service: "billing", mode: "write", timeoutMs: 1_000 });
    session.release();
    assert.deepEqual(await within("admin", (query) => query(own)), [{ count: 1 }]);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    assert.deepEqual(await within("admin", (query) => query(own)), [{ count: 0 }]);
  });

  test("those who wait are served in the order in which they came", async () => {
    const request = { service: "orders", mode: "write", timeoutMs: 2_000 } as const;
    const held = [await opened.database.acquire(request), await opened.database.acquire(request)];
    const served: number[] = [];
    const waiting = [1, 2, 3, 4].map(async (number) => {
      const session = await opened.database.acquire(request);
      served.push(number);
      session.release();
    });
    for (const session of held) session.release();
    await Promise.all(waiting);
    assert.deepEqual(served, [1, 2, 3, 4]);
  });

  test("where all are taken, whoever watches gets one beyond them, in the rights of the service; whoever works does not", async () => {
    const request = { service: "orders", mode: "read", timeoutMs: 2_000 } as const;
    const held = [await opened.database.acquire(request), await opened.database.acquire(request)];
    const startedMs = performance.now();
    const watching = await opened.database.acquire({ ...request, purpose: "watch" });
    assert.ok(performance.now() - startedMs < 1_000);
    assert.deepEqual((await watching.query("select current_user as role", [])).rows, (await (held[0] as typeof watching).query("select current_user as role", [])).rows);
    await assert.rejects(opened.database.acquire({ ...request, timeoutMs: 100 }), { code: "unavailable" });
    await assert.rejects(opened.database.acquire({ ...request, purpose: "watch", timeoutMs: 100 }), { code: "unavailable" }, "there is one of them");
    watching.release();
    await assert.rejects(opened.database.acquire({ ...request, timeoutMs: 100 }), { code: "unavailable" }, "it is not given to others");
    for (const session of held) session.release();
    (await opened.database.acquire({ ...request, purpose: "watch" })).release();
  });

  test("a login of its own may take its own roles and nobody else's", async () => {
    const { reader, writer } = namesOf(new URL(opened.url).pathname.slice(1), "orders");
    const login = `${writer}_login`;
    await within("admin", async (query) => {
      await query(`create role ${login} login`);
      await query(`grant ${writer}, ${reader} to ${login}`);
    });
    const own = new URL(opened.url);
    own.username = login;
    const database = await openPostgres({ url: opened.url, urls: { orders: own.href, billing: own.href } });
    try {
      assert.deepEqual(await within("write", (query) => query("select current_user as role, session_user as login"), database), [{ role: writer, login }]);
      const stranger = namesOf(new URL(opened.url).pathname.slice(1), "billing").writer;
      await assert.rejects(within("write", (query) => query(`set role ${stranger}`), database), (error: DatabaseError) => error.sqlState === "42501");
      await assert.rejects(database.acquire({ service: "billing", mode: "write", timeoutMs: 1_000 }), { code: "unavailable" });
    } finally {
      await database.close();
    }
  });

  test("a login that is no superuser can provision and migrate, and take the roles that it made", async () => {
    const name = `${new URL(opened.url).pathname.slice(1)}_owner`;
    await within("admin", async (query) => {
      await query(`create role ${name} login createrole`);
      await query(`grant create on database ${new URL(opened.url).pathname.slice(1)} to ${name}`);
    });
    const url = new URL(opened.url);
    url.username = name;
    const database = await openPostgres({ url: url.href });
    try {
      const migrations = [toMigration("0001_things.sql", "create table things (id int primary key)")];
      await migrate(database, [{ service: "plain", migrations }]);
      await migrate(database, [{ service: "plain", migrations }]);
      const session = await database.acquire({ service: "plain", mode: "write", timeoutMs: 1_000 });
      assert.equal((await session.query("insert into things values (1)", [])).affected, 1);
      session.release();
    } finally {
      await database.close();
    }
  });

  test("a database of a test is gone after it, with the roles that were made in it", async () => {
    const made = await createTestDatabase(serverUrl);
    const database = await openPostgres({ url: made.url });
    await provision(database, ["orders"]);
    const session = await database.acquire({ service: "orders", mode: "read", timeoutMs: 1_000 }); // still held
    await made.drop();
    session.release("broken");
    await database.close();
    const name = new URL(made.url).pathname.slice(1);
    const rows = await within("admin", (query) =>
      query("select (select count(*) from pg_database where datname = $1) + (select count(*) from pg_roles where rolname like $2) as count", name, `${name}%`),
    );
    assert.deepEqual(rows, [{ count: 0 }]);
  });
});
