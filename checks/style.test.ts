/** Habits of the house, where a machine can see them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertNoProblems } from "./problems.ts";
import { findPaths, readSources, readText, type SourceFile, toSource } from "./source-files.ts";
import * as style from "./style.ts";

const everything = readSources("**/*.ts");
const product = everything.filter((file) => /^packages\/[^/]+\/src\//.test(file.path));
// The checks write out what they look for.
const unquoted = everything.filter((file) => !/^checks\/style(?:\.test)?\.ts$/.test(file.path));

describe("the style of the house", () => {
  test("nothing is left for later", () => {
    const texts = findPaths("**/*.md", "**/*.sql", "**/*.js").map(readText);
    assertNoProblems(style.unfinished([...unquoted, ...texts]));
  });

  test("spelling is American", () => {
    assertNoProblems(style.britishSpellings([...unquoted, ...findPaths("**/*.md", "**/*.sql", "**/*.js").map(readText)]));
  });

  test("files are named by what they define", () => {
    const paths = everything.map((file) => file.path);
    assertNoProblems([...style.drawers(paths), ...style.namesOutOfStyle(paths)]);
  });

  test("a file of the product opens by saying what it is for", () => {
    assertNoProblems(style.openingsWithoutComment(product));
  });

  test(`a file has at most ${style.codeMaxLines} lines of code, or a reason`, () => {
    assertNoProblems(style.tooLong(everything));
  });

  test("types are not switched off", () => {
    assertNoProblems([...style.anyTypes(everything), ...style.silencedCompiler(unquoted)]);
  });

  test("no test leaves the others out", () => {
    assertNoProblems(style.onlyTests(everything));
  });

  test("processes are started by the Node that runs", () => {
    assertNoProblems(style.otherNodes(unquoted));
  });

  test("what the product throws has a name", () => {
    assertNoProblems(style.namelessErrors(product));
  });
});

describe("code out of style is found out", () => {
  function source(text: string, path = "packages/tenon/src/calls/call.ts"): SourceFile {
    return toSource({ path, text });
  }

  test("work left for later", () => {
    assert.equal(style.unfinished([source("// TODO: the rest")]).length, 1);
    assert.equal(style.unfinished([source("const todoList = 1; // to do it well")]).length, 0);
  });

  test("a British word among American ones", () => {
    const british = "The behaviour of a serialised colour, optimised and labelled.";
    assert.equal(style.britishSpellings([source(british)]).length, 5);
    assert.deepEqual(style.britishSpellings([source("A license, a serializable color, an optimist and his analysis.")]), []);
  });

  test("drawers and other names", () => {
    assert.equal(style.drawers(["packages/tenon/src/calls/utils.ts", "packages/tenon/src/lib/x.ts", "bench/common.ts"]).length, 3);
    assert.deepEqual(style.drawers(["packages/tenon/src/calls/call.ts", "packages/tenon/test/client/types.test.ts", "checks/source-files.ts"]), []);
    assert.equal(style.namesOutOfStyle(["a/callStart.ts", "a/Call.ts", "a/call_start.ts"]).length, 3);
    assert.deepEqual(style.namesOutOfStyle(["a/call-start.ts", "a/call-start.test.ts", "a/oauth2.ts"]), []);
  });

  test("a file that does not say what it is for", () => {
    assert.equal(style.openingsWithoutComment([source('import { x } from "./x.ts";\n/** Late. */')]).length, 1);
    assert.deepEqual(style.openingsWithoutComment([source("/** First. */"), source("#!/usr/bin/env node\n/** The command. */")]), []);
  });

  test("a long file, and a reason that outlived it", () => {
    const long = source("f();\n".repeat(401));
    assert.match(style.tooLong([long], {})[0] ?? "", /has 401 lines of code/);
    assert.deepEqual(style.tooLong([long], { [long.path]: "a table" }), []);
    assert.equal(style.tooLong([source("// prose\n\n".repeat(500))], { [long.path]: "a table" }).length, 1);
  });

  test("any, in each place where a type stands", () => {
    const wrong = ["let x: any;", "f<any>()", "x as any", "const y: any[] = []", "Map<string, any>", "(x: any) => 1", "A | any", "type B = () => any"];
    for (const code of wrong) assert.equal(style.anyTypes([source(code)]).length, 1, code);
    for (const code of ["// any of them", 'const x = "any";', "if (any(x)) f();", "const any = 1;"]) assert.deepEqual(style.anyTypes([source(code)]), [], code);
  });

  test("a silenced compiler, a lonely test, another Node, a nameless error", () => {
    assert.equal(style.silencedCompiler([source("// @ts-ignore\nx();")]).length, 1);
    assert.deepEqual(style.silencedCompiler([source("// @ts-expect-error: an access rule is missing\nx();")]), []);
    assert.equal(style.onlyTests([source('test.only("x", () => {}); test("y", { only: true }, f);')]).length, 2);
    assert.equal(style.otherNodes([source('spawn("node", ["x.ts"]); execSync("node x.ts");')]).length, 2);
    assert.deepEqual(style.otherNodes([source('spawn(process.execPath, ["x.ts"]); exec("nodemon x");')]), []);
    assert.equal(style.namelessErrors([source('throw new Error("x"); reject(new Error("y"));')]).length, 2);
    assert.deepEqual(style.namelessErrors([source('throw new RangeError("x"); throw new MyError("y");')]), []);
  });
});
