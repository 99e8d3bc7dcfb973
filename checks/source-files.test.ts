/** The reader that the other checks stand on: what is code, and which modules it names. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { blank, findPaths, modulesUsedBy, packageOf, toSource } from "./source-files.ts";

describe("code without comments and strings", () => {
  test("keeps its length and its lines", () => {
    const text = 'const a = "one"; // two\n/* three\nfour */ const b = `x${a}y`;\n';
    const code = blank(text);
    assert.equal(code.length, text.length);
    assert.equal(code, 'const a = "   ";       \n        \n        const b = ` ${a} `;\n');
  });

  test("is not fooled by what looks like a comment or a string", () => {
    assert.equal(blank('"//" + x'), '"  " + x');
    assert.equal(blank("/[\"/]/.test(x) // y"), "/    /.test(x)     ");
    assert.equal(blank("a / b / c // d"), "a / b / c     ");
    assert.equal(blank("return /'/g;"), "return / /g;");
    assert.equal(blank("(a) / 2 + '/'"), "(a) / 2 + ' '");
    assert.equal(blank("'it\\'s' + z"), "'     ' + z");
  });

  test("sees the code inside of templates, however deep", () => {
    assert.equal(blank("`a${ {b: `c${d}e`} }f` + g"), "` ${ {b: ` ${d} `} } ` + g");
    assert.equal(blank("`\\${not}` + h"), "`       ` + h");
  });
});

describe("the modules that a file names", () => {
  function named(text: string): readonly string[] {
    return modulesUsedBy(toSource({ path: "x.ts", text })).map((use) => `${use.kind} ${use.specifier}`);
  }

  test("in each form of import and export", () => {
    const text = `
      import "a";
      import b, { type B } from "b";
      import * as c from 'c';
      import type { D } from "d";
      import type E from "e";
      export { f } from "f";
      export type { G } from "g";
      export * from "h";
      const i = await import("i");
      import {
        j,
      } from "j";
      const k = new URL("./k.html", import.meta.url);
      const k2 = new URL(\`parts/\${name}\`, import.meta.url);
      type L = import("l").L;
      await import(m);
      await import(\`n/\${name}\`);
      await import(\`./o/\${name}\`);`;
    assert.deepEqual(named(text), [
      "value a", "value b", "value c", "type d", "type e", "value f", "type g", "value h", "later i", "value j", "file ./k.html", "file ./parts/", "later l",
      "later undefined", "later n/", "later undefined",
    ]);
  });

  test("and not in comments, strings, templates and words that only look like one", () => {
    const text = `
      // import "a";
      /* export * from "b" */
      const c = 'import "c"';
      const d = \`import "d"\`;
      thing.import("e"); reimport("f"); import.meta.dirname;
      export { local };
      export const g = from("g");`;
    assert.deepEqual(named(text), []);
  });

  test("belong to a package, or to none", () => {
    assert.equal(packageOf("kysely/migration"), "kysely");
    assert.equal(packageOf("@electric-sql/pglite/contrib/x"), "@electric-sql/pglite");
    assert.equal(packageOf("./call.ts"), undefined);
    assert.equal(packageOf("node:http"), undefined);
  });
});

test("installed packages and built files are not read", () => {
  const paths = findPaths("**/*.ts");
  assert.ok(paths.includes("checks/source-files.test.ts"));
  assert.deepEqual(paths.filter((path) => /(?:^|\/)(?:node_modules|dist)\//.test(path)), []);
});
