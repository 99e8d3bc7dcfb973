import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Database, provision } from "../../src/data/index.ts";
import { openPglite, type PgliteOptions } from "../../src/pglite/index.ts";
import { SnapshotCache } from "../../src/pglite/testing.ts";
import { cacheDir } from "../data/engines.ts";

const opened: Database[] = [];

/** Closed at the end, also when the test fails: an open one would keep the process alive. */
async function open(options: PgliteOptions): Promise<Database> {
  const database = await openPglite(options);
  opened.push(database);
  return database;
}

const directory = await mkdtemp(join(tmpdir(), "tenon-pglite-"));
after(async () => {
  await Promise.all(opened.map((database) => database.close()));
  await rm(directory, { recursive: true });
});

test("rows in a directory outlive the process that wrote them, and its violent end", async () => {
  const dataDir = join(directory, "killed");
  const script = `
    import { openPglite } from ${JSON.stringify(new URL("../../src/pglite/index.ts", import.meta.url).href)};
    const database = await openPglite(${JSON.stringify({ dataDir, cacheDir })});
    const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1000 });
    await session.script("create table kept (id int)");
    await session.query("insert into kept values (1)", []);
    await session.query("begin", []);
    await session.query("insert into kept values (2)", []);
    process.kill(process.pid, "SIGKILL");
  `;
  const child = spawn(process.execPath, ["--conditions=tenon-source", "--input-type=module", "-e", script], { stdio: ["ignore", "ignore", "inherit"] });
  assert.equal(await new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal))), "SIGKILL");

  const database = await open({ dataDir, cacheDir });
  const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  assert.deepEqual((await session.query("select id from kept", [])).rows, [{ id: 1 }]);
  session.release();
  await database.close();
});

test("a directory whose maker was killed before it was whole is made anew", async () => {
  const dataDir = join(directory, "partial");
  await mkdir(dataDir);
  await writeFile(join(dataDir, "PG_VERSION"), "18");
  await writeFile(`${dataDir}.new`, "");
  for (let round = 0; round < 2; round++) {
    const database = await open({ dataDir, cacheDir });
    const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
    await session.script(round === 0 ? "create table kept (id int)" : "drop table kept");
    session.release();
    await database.close();
  }
});

test("a directory is in one process at a time", async () => {
  const dataDir = join(directory, "shared");
  const database = await open({ dataDir, cacheDir });
  const holder = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  await writeFile(join(directory, "other.lock"), `${holder.pid} 1`);
  await assert.rejects(open({ dataDir: join(directory, "other"), cacheDir, lockWaitMs: 100 }), (fault: Error) => /in use by another process/.test(fault.message));

  holder.kill();
  await new Promise((resolve) => holder.on("exit", resolve));
  const other = await open({ dataDir: join(directory, "other"), cacheDir }); // the lock of a dead process counts for nothing
  await other.close();
  await database.close();
  assert.deepEqual((await readdir(directory)).filter((name) => name.endsWith(".lock")), []);
});

test("a kept empty database that is broken is made anew", async () => {
  const ownCache = join(directory, "cache");
  await (await open({ cacheDir: ownCache })).close();
  const [kept = ""] = await readdir(ownCache);
  await writeFile(join(ownCache, kept), "not a database");
  const warnings: string[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: (message: string) => void warnings.push(message), error: () => undefined };
  const database = await open({ cacheDir: ownCache, log });
  const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  assert.deepEqual((await session.query("select 1 as one", [])).rows, [{ one: 1 }]);
  session.release();
  await database.close();
  assert.deepEqual(warnings, ["a kept database could not be loaded; a new one is made"]);
});

test("a new database begins as a copy of one that was kept with the same contents, and of no other", async () => {
  const ownCache = join(directory, "copies");
  const tablesOf = async (options: PgliteOptions): Promise<unknown> => {
    const database = await openPglite({ cacheDir: ownCache, ...options });
    const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
    const { rows } = await session.query("select tablename from pg_tables where schemaname = 'public' order by 1", []);
    session.release();
    await database.close();
    return rows.map((row) => row["tablename"]);
  };
  const made = await openPglite({ cacheDir: ownCache, contents: "one table" });
  opened.push(made);
  const session = await made.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  await session.script("create table kept (id int)");
  session.release();
  const copies = async (): Promise<number> => (await readdir(ownCache)).filter((name) => name.endsWith(".tar.gz")).length;
  await made.keep();
  assert.equal(await copies(), 1, "the empty one: what is wanted for the first time may never be again");
  await made.keep();
  assert.equal(await copies(), 2, "and the one with a table");
  await made.close();

  assert.deepEqual(await tablesOf({ contents: "one table" }), ["kept"]);
  const dataDir = join(directory, "copied");
  assert.deepEqual(await tablesOf({ contents: "one table", dataDir }), ["kept"]);
  assert.deepEqual(await tablesOf({ contents: "something else", dataDir }), ["kept"], "a database that is there stays what it is");
  assert.deepEqual(await tablesOf({ contents: "something else" }), []);
  assert.deepEqual(await tablesOf({}), []);
});

