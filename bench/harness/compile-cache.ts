/**
 * Node's compile cache for a run: a folder of its own, empty at first and full after round 0, so that no subject finds
 * what another run has left. With it a start reads compiled code, and TypeScript is neither stripped nor is the
 * stripper in memory: what is measured is the application, as if it had been built.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class CompileCache {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<CompileCache> {
    return new CompileCache(await mkdtemp(join(tmpdir(), "tenon-bench-compile-cache-")));
  }

  get env(): Readonly<Record<string, string>> {
    return { NODE_COMPILE_CACHE: this.#folder };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}
