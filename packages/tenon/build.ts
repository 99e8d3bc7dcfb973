/**
 * Makes `dist`, which is what is published: the sources compiled, and beside them what they read at run time, such as
 * the parts of a page. Only needed to publish; in the repository the sources run as they stand.
 */
import { execFile } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const home = dirname(fileURLToPath(import.meta.url));
const typescript = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** The sources do not compile. The message is what the compiler printed. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/**
 * Builds into a folder, which is emptied first: a file whose source is gone must not be published.
 *
 * @throws {BuildError}
 */
export async function buildTo(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const args = [typescript, "-p", home, "--outDir", folder, "--tsBuildInfoFile", join(folder, ".tsbuildinfo"), "--pretty", "false"];
  await run(process.execPath, args).catch((failure: { readonly stdout: string }) => {
    throw new BuildError(failure.stdout);
  });
  await cp(join(home, "src"), folder, { recursive: true, filter: (path) => extname(path) !== ".ts" });
}

if (import.meta.main) await buildTo(join(home, "dist"));