test("only so many databases are kept: those that were used last", async () => {
  const ownCache = join(directory, "many");
  const cacheOf = (contents: string) => new SnapshotCache(ownCache, { version: "1", parts: [contents] });
  for (let i = 0; i < 24; i++) await cacheOf(String(i)).write(new Blob([String(i)]));
  for (const name of await readdir(ownCache)) await utimes(join(ownCache, name), new Date(0), new Date(0));
  await cacheOf("0").read(); // the oldest, and used
  for (let i = 24; i < 47; i++) await cacheOf(String(i)).write(new Blob([String(i)]));
  const kept = await Promise.all(Array.from({ length: 47 }, async (_, i) => ((await cacheOf(String(i)).read()) === undefined ? [] : [i])));
  assert.deepEqual(kept.flat(), [0, ...Array.from({ length: 23 }, (_, i) => i + 24)]);
});

test("one holds the session, the others wait their turn, and rights change with the holder", async () => {
  const database = await open({ cacheDir });
  await provision(database, ["orders", "billing"]);
  const who = "select current_user as role, current_setting('search_path') as path, current_setting('default_transaction_read_only') as read_only";
  const seen = await Promise.all(
    (["orders", "billing", "orders"] as const).flatMap((service) =>
      (["read", "write"] as const).map(async (mode) => {
        const session = await database.acquire({ service, mode, timeoutMs: 2_000 });
        const { rows } = await session.query(who, []);
        session.release();
        return [service, mode, ...Object.values(rows[0] ?? {})];
      }),
    ),
  );
  assert.deepEqual(seen.slice(0, 4), [
    ["orders", "read", "postgres__orders__read", "orders, public", "on"],
    ["orders", "write", "postgres__orders", "orders, public", "off"],
    ["billing", "read", "postgres__billing__read", "billing, public", "on"],
    ["billing", "write", "postgres__billing", "billing, public", "off"],
  ]);
  await database.close();
});

test("extensions of the package can be created, and others are refused by name", async () => {
  const database = await open({ cacheDir, extensions: ["pg_trgm"] });
  const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  await session.script("create extension pg_trgm");
  assert.deepEqual((await session.query("select similarity('word', 'word') as same", [])).rows, [{ same: 1 }]);
  session.release();
  await database.close();
  await assert.rejects(open({ cacheDir, extensions: ["nonsense"] }), (fault: Error) => /no extension "nonsense"/.test(fault.message));
});

test("an array is sent as what its place is by now, and by whose rights it is asked", async () => {
  const database = await open({ cacheDir });
  await provision(database, ["orders", "billing"]);
  const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  await session.script("create table orders.kept (tags text[]); create table billing.kept (tags jsonb); grant all on orders.kept, billing.kept to postgres__orders, postgres__billing");
  session.release();
  const write = async (service: string): Promise<unknown> => {
    const held = await database.acquire({ service, mode: "write", timeoutMs: 1_000 });
    const { rows } = await held.query("insert into kept values ($1) returning pg_typeof(tags)::text as type", [["a", "b"]]);
    held.release();
    return rows[0]?.["type"];
  };
  for (let round = 0; round < 2; round++) assert.deepEqual([await write("orders"), await write("billing")], ["text[]", "jsonb"]);

  const again = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  await again.script("alter table orders.kept alter tags type jsonb using to_jsonb(tags)");
  again.release();
  assert.equal(await write("orders"), "jsonb");
  await database.close();
});

test("letters of every script have an upper and a lower case", async () => {
  const database = await open({ cacheDir });
  const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  assert.deepEqual((await session.query("select lower('ÄÉЖ') as low", [])).rows, [{ low: "äéж" }]);
  session.release();
  await database.close();
});
