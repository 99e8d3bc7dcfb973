/** The engines that every promise of the data room is tried on. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../src/data/index.ts";
import { openPglite } from "../../src/pglite/index.ts";
import { openServerDatabase, skip } from "./server.ts";

export interface Opened {
  readonly database: Database;
  drop(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Why it is not there, or `false`. */
  readonly skip: string | false;
  open(): Promise<Opened>;
}

export const cacheDir = join(tmpdir(), "tenon-test-cache");

export const engines: readonly Engine[] = [
  {
    name: "pglite",
    skip: false,
    async open() {
      const database = await openPglite({ cacheDir });
      return { database, drop: () => database.close() };
    },
  },
  { name: "postgres", skip, open: openServerDatabase },
];
