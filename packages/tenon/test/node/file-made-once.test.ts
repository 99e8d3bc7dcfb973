/** A file that several make at once is one file, with hard links and without. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { MadeOnceError, readOrMake } from "../../src/node/index.ts";

describe("a file that is made once", () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "tenon-once-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  test("is made by one of many, whole, for its owner alone, and stays", async () => {
    const file = join(root, "deeper", "still", "key");
    const texts = await Promise.all(Array.from({ length: 20 }, (_, i) => readOrMake(file, () => `made by ${i} ${"x".repeat(10_000)}`)));
    assert.equal(new Set(texts).size, 1);
    assert.equal(await readOrMake(file, () => assert.fail("it is there")), texts[0]);
    assert.deepEqual(await readdir(join(root, "deeper", "still")), ["key"], "no draft is left");
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  test("comes to be where there are no hard links too, and never over another one's", async () => {
    const noLinks = { link: () => Promise.reject(Object.assign(new Error("not supported"), { code: "EPERM" })) };
    const file = join(root, "unlinked");
    assert.equal(await readOrMake(file, () => "first", noLinks), "first");
    const late = join(root, "late");
    const text = await readOrMake(late, async () => {
      await writeFile(late, "another process"); // while this one was at it
      return "this one";
    }, noLinks);
    assert.deepEqual([text, await readFile(late, "utf8")], ["another process", "another process"]);
    assert.deepEqual((await readdir(root)).filter((name) => name.endsWith(".tmp")), []);
  });

  test("says what is wrong where it cannot be read or made", async () => {
    const taken = join(root, "taken");
    await mkdir(taken);
    await assert.rejects(readOrMake(taken, () => ""), (thrown) => thrown instanceof MadeOnceError && thrown.problem === "cannot be read" && thrown.code === "EISDIR");
    await writeFile(join(root, "file"), "");
    await assert.rejects(readOrMake(join(root, "file", "key"), () => ""), { name: "MadeOnceError", problem: "cannot be made", code: "EEXIST" });
    const removing = { link: async () => undefined };
    await assert.rejects(readOrMake(join(root, "gone"), () => "", removing), { problem: "was removed while it was made" });
  });
});
