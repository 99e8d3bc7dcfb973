/** What people are told when their app cannot be loaded: which file, which line, what is wrong, what to do. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { greeterFiles } from "./projects.ts";
import { Project, runTenon } from "./tenon-process.ts";

interface Broken {
  readonly what: string;
  /** Further files besides app.ts. */
  readonly files?: Readonly<Record<string, string>>;
  readonly app: string;
  readonly says: RegExp;
}

const broken: readonly Broken[] = [
  { what: "a syntax error", app: "const a: number = ;\nexport default a;\n", says: /^error: app\.ts:1 cannot be read: expression expected\n\n    const a: number = ;\n {22}\^\n/ },
  {
    what: "a syntax error in JavaScript, of which Node does not say the place",
    files: { "orders/service.js": "\nconst a = ;\n" },
    app: 'import "./orders/service.js";\n',
    says: /^error: orders\/service\.js:2 cannot be read: unexpected token ';'\n\n    const a = ;\n/,
  },
  { what: "a decorator", app: "@injectable\nclass Orders {}\nexport default Orders;\n", says: /app\.ts:1 cannot be read: .*\n\n    @injectable\n    \^\n\n  → Node runs no decorators/ },
  { what: "an enum", app: "enum Status { placed }\nexport default Status;\n", says: /app\.ts:1 has an enum: Node runs TypeScript by leaving its types out.*\n[^→]*→ write an object instead/ },
  { what: "a parameter property", app: "export default class A { constructor(private readonly a: string) {} }\n", says: /app\.ts:1 has a parameter property[^→]*→ declare the field in the class/ },
  { what: "a package that is not installed", app: 'import "zodd";\n', says: /app\.ts imports "zodd", which is not installed\n  → npm install zodd\n/ },
  { what: "a path without its ending", files: { "orders.ts": "export {};\n" }, app: 'import "./orders";\n', says: /app\.ts imports "\.\/orders", which is not there\n  → .*write the whole name: "\.\/orders\.ts"/ },
  { what: "a path with the ending of what is built from it", files: { "orders.ts": "export {};\n" }, app: 'import "./orders.js";\n', says: /imports "\.\/orders\.js", which is not there\n  → .*"\.\/orders\.ts"/ },
  { what: "a directory", files: { "orders/index.ts": "export {};\n" }, app: 'import "./orders";\n', says: /imports "\.\/orders", which is not there\n  → .*"\.\/orders\/index\.ts"/ },
  { what: "a misspelled path", files: { "tables.ts": "export {};\n" }, app: 'import "./tabels.ts";\n', says: /→ did you mean "\.\/tables\.ts"\?/ },
  { what: "a name that is not exported", files: { "tables.ts": "export type Row = string;\n" }, app: 'import { Row } from "./tables.ts";\nexport default Row;\n', says: /app\.ts:1 imports Row from "\.\/tables\.ts", which does not export it[^→]*→ if it is a type, write import \{ type Row \}/ },
  { what: "JSON without its attribute", files: { "data.json": "{}" }, app: 'import data from "./data.json";\nexport default data;\n', says: /data\.json is imported as if it were code\n  → .*with \{ type: "json" \}/ },
  { what: "require in a module", app: 'const fs = require("node:fs");\nexport default fs;\n', says: /app\.ts:1 fails while it is loaded: ReferenceError: require is not defined[^→]*→ this is an ES module/ },
  {
    what: "code that throws while it is loaded",
    files: { "orders/limits.ts": "\nexport const limit = (undefined as unknown as { max: number }).max;\n" },
    app: 'export { limit as default } from "./orders/limits.ts";\n',
    says: /^error: orders\/limits\.ts:2 fails while it is loaded: TypeError: .*'max'\)\n\n    export const limit = /,
  },
  { what: "something thrown that is no error", app: 'throw "enough";\n', says: /app\.ts throws while it is loaded: enough/ },
  { what: "no default export", app: "export const a = 1;\n", says: /app\.ts has no default export\n  → import \{ app \} from "tenon"/ },
  { what: "a default export that is no app", app: "export default 3;\n", says: /app\.ts has a default export that is not an app/ },
  { what: "a service instead of an app", files: greeterFiles(), app: 'export { default } from "./greeter/service.ts";\n', says: /app\.ts exports a service, and what runs is an app\n  → join services/ },
  { what: "an app under another name", app: 'import { app } from "tenon";\nexport const shop = app("shop", { services: [] });\n', says: /app\.ts exports an app, but not as its default\n  → write export default shop/ },
  {
    what: "a contract with mistakes",
    files: { "contract.ts": 'import { contract, query } from "tenon";\n\nexport const a = contract("a", { get: query({ http: "GET /a/{id}", access: "public" }) });\n' },
    app: 'import "./contract.ts";\n',
    says: /^error: the contract "a" has 1 mistake:\n  a\.get: .*\{id\}.*\n    → .*\n  \(contract\.ts:3\)\n/,
  },
];

