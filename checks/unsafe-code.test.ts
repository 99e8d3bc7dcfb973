/** Nobody's text becomes code, SQL or an endless search; each rule is shown to find what it looks for. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertNoProblems } from "./problems.ts";
import { readSources, type SourceFile, toSource } from "./source-files.ts";
import * as unsafe from "./unsafe-code.ts";

const product = readSources("packages/*/src/**/*.ts");
const run = [...product, ...readSources("examples/**/*.ts", "checks/*.ts", "bench/**/*.ts", "faults/**/*.ts")].filter(({ path }) => !path.startsWith("checks/unsafe-code"));

describe("text of others stays text", () => {
  test("none is evaluated", () => {
    assertNoProblems(unsafe.evaluatedCode(run));
  });

  test("no shell reads a command", () => {
    assertNoProblems(unsafe.shellCommands(run));
  });

  test("values go into SQL as parameters, and what is put in otherwise has been looked at", () => {
    const fragments = unsafe.sqlFragments(product);
    assertNoProblems(unsafe.unknownFragments(fragments, unsafe.readFragmentList()));
    assert.equal(unsafe.readFragmentList(), unsafe.listOfFragments(fragments), "checks/sql-fragments.txt lists what is no more: node checks/unsafe-code.ts");
  });

  test("no pattern searches without end, nor slowly in what strangers send", () => {
    const undecided = unsafe.readUndecidedList();
    assertNoProblems(unsafe.slowPatterns(product, undecided));
    assert.deepEqual(unsafe.goneFrom(undecided, product), [], "checks/undecided-patterns.txt lists what is no more: node checks/unsafe-code.ts");
  });

  test("what is fetched is fetched by https", () => {
    assertNoProblems(unsafe.plainAddresses(product));
  });
});

describe("unsafe code is found out", () => {
  function source(text: string, path = "packages/tenon/src/rest/face.ts"): SourceFile {
    return toSource({ path, text });
  }

  test("evaluated text", () => {
    assert.equal(unsafe.evaluatedCode([source('const f = new Function("a", body);')]).length, 1);
    assert.equal(unsafe.evaluatedCode([source("eval(text); setTimeout('go()', 1);")]).length, 2);
    assert.equal(unsafe.evaluatedCode([source('import { runInNewContext } from "node:vm";')]).length, 1);
    assert.deepEqual(unsafe.evaluatedCode([source('const a: Function = f; retrieval(1); // eval("x")\nsetTimeout(() => 1, 1); pattern.exec(text);')]), []);
    assert.deepEqual(unsafe.evaluatedCode([source("new Function(text)", "a.ts")], { "a.ts": "numbers alone" }), []);
  });

  test("commands for a shell", () => {
    assert.equal(unsafe.shellCommands([source('import { exec } from "node:child_process"; exec(`rm ${file}`);')]).length, 1);
    assert.equal(unsafe.shellCommands([source('import { spawn } from "node:child_process"; spawn("ls", [], { shell: true });')]).length, 1);
    assert.deepEqual(unsafe.shellCommands([source('import { spawn } from "node:child_process"; spawn("ls", [file], { shell: false }); pattern.exec(text);')]), []);
  });

  test("values in SQL", () => {
    const found = (text: string): readonly string[] => unsafe.unknownFragments(unsafe.sqlFragments([source(text)]), "packages/tenon/src/rest/face.ts\tcolumns\n");
    assert.equal(found("query(`select * from users where name = '${name}'`)").length, 1);
    assert.equal(found("const text = `\n  delete from ${table} where id = 1`;").length, 1);
    assert.equal(found("const all = `${ids.map((id) => `update users set seen = ${id}`).join(';')}`;").length, 1);
    assert.deepEqual(found("query(`select ${columns} from ${quoteName(table)} where name = $1 limit $${parameters.length}`, [name]); log(`update of ${what}`, `a ${select}`);").length, 1, "a sentence that begins like SQL is listed as well");
    assert.deepEqual(found("query(`select ${columns} from ${quoteName(table)} where name = $1 limit $${parameters.length}`, [name]);"), []);
  });

  test("patterns that a text can hold up", () => {
    assert.equal(unsafe.slowPatterns([source("const a = /^(a+)+$/.test(text);", "packages/tenon/src/cli/main.ts")]).length, 1);
    assert.equal(unsafe.slowPatterns([source("const a = text.replace(/[ ]+$/, '');", "packages/tenon/src/rest/target.ts")]).length, 1);
    assert.deepEqual(unsafe.slowPatterns([source("const a = text.replace(/[ ]+$/, '');", "packages/tenon/src/cli/main.ts"), source("const b = /^[a-z]+-\\d{1,3}$/.test(text);")]), []);
  });

  test("patterns are passed over only where the list has them, and the list has none that is gone", () => {
    const endless = source("const a = /^(a+)+$/.test(text);");
    assert.deepEqual(unsafe.slowPatterns([endless], "# a list\n/^(a+)+$\n"), []);
    assert.equal(unsafe.slowPatterns([endless], "/^(b+)+$\ng/^(a+)+$\n").length, 1);
    assert.deepEqual(unsafe.goneFrom("# a list\n/^(a+)+$\n/^(b+)+$\n", [endless]), ["/^(b+)+$"]);
  });

  test("addresses without protection", () => {
    assert.equal(unsafe.plainAddresses([source('fetch("http://updates.tenon.dev/latest")')]).length, 1);
    assert.deepEqual(unsafe.plainAddresses([source('const a = "http://localhost:4318"; const b = "http://127.0.0.1/x"; const c = "https://tenon.dev";')]), []);
  });
});
