import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Database, migrate, type Migration, MigrationError, pendingMigrations, readMigrations, toMigration } from "../../src/data/index.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import { engines, type Opened } from "./engines.ts";
import { openServerDatabase, skip } from "./server.ts";

async function rowsOf(database: Database, text: string, mode: "admin" | "write" = "admin"): Promise<readonly Record<string, unknown>[]> {
  const session = await database.acquire({ service: "orders", mode, timeoutMs: 2_000 });
  try {
    return (await session.query(text, [])).rows;
  } finally {
    session.release();
  }
}

function migrateOrders(database: Database, ...migrations: readonly Migration[]) {
  return migrate(database, [{ service: "orders", migrations }]);
}

const first = toMigration("0001_orders.sql", "create table orders (id int primary key);\ninsert into orders values (1);");
const second = toMigration("0002_notes.sql", "alter table orders add column note text;");

describe("files of migrations", () => {
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenon-migrations-"));
  });
  after(() => rm(directory, { recursive: true }));

  async function readFiles(files: Readonly<Record<string, string>>): Promise<readonly Migration[]> {
    const own = await mkdtemp(join(directory, "set-"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(own, name), text);
    return readMigrations(pathToFileURL(own));
  }

  test("are read in order, and what is not SQL is left alone", async () => {
    const read = await readFiles({ "0002_b.sql": "select 2", "0001_a.sql": "select 1", "README.md": "about" });
    assert.deepEqual(read.map(({ name, text }) => [name, text]), [
      ["0001_a.sql", "select 1"],
      ["0002_b.sql", "select 2"],
    ]);
  });

  test("have the same checksum whatever the ends of their lines", () => {
    assert.equal(toMigration("0001_a.sql", "select 1;\r\nselect 2;").checksum, toMigration("0001_a.sql", "select 1;\nselect 2;").checksum);
  });

  test("are refused by name when a number is missing or there twice, or a name is none", async () => {
    await assert.rejects(readFiles({ "0001_a.sql": "", "0003_c.sql": "" }), /0003_c\.sql stands where 0002 is missing/);
    await assert.rejects(readFiles({ "0001_a.sql": "", "0001_b.sql": "" }), /0001_b\.sql has the same number as 0001_a\.sql/);
    await assert.rejects(readFiles({ "0002_a.sql": "" }), /0002_a\.sql stands where 0001 is missing/);
    await assert.rejects(readFiles({ "first.sql": "" }), /first\.sql is not a name for a migration/);
    await assert.rejects(readMigrations(new URL("missing/", pathToFileURL(`${directory}/`))), MigrationError);
  });
});

