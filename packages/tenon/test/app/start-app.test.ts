/** What an app loads when it starts: each module costs a third of a millisecond, of every start. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Report {
  /** From the folder of sources. */
  readonly atStart: readonly string[];
  readonly openapi: string;
  readonly later: readonly string[];
}

test("an app without tables, tokens and questions for its documents loads nothing that only those need", async () => {
  const program = fileURLToPath(new URL("starting-process.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=tenon-source", program], { timeout: 60_000 });
  const { atStart, later, openapi } = JSON.parse(stdout) as Report;
  assert.deepEqual(roomsOf(atStart), ["app", "calls", "contract", "handlers", "kernel", "node", "rest", "service", "telemetry", "trust"]);
  assert.deepEqual(atStart.filter((path) => /[/-]test(?:ing)?[-.]/.test(path)), []);
  assert.match(openapi, /^3\.1/);
  assert.deepEqual(roomsOf(later), ["documents"]);
});

function roomsOf(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.filter((path) => path.includes("/")).map((path) => path.split("/")[0] as string))].toSorted();
}
