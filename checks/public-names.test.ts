/** A public name comes and goes on purpose: the list in `public-names.txt` is what the packages export. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertNoProblems } from "./problems.ts";
import { exportedNames, frontDoors, listOfNames, listPath } from "./public-names.ts";
import { readText, toSource } from "./source-files.ts";

/** Lines of one list that the other lacks, each with the door under which it stands. */
function difference(listed: string, actual: string): readonly string[] {
  const before = new Set(lines(listed));
  const after = new Set(lines(actual));
  return [
    ...[...after].filter((line) => !before.has(line)).map((line) => `new and not listed: ${line}`),
    ...[...before].filter((line) => !after.has(line)).map((line) => `listed and gone: ${line}`),
  ];
}

function lines(list: string): readonly string[] {
  let door = "";
  return list.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    if (!line.startsWith(" ")) door = line;
    return line.startsWith(" ") ? `${door}: ${line.trim()}` : `the door ${line}`;
  });
}

test("the exported names are the listed ones; `npm run names` writes the list", () => {
  assertNoProblems(difference(readText(listPath).text, listOfNames()));
});

describe("names are read from a front door", () => {
  test("in every form of export, types apart", () => {
    const text = `
      export { b, type C, d as e } from "./x.ts";
      export type { F, G as H } from "./y.ts";
      export * as n from "./z.ts";
      export const i = 1;
      export async function j() {}
      export class K {}
      export interface L {}
      export type M = string;
      // export const hidden = 1;
      const local = "export const quoted = 1";`;
    assert.deepEqual(exportedNames(toSource({ path: "index.ts", text })), [
      "type C", "type F", "type H", "K", "type L", "type M", "b", "e", "i", "j", "n",
    ]);
  });

  test("and a door that does not name them is refused", () => {
    assert.throws(() => exportedNames(toSource({ path: "index.ts", text: 'export * from "./x.ts";' })), /index\.ts:1: a front door/);
  });

  test("for the entries of a manifest that lead to code", () => {
    const manifest = {
      name: "tenon",
      exports: { ".": { "tenon-source": "./src/index.ts", default: "./dist/index.js" }, "./client": { "tenon-source": "./src/client.ts" }, "./package.json": "./package.json" },
    };
    assert.deepEqual(frontDoors("packages/tenon", manifest), [
      { name: "tenon", path: "packages/tenon/src/index.ts" },
      { name: "tenon/client", path: "packages/tenon/src/client.ts" },
    ]);
  });

  test("and a name that came or went is told", () => {
    assert.deepEqual(difference("tenon\n  a\n  b\n", "tenon\n  a\n  c\ntenon/x\n  b\n"), [
      "new and not listed: tenon: c",
      "new and not listed: the door tenon/x",
      "new and not listed: tenon/x: b",
      "listed and gone: tenon: b",
    ]);
  });
});