describe("an app cannot be loaded, and its author is told why:", () => {
  for (const { app, files, says, what } of broken) {
    test(what, async () => {
      await using project = await Project.create({ ...files, "app.ts": app });
      const { code, stderr, stdout } = await project.tenon(["describe"]);
      assert.match(stderr, says);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, /\n\s+at .*node:internal/);
    });
  }
});

describe("the app is found", () => {
  const app = 'import { app } from "tenon";\nexport default app("found", { services: [] });\n';
  const places: readonly { readonly where: string; readonly files: Readonly<Record<string, string>>; readonly args?: readonly string[] }[] = [
    { where: "in app.ts", files: { "app.ts": app } },
    { where: "in src/app.ts", files: { "src/app.ts": app } },
    { where: "where package.json says", files: { "server/main.ts": app, "app.ts": "throw 1;\n", "package.json": '{ "type": "module", "tenon": { "app": "server/main.ts" } }' } },
    { where: "in the file that is given", files: { "other.ts": app }, args: ["other.ts"] },
    { where: "in the directory that is given", files: { "shop/app.ts": app }, args: ["shop"] },
  ];
  for (const { args = [], files, where } of places) {
    test(where, async () => {
      await using project = await Project.create(files);
      const { stderr, stdout } = await project.tenon(["describe", ...args]);
      assert.match(stdout, /^found: 0 services/, stderr);
    });
  }

  test("from a directory below it", async () => {
    await using project = await Project.create({ "app.ts": app, "orders/contract.ts": "" });
    const { stdout } = await runTenon(["describe"], { cwd: join(project.directory, "orders") });
    assert.match(stdout, /^found: /);
  });

  test("not, and that is said", async () => {
    await using project = await Project.create({ "package.json": '{ "tenon": { "app": "gone.ts" } }', "empty/readme.md": "" });
    assert.match((await project.tenon(["describe"])).stderr, /package\.json names the app gone\.ts, which is not there\n  → mend/);
    assert.match((await project.tenon(["describe", "no.ts"])).stderr, /there is no file no\.ts/);
    assert.match((await project.tenon(["describe", "empty"])).stderr, /there is no app in empty/);
    await project.write({ "package.json": "{ not json" });
    assert.match((await project.tenon(["describe"])).stderr, /package\.json cannot be read: .*\n  → mend it: it has to be JSON/);
  });
});

test("an app of another copy of Tenon is refused, since the two would not know each other's errors", async () => {
  await using project = await Project.create({
    "app.ts": 'import { app } from "tenon";\nexport default app("found", { services: [] });\n',
    "node_modules/tenon/package.json": '{ "name": "tenon", "version": "9.9.9", "type": "module", "exports": "./index.js" }',
    "node_modules/tenon/index.js": "export const app = () => ({});\n",
  });
  const { code, stderr } = await project.tenon(["describe"]);
  assert.equal(code, 1);
  assert.match(stderr, /app\.ts uses another copy of Tenon than this program: .*node_modules.tenon/);
});
