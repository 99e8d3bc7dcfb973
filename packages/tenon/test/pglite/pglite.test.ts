import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Database, provision } from "../../src/data/index.ts";
import { openPglite, type PgliteOptions } from "../../src/pglite/index.ts";
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
  assert.equal(warnings.length, 1);
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

test("letters of every script have an upper and a lower case", async () => {
  const database = await open({ cacheDir });
  const session = await database.acquire({ service: "", mode: "admin", timeoutMs: 1_000 });
  assert.deepEqual((await session.query("select lower('ÄÉЖ') as low", [])).rows, [{ low: "äéж" }]);
  session.release();
  await database.close();
});
