/** The floors of the house: who may import whom. The order is in `rooms.ts`. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as floors from "./floors.ts";
import { assertNoProblems } from "./problems.ts";
import { readSources, type SourceFile, toSource } from "./source-files.ts";

const sources = readSources(`${floors.sourceFolder}/**/*.ts`);
const tests = readSources("packages/tenon/test/**/*.ts", "bench/**/*.ts", "faults/**/*.ts");

describe("the floors", () => {
  test("rooms import rooms above them, through the front door", () => {
    assertNoProblems(floors.wrongImports(sources));
    assertNoProblems(floors.idleExceptions(sources));
  });

  test("every folder is a room of the plan, and every room of the plan is built and has a front door", () => {
    assertNoProblems(floors.strayRooms(sources));
  });

  test("a front door names what it lets out", () => {
    assertNoProblems(floors.vagueDoors(sources));
  });

  test("no files import each other in a ring", () => {
    assertNoProblems(floors.rings(sources));
  });

  test("what promises to run in a browser reaches no module of Node", () => {
    assertNoProblems(floors.browserProblems(sources));
  });

  test("the package does not import itself by name, and only its composition loads modules by a computed name", () => {
    assertNoProblems(floors.selfImports(sources));
  });

  test("tests enter by a front door", () => {
    assertNoProblems(floors.testsPastTheDoor(tests));
  });
});

describe("a house that breaks the rules is found out", () => {
  const house: floors.Plan = {
    rooms: [
      { name: "kernel", kind: "words", purpose: "" },
      { name: "calls", kind: "capability", purpose: "" },
      { name: "rest", kind: "face", purpose: "" },
      { name: "node", kind: "adapter", purpose: "" },
    ],
    neighborImports: [],
    browserDoors: ["kernel/index.ts"],
  };

  function source(path: string, text: string): SourceFile {
    return toSource({ path: `${floors.sourceFolder}/${path}`, text });
  }

  const doors = ["kernel", "calls", "rest", "node"].map((room) => source(`${room}/index.ts`, ""));

  test("an upward import", () => {
    const upward = source("kernel/clock.ts", '/** Time. */\nimport { Call } from "../calls/index.ts";\n');
    assert.deepEqual(floors.wrongImports([...doors, upward], house), [
      "packages/tenon/src/kernel/clock.ts:2 imports ../calls/index.ts: calls stands after kernel in checks/rooms.ts",
    ]);
  });

  test("an upward import of a type alone, and one that comes later", () => {
    const upward = source("kernel/clock.ts", 'import type { Call } from "../calls/index.ts";\nvoid import("../rest/index.ts");\n');
    assert.equal(floors.wrongImports([...doors, upward], house).length, 2);
  });

  test("an import past the front door", () => {
    const files = [...doors, source("kernel/clock.ts", ""), source("calls/call.ts", 'import { now } from "../kernel/clock.ts";')];
    assert.match(floors.wrongImports(files, house)[0] ?? "", /calls\/call\.ts:1 imports .*: enter the room by kernel\/index\.ts$/);
  });

  test("a door for tests that something else than tests opens", () => {
    const opening = 'export { x } from "./calls/testing.ts";';
    const files = [...doors, source("calls/testing.ts", ""), source("test.ts", opening), source("client.ts", opening)];
    assert.deepEqual(floors.wrongImports(files, house), ["packages/tenon/src/client.ts:1 imports ./calls/testing.ts: enter the room by calls/index.ts"]);
  });

  test("an import of one's own front door", () => {
    const files = [...doors, source("calls/call.ts", 'import { x } from "./index.ts";')];
    assert.match(floors.wrongImports(files, house)[0] ?? "", /never the room's own index\.ts$/);
  });

  test("a face that imports an adapter, until it is listed, and a list that outlived its use", () => {
    const files = [...doors, source("node/host.ts", 'import { x } from "../rest/index.ts";')];
    assert.match(floors.wrongImports(files, house)[0] ?? "", /list node → rest with its reason$/);
    const listed = { ...house, neighborImports: [{ from: "node", to: "rest", reason: "a test" }] };
    assert.deepEqual(floors.wrongImports(files, listed), []);
    assert.equal(floors.idleExceptions(doors, listed).length, 1);
  });

  test("an import of a file that is not there", () => {
    const files = [...doors, source("calls/call.ts", 'import { x } from "./gone.ts";')];
    assert.match(floors.wrongImports(files, house)[0] ?? "", /no such file/);
  });

  test("an unplanned folder, a planned one that is empty, a room without a door", () => {
    const files = [...doors.slice(0, 2), source("node/host.ts", ""), source("attic/box.ts", "")];
    assert.deepEqual(floors.strayRooms(files, house), [
      "packages/tenon/src/attic is not in checks/rooms.ts",
      "checks/rooms.ts lists rest, which has no file",
      "node has no index.ts",
      "attic has no index.ts",
    ]);
  });

  test("a front door that exports everything, or a default", () => {
    const vague = source("kernel/index.ts", 'export * from "./clock.ts";\nexport default 1;\nexport * as limits from "./limits.ts";\n// export * in a comment\n');
    assert.equal(floors.vagueDoors([vague]).length, 2);
  });

  test("a ring of files, told once", () => {
    const ring = [
      source("calls/a.ts", 'import { b } from "./b.ts";'),
      source("calls/b.ts", 'import type { C } from "./c.ts";'),
      source("calls/c.ts", 'export { a } from "./a.ts";'),
    ];
    assert.deepEqual(floors.rings(ring), ["calls/a.ts → calls/b.ts → calls/c.ts → calls/a.ts"]);
  });

  test("a browser room that reaches Node through another room", () => {
    const files = [
      source("kernel/index.ts", 'export { x } from "./x.ts";'),
      source("kernel/x.ts", 'import { y } from "../calls/index.ts";'),
      source("calls/index.ts", 'import type { Server } from "node:http";\nimport { hash } from "node:crypto";'),
    ];
    assert.deepEqual(floors.browserProblems(files, house), [
      "kernel/index.ts must open in a browser, and reaches node:crypto by kernel/index.ts → kernel/x.ts → calls/index.ts",
    ]);
  });

  test("a package that imports itself, and a name that is computed", () => {
    const files = [source("calls/a.ts", 'import { app } from "tenon/app";\nconst x = await import(name);')];
    assert.equal(floors.selfImports(files).length, 2);
  });

  test("a test that goes past the door", () => {
    const path = "packages/tenon/test/calls/call.test.ts";
    const text = ["../../src/calls/call.ts", "../../src/calls/index.ts", "../../src/data/testing.ts", "../../src/events/broker-testing.ts", "../../src/index.ts"]
      .map((specifier) => `import {} from "${specifier}";`)
      .join("\n");
    assert.deepEqual(floors.testsPastTheDoor([toSource({ path, text })]), [
      `${path}:1 imports ../../src/calls/call.ts: enter by the room's index.ts or testing.ts`,
    ]);
  });
});