for (const engine of engines) {
  describe(`migrations on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    before(async () => {
      opened = await engine.open();
    });
    after(() => opened.drop());

    test("are pending before they are applied, and looking changes nothing", async () => {
      const services = [{ service: "orders", migrations: [first] }];
      assert.deepEqual(await pendingMigrations(opened.database, services), [{ service: "orders", name: "0001_orders.sql" }]);
      assert.deepEqual(await rowsOf(opened.database, "select to_regnamespace('orders') as schema"), [{ schema: null }]);
    });

    test("are applied once, in order, and the service may use what they built", async () => {
      assert.deepEqual(await migrateOrders(opened.database, first), [{ service: "orders", name: "0001_orders.sql" }]);
      assert.deepEqual(await migrateOrders(opened.database, first, second), [{ service: "orders", name: "0002_notes.sql" }]);
      assert.deepEqual(await migrateOrders(opened.database, first, second), []);
      assert.deepEqual(await pendingMigrations(opened.database, [{ service: "orders", migrations: [first, second] }]), []);
      assert.deepEqual(await rowsOf(opened.database, "select id, note from orders", "write"), [{ id: 1, note: null }]);
    });

    test("that failed left nothing behind, and say file, line and what the database said", async () => {
      const failing = toMigration("0003_more.sql", "create table more (id int);\n\n-- a comment\ninsert into more values (1),\n  ('not a number');\n");
      const failure = await failureOf(migrateOrders(opened.database, first, second, failing));
      assert.match(failure.message, /^orders: 0003_more\.sql, line 5: invalid input syntax for type integer: "…"/);
      assert.match(failure.message, /insert into more values/);
      assert.deepEqual(await rowsOf(opened.database, "select to_regclass('orders.more') as made"), [{ made: null }]);
      const late = toMigration("0003_more.sql", "create table more (id int);\nselect 1;\n\nselect 1/0;");
      assert.match((await failureOf(migrateOrders(opened.database, first, second, late))).message, /line 4: division by zero/);
    });

    test("that were applied and edited, taken away or slipped in before, are refused by name", async () => {
      const edited = toMigration("0001_orders.sql", "create table orders (id bigint primary key)");
      assert.match((await failureOf(migrateOrders(opened.database, edited, second))).message, /0001_orders\.sql was edited after it was applied/);
      assert.match((await failureOf(migrateOrders(opened.database, first))).message, /0002_notes\.sql was applied .* not among the files any more/);
      const slipped = [toMigration("0001_a.sql", ""), toMigration("0001_orders.sql", first.text), second];
      assert.match((await failureOf(migrateOrders(opened.database, ...slipped))).message, /0001_a\.sql comes before 0002_notes\.sql/);
      assert.match((await failureOf(pendingMigrations(opened.database, [{ service: "orders", migrations: [edited, second] }]))).message, /was edited/);
    });

    test("find a body with semicolons in it whole", async () => {
      const body = toMigration("0003_twice.sql", "create function twice(x int) returns int language plpgsql as $$ begin return 2 * x; end $$;\ncreate function thrice(x int) returns int begin atomic select 3 * x; end;");
      await migrateOrders(opened.database, first, second, body);
      assert.deepEqual(await rowsOf(opened.database, "select twice(2) as four, thrice(2) as six", "write"), [{ four: 4, six: 6 }]);
    });

    test("are told of by the platform alone: a service cannot rewrite its own record", async () => {
      await assert.rejects(rowsOf(opened.database, "delete from tenon_migrations", "write"), { sqlState: "42501" });
    });
  });
}

describe("migrations by several processes", { skip }, () => {
  test("are applied once, by one of them, while the others wait", async () => {
    const opened = await openServerDatabase();
    const processes = await Promise.all([1, 2, 3].map(() => openPostgres({ url: opened.url })));
    try {
      const slow = toMigration("0001_orders.sql", "select pg_sleep(0.2);\ncreate table orders (id int primary key);\ninsert into orders values (1);");
      const services = ["orders", "billing", "stock"].map((service) => ({ service, migrations: [slow] }));
      const applied = await Promise.all(processes.map((database) => migrate(database, services)));
      assert.deepEqual(applied.flat().map(({ service }) => service).toSorted(), ["billing", "orders", "stock"]);
      assert.deepEqual(await rowsOf(opened.database, "select id from orders", "write"), [{ id: 1 }]);
    } finally {
      await Promise.all(processes.map((database) => database.close()));
      await opened.drop();
    }
  });

  test("may leave their transaction, where PostgreSQL asks for it", async () => {
    const opened = await openServerDatabase();
    try {
      const outside = toMigration("0002_index.sql", "-- tenon: no transaction\ncreate index concurrently orders_id on orders (id);");
      await migrateOrders(opened.database, first, outside);
      assert.deepEqual(await rowsOf(opened.database, "select count(*) as count from pg_indexes where indexname = 'orders_id'"), [{ count: 1 }]);
    } finally {
      await opened.drop();
    }
  });
});

async function failureOf(result: Promise<unknown>): Promise<MigrationError> {
  try {
    await result;
  } catch (error) {
    if (error instanceof MigrationError) return error;
    throw error;
  }
  return assert.fail("it did not fail");
}
