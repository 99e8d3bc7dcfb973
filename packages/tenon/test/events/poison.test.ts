/** An event that ends each process that delivers it: after so many deaths it is a dead letter, and everything else is done. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Database } from "../../src/data/index.ts";
import { openPglite } from "../../src/pglite/index.ts";
import { cacheDir } from "../data/engines.ts";
import { openServerDatabase, skip } from "../data/server.ts";
import { add, applied, count, prepare, record, run } from "./delivered-service.ts";
import { attempts, poison } from "./poisoned-process.ts";

const script = fileURLToPath(new URL("poisoned-process.ts", import.meta.url));
const total = 40;

interface Place {
  /** What the process is told. */
  readonly where: string;
  /** While no process has it. */
  use<T>(task: (database: Database) => Promise<T>): Promise<T>;
  drop(): Promise<void>;
}

const places = [
  {
    name: "postgres",
    skip,
    async open(): Promise<Place> {
      const server = await openServerDatabase();
      return { where: server.url, use: (task) => task(server.database), drop: () => server.drop() };
    },
  },
  {
    name: "pglite",
    skip: false as const,
    async open(): Promise<Place> {
      const directory = await mkdtemp(join(tmpdir(), "tenon-poison-"));
      return {
        where: directory,
        async use(task) {
          const database = await openPglite({ dataDir: directory, cacheDir });
          try {
            return await task(database);
          } finally {
            await database.close();
          }
        },
        drop: () => rm(directory, { recursive: true }),
      };
    },
  },
];

/** Runs until it dies, or nothing is left to deliver. @returns Whether it died. */
async function live(where: string): Promise<boolean> {
  const child = spawn(process.execPath, ["--conditions=tenon-source", script, where], { stdio: ["ignore", "ignore", "inherit"] });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  if (signal !== "SIGKILL") assert.equal(code, 0, "it stopped in order");
  return signal === "SIGKILL";
}

for (const place of places) {
  describe(`an event that ends its process, on ${place.name}`, { skip: place.skip }, () => {
    let opened: Place;
    before(async () => {
      opened = await place.open();
    });
    after(() => opened?.drop());

    test("is a dead letter once its attempts are used up, and costs the others no more than an attempt or two", async () => {
      await opened.use(async (database) => {
        await prepare(database);
        await add(database, "work", Array.from({ length: total }, (_, n) => record(n, n % 4 === 0 ? undefined : `k${n % 11}`)));
      });
      let deaths = 0;
      while (await live(opened.where)) {
        deaths += 1;
        assert.ok(deaths <= attempts + 1, `${deaths} deaths`);
      }
      await opened.use(async (database) => {
        assert.equal(deaths, attempts + 1); // the first one is not counted: nothing was written down before
        const dead = await run(database, "select data, attempts, error from tenon_dead_letters");
        assert.deepEqual(dead.map(({ attempts: made, data }) => [data, made]), [[{ n: poison }, attempts]]);
        assert.match(String(dead[0]?.["error"]), /^The process ended while it was at work on this delivery\. That makes 4/);
        assert.deepEqual((await applied(database)).toSorted((a, b) => a - b), Array.from({ length: total }, (_, n) => n).filter((n) => n !== poison));
        assert.equal(await count(database, "tenon_inbox"), 0);
      });
    });

    test("a process that stops in order leaves nothing that would count", async () => {
      await opened.use((database) => add(database, "work", [record(100), record(101)]));
      assert.equal(await live(opened.where), false);
      await opened.use(async (database) => {
        assert.equal(await count(database, "tenon_inbox"), 0);
        assert.equal((await run(database, "select 1 from tenon_lanes where holder is not null")).length, 0);
      });
    });
  });
}
