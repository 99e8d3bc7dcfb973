/** Databases that processes of a test use one after the other, and processes that may die of what they do. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../src/data/index.ts";
import { openPglite } from "../../src/pglite/index.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import { cacheDir } from "./engines.ts";
import { openServerDatabase, skip } from "./server.ts";

export interface Place {
  /** What the process is told. */
  readonly where: string;
  /** While no process has it. */
  use<T>(task: (database: Database) => Promise<T>): Promise<T>;
  drop(): Promise<void>;
}

export const places = [
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

/** In such a process: the database that it was told of. */
export function openPlace(where: string): Promise<Database> {
  return where.startsWith("postgres") ? openPostgres({ url: where, poolMax: 6 }) : openPglite({ dataDir: where, cacheDir });
}

/** Runs a script until it dies, or ends by itself. @returns Whether it died. */
export async function live(script: string, where: string): Promise<boolean> {
  const child = spawn(process.execPath, ["--conditions=tenon-source", script, where], { stdio: ["ignore", "ignore", "inherit"] });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  if (signal !== "SIGKILL") assert.equal(code, 0, "it stopped in order");
  return signal === "SIGKILL";
}
