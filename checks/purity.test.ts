/** The outside world is handed in, and importing a file does nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { sourceFolder } from "./floors.ts";
import { assertNoProblems } from "./problems.ts";
import { idleExemptions, worldlyCode } from "./purity.ts";
import { rooms } from "./rooms.ts";
import { findPaths, readSources, root, toSource } from "./source-files.ts";

const endWithinMs = 30_000;

/** What importing each of the files leaves behind. */
async function consequencesOf(paths: readonly string[]): Promise<readonly string[]> {
  const urls = paths.map((path) => pathToFileURL(path).href);
  const args = ["--conditions=tenon-source", join(root, "checks/import-probe.ts"), ...urls];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), endWithinMs);
  const ended = new Promise<string | undefined>((resolve) => {
    child.on("exit", (code, signal) => resolve(code === 0 ? undefined : `the process that only imports ended with ${code ?? signal}`));
  });
  const report = await text(child.stdio[3] as Readable);
  const end = await ended;
  clearTimeout(timer);
  return [...(report === "" ? [] : (JSON.parse(report) as string[])), ...(end === undefined ? [] : [end])];
}

describe("the outside world is handed in", () => {
  test("to all but faces, adapters and the composition", () => {
    const sources = readSources(`${sourceFolder}/**/*.ts`);
    assertNoProblems([...worldlyCode(sources), ...idleExemptions(sources)]);
  });
});

test("importing every room, in the order of the plan, has no consequences", async () => {
  const doors = findPaths(`${sourceFolder}/*/index.ts`, `${sourceFolder}/*.ts`);
  const placeOf = (path: string): number => rooms.findIndex((room) => path === `${sourceFolder}/${room.name}/index.ts`);
  const inOrder = [...doors].sort((a, b) => (placeOf(a) + 100) % 100 - (placeOf(b) + 100) % 100);
  assertNoProblems(await consequencesOf(inOrder.map((path) => join(root, path))));
});

describe("code that takes the world for itself is found out", () => {
  function problems(room: string, text: string): readonly string[] {
    return worldlyCode([toSource({ path: `${sourceFolder}/${room}/x.ts`, text })]);
  }

  test("each way in is named with what to ask for instead", () => {
    assert.deepEqual(problems("calls", "const startedAtMs = Date.now();"), [
      "packages/tenon/src/calls/x.ts:1 uses Date.now: it should get a Clock",
    ]);
    const ways = [
      "process.env.PORT", "process?.exit()", "process['env']", "new Date()", "new Date", "Date()", "Temporal.Now.instant()", "performance.now()",
      "setTimeout(f, 1)", "const t = setInterval", "AbortSignal.timeout(5)", "Math.random()", "await fetch(url)", "console.log(1)", "globalThis.fetch(url)",
      'import { readFile } from "node:fs/promises";', 'import process from "node:process";', 'const net = await import("node:net");', "`${Date.now()}`",
    ];
    for (const way of ways) assert.equal(problems("data", way).length, 1, way);
  });

  test("and what only looks like one is not", () => {
    const innocent = [
      "// Date.now()", '"process.env"', "call.process.x", "options.fetch(url)", "this.#fetch(x)", "new Date(0)", "new Date(text)", "const x = { process: 1 }",
      "interface Host { fetch(request: Request): Promise<Response>; }", "const host = { async fetch(request) { return x; } };", "clock.performance.x",
      'import type { Server } from "node:http";', 'import { createHash } from "node:crypto";', "Date.parse(text)", "{ setTimeoutMs: 1 }",
    ];
    for (const code of innocent) assert.deepEqual(problems("data", code), [], code);
  });

  test("an exemption that outlived its use is told", () => {
    const file = toSource({ path: `${sourceFolder}/data/x.ts`, text: "export const x = 1;" });
    assert.equal(idleExemptions([file], { [file.path]: "a test" }).length, 1);
  });

  test("faces, adapters, the composition and the suites of ports may", () => {
    for (const room of ["rest", "client", "node", "app", "cli"]) assert.deepEqual(problems(room, "Date.now()"), []);
    for (const suite of ["data/testing.ts", "events/broker-testing.ts"]) {
      assert.deepEqual(worldlyCode([toSource({ path: `${sourceFolder}/${suite}`, text: "Date.now()" })]), []);
    }
  });
});

test("an import with consequences is found out, each by its name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tenon-import-"));
  try {
    const bad = {
      "handle.ts": "setInterval(() => {}, 5).unref(); const t = setTimeout(() => {}, 1e6); setTimeout(() => clearTimeout(t), 100);",
      "listener.ts": "process.on('SIGTERM', () => {});",
      "global.ts": "Reflect.set(globalThis, 'leak', 1);",
      "environment.ts": "process.env.LEAK = '1';",
      "printed.ts": "console.log('hello');",
      "good.ts": "export const x: number = 1;",
    };
    const paths = Object.keys(bad).map((name) => join(folder, name));
    await Promise.all(Object.values(bad).map((code, at) => writeFile(paths[at] ?? "", code)));
    const told = (await consequencesOf(paths)).map((problem) => problem.replace(/importing .*\//, "importing "));
    assert.deepEqual(told.map((problem) => problem.split(":")[0]), [
      "importing handle.ts leaves handles",
      "importing listener.ts leaves listeners",
      "importing global.ts leaves globals",
      "importing environment.ts leaves environment",
      "importing printed.ts prints",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
