/**
 * Loaded before every test file (`--import`). Turns the compile cache on, for the file and for what it starts, which
 * saves most of the time that TypeScript takes to load. And ends a file that has finished its tests but does not end:
 * what a test leaves open is a failure of that test, not a run that hangs.
 */
import { enableCompileCache } from "node:module";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

/** Enough for a pool or a server to close behind the last test on a busy machine. */
const lingerMaxMs = 10_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, ".compile-cache");
enableCompileCache(cache);
process.env["NODE_COMPILE_CACHE"] ??= cache;
// One place for new databases, also for apps in directories of their own: to make one takes seconds.
process.env["TENON_CACHE"] ??= join(root, ".tenon", "cache");

const isTestFile = isMainThread && process.env["NODE_TEST_CONTEXT"] !== undefined && process.argv[1]?.endsWith(".test.ts") === true;

if (isTestFile) {
  after(() => {
    // Unreferenced: it runs only where something else keeps the process alive.
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap");
      process.stderr.write(`${process.argv[1]} does not end: ${open.join(", ")} still open ${lingerMaxMs} ms after the last test\n`);
      process.exit(1);
    }, lingerMaxMs).unref();
  });
}
