import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { databaseContract } from "../../src/data/testing.ts";
import { openPglite } from "../../src/pglite/index.ts";

const cacheDir = join(tmpdir(), "tenon-test-cache");
const directory = await mkdtemp(join(tmpdir(), "tenon-pglite-"));
let count = 0;

after(() => rm(directory, { recursive: true }));

databaseContract("pglite in memory", async () => {
  const database = await openPglite({ cacheDir });
  return { database, drop: () => database.close() };
});

databaseContract("pglite in a directory", async () => {
  const database = await openPglite({ cacheDir, dataDir: join(directory, String(++count)) });
  return { database, drop: () => database.close() };
});
