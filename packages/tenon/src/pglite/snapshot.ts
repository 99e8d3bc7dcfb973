/**
 * New databases, kept as files, so that the next one starts from a copy: making one takes seconds, loading one a fraction
 * of a second. The name of a file holds the version of PGlite and a digest of all that decides what is in it; a file that
 * cannot be loaded is thrown away and made again. Only so many are kept: those that were used last.
 */
import { hash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";

/** Databases in one directory, at most: two to three megabytes each. */
const keptMax = 24;
/** Databases of which it is known that they were wanted once. */
const wantedMax = 1_000;

export class SnapshotCache {
  readonly #directory: string;
  readonly #path: string;
  readonly #wantedPath: string;

  /** @param key  Everything that decides what the database looks like. */
  constructor(directory: string, key: { readonly version: string; readonly parts: readonly string[] }) {
    const digest = hash("sha256", JSON.stringify(key.parts), "hex").slice(0, 16);
    this.#directory = directory;
    this.#path = join(directory, `pglite-${key.version}-${digest}.tar.gz`);
    this.#wantedPath = join(directory, `pglite-${key.version}-${digest}.wanted`);
  }

  /** Whether this was called before: what begins once and never again is not worth a copy. */
  async isWantedAgain(): Promise<boolean> {
    await mkdir(this.#directory, { recursive: true });
    try {
      await (await open(this.#wantedPath, "wx")).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return true;
    }
    await this.#removeOldest(".wanted", wantedMax);
    return false;
  }

  /** `undefined` when there is none, or it cannot be read: a cache is allowed to be lost. @throws {Error} it is damaged. */
  async read(): Promise<Blob | undefined> {
    const file = await readFile(this.#path).catch(() => undefined);
    if (file === undefined) return undefined;
    const now = new Date();
    await utimes(this.#path, now, now).catch(() => undefined); // another process may just have removed it
    return new Blob([await promisify(gunzip)(file)]);
  }

  /** Written beside and renamed, so that nobody reads half of it. */
  async write(snapshot: Blob): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const part = `${this.#path}.${process.pid}.part`;
    await writeFile(part, await promisify(gzip)(new Uint8Array(await snapshot.arrayBuffer()), { level: constants.Z_BEST_SPEED }));
    await rename(part, this.#path);
    await this.#removeOldest(".tar.gz", keptMax);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  async #removeOldest(ending: string, max: number): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.startsWith("pglite-") && name.endsWith(ending));
    if (names.length <= max) return;
    const found = await Promise.all(names.map(async (name) => ({ name, usedAtMs: (await stat(join(this.#directory, name)).catch(() => undefined))?.mtimeMs ?? 0 })));
    const old = found.toSorted((a, b) => b.usedAtMs - a.usedAtMs).slice(max);
    await Promise.all(old.map(({ name }) => rm(join(this.#directory, name), { force: true })));
  }
}
