/**
 * An empty database, kept as a file, so that the next one starts from it: making one takes seconds, loading one a
 * fraction of a second. The file's name holds the version of PGlite and a digest of the parameters it was made with;
 * a file that cannot be loaded is thrown away and made again.
 */
import { hash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export class SnapshotCache {
  readonly #path: string;

  /** @param key  Everything that decides what an empty database looks like. */
  constructor(directory: string, key: { readonly version: string; readonly parameters: readonly string[] }) {
    const digest = hash("sha256", JSON.stringify(key.parameters), "hex").slice(0, 12);
    this.#path = join(directory, `pglite-${key.version}-${digest}.tar`);
  }

  /** `undefined` when there is none, or it cannot be read: a cache is allowed to be lost. */
  async read(): Promise<Blob | undefined> {
    try {
      return new Blob([await readFile(this.#path)]);
    } catch {
      return undefined;
    }
  }

  /** Written beside and renamed, so that nobody reads half of it. */
  async write(snapshot: Blob): Promise<void> {
    await mkdir(join(this.#path, ".."), { recursive: true });
    const part = `${this.#path}.${process.pid}.part`;
    await writeFile(part, new Uint8Array(await snapshot.arrayBuffer()));
    await rename(part, this.#path);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
