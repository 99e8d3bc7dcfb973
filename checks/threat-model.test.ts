/** What docs/threat-model.md claims is proven by tests that are there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoProblems } from "./problems.ts";
import { readText, root, toSource } from "./source-files.ts";
import { isThereIn, listOfPromises, listPath, namedTests, promisesOf, unkeptPromises, unprovenThreats } from "./threat-model.ts";

test("every defense of the threat model names tests that are there", () => {
  const model = readText("docs/threat-model.md");
  assertNoProblems(unprovenThreats(model, isThereIn(root)));
  assert.ok(model.text.split("\n").filter((line) => /\.test\.ts`/.test(line)).length >= 30, "the tables were read");
});

test("a defense without a test, and a test that is not there, are found out", () => {
  const text = "| | threat | defense | proven by |\n|---|---|---|---|\n| S | a | b | `checks/gone.test.ts`, `checks/floors.test.ts` |\n| T | c | d | nobody |\n| I | e | f | `checks/floors.ts` |\n\n| a | b |\n|---|---|\n| not | looked at |\n";
  const found = unprovenThreats({ path: "docs/x.md", text }, (path) => path === "checks/floors.test.ts");
  assert.deepEqual(found, [
    "docs/x.md:3 names checks/gone.test.ts, which is no test that is there",
    "docs/x.md:4 claims a defense and names no test",
    "docs/x.md:5 names checks/floors.ts, which is no test that is there",
  ]);
});

test("the tests that prove the threat model are the listed ones; `node checks/threat-model.ts` writes the list", () => {
  const model = readText("docs/threat-model.md");
  assertNoProblems(unkeptPromises(readText(listPath).text, listOfPromises(model)));
  assert.ok(namedTests(model).length >= 50, "the tables were read");
});

test("a test that was renamed, deleted or is skipped, and a file without one, are found out", () => {
  const file = (text: string) => promisesOf(toSource({ path: "a.test.ts", text }));
  assert.deepEqual(file('describe("a door", () => {\n  test("is shut", () => {});\n  test.skip(`is ${open}`, () => {});\n  // test("was here")\n  test(made, () => {});\n  regex.test("no test");\n});'), ["a door", "is shut", "is ${open} (skip)"]);
  const before = "# list\n\na.test.ts\n  is shut\n  stays shut\n\nb.test.ts\n  holds\n";
  assert.deepEqual(unkeptPromises(before, "# list\n\na.test.ts\n  is closed\n  stays shut (skip)\n\nb.test.ts\n"), [
    "listed and gone: a.test.ts: is shut",
    "listed and gone: a.test.ts: stays shut",
    "listed and gone: b.test.ts: holds",
    "new and not listed: a.test.ts: is closed",
    "new and not listed: a.test.ts: stays shut (skip)",
    "does not run: a.test.ts: stays shut (skip)",
    "promises nothing: b.test.ts",
  ]);
  assert.deepEqual(unkeptPromises(before, before), []);
});
