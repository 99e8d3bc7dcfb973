/** The watcher of `tenon dev`: each save once, in directories old and new, and in files elsewhere. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SourceWatcher } from "../../src/cli/index.ts";

describe("a source watcher", () => {
  let root: string;
  let app: string;
  let watcher: SourceWatcher;
  let told: string[][];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "tenon-watcher-"));
    app = join(root, "app");
    await mkdir(join(app, "orders/migrations"), { recursive: true });
    await mkdir(join(app, "node_modules/zod"), { recursive: true });
    await mkdir(join(app, "rows/base"), { recursive: true });
    await writeFile(join(app, "orders/service.ts"), "one");
    await writeFile(join(app, "rows/PG_VERSION"), "17");
    told = [];
    watcher = new SourceWatcher({
      directory: app,
      onChange: (files) => told.push(files.map((file) => relative(root, file))),
      onFallback: (reason) => assert.fail(reason),
    });
  });
  afterEach(async () => {
    watcher.close();
    await rm(root, { recursive: true, force: true });
  });

  /** What was told within a time in which everything is. */
  async function changes(): Promise<readonly (readonly string[])[]> {
    await sleep(250);
    return told.splice(0);
  }

  test("tells a save, once", async () => {
    await writeFile(join(app, "orders/service.ts"), "two");
    assert.deepEqual(await changes(), [["app/orders/service.ts"]]);
  });

  test("tells a save that replaces the file, as editors do it that write a copy first", async () => {
    await writeFile(join(app, "orders/service.ts.tmp"), "two");
    await rename(join(app, "orders/service.ts.tmp"), join(app, "orders/service.ts"));
    assert.deepEqual(await changes(), [["app/orders/service.ts"]]);
    await writeFile(join(app, "orders/service.ts"), "three");
    assert.deepEqual(await changes(), [["app/orders/service.ts"]]);
  });

  test("tells a new file in a new directory, and a file that is removed", async () => {
    await mkdir(join(app, "payments/migrations"), { recursive: true });
    await writeFile(join(app, "payments/migrations/0001_payments.sql"), "select 1");
    assert.deepEqual((await changes()).flat(), ["app/payments/migrations/0001_payments.sql"]);
    await writeFile(join(app, "payments/migrations/0001_payments.sql"), "select 2");
    assert.deepEqual((await changes()).flat(), ["app/payments/migrations/0001_payments.sql"]);
    await rm(join(app, "payments"), { recursive: true });
    assert.deepEqual((await changes()).flat(), ["app/payments/migrations/0001_payments.sql"]);
  });

  test("does not tell of packages, of the files of a database, of what no app is made of, and of a file that was only read", async () => {
    await writeFile(join(app, "node_modules/zod/index.js"), "");
    await writeFile(join(app, "rows/base/1.ts"), "");
    await writeFile(join(app, "orders/upload.png"), "");
    const past = new Date(0);
    await utimes(join(root), past, past);
    assert.deepEqual(await changes(), []);
  });

  test("tells of a file elsewhere, and of no other there; also when it is replaced, or comes to be later", async () => {
    await mkdir(join(root, "shared"));
    await writeFile(join(root, "shared/money.ts"), "one");
    watcher.add([join(root, "shared/money.ts"), join(root, ".env")]);
    await writeFile(join(root, "shared/other.ts"), "");
    assert.deepEqual(await changes(), []);
    await writeFile(join(root, "shared/new.ts"), "two");
    await rename(join(root, "shared/new.ts"), join(root, "shared/money.ts"));
    assert.deepEqual((await changes()).flat(), ["shared/money.ts"]);
    await writeFile(join(root, ".env"), "PORT=1");
    assert.deepEqual((await changes()).flat(), [".env"]);
    await rm(join(root, ".env"));
    assert.deepEqual((await changes()).flat(), [".env"]);
    await writeFile(join(root, ".env"), "PORT=2");
    assert.deepEqual((await changes()).flat(), [".env"]);
  });

  test("is silent once it is closed", async () => {
    watcher.close();
    await writeFile(join(app, "orders/service.ts"), "two");
    assert.deepEqual(await changes(), []);
  });
});
