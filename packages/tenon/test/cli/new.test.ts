/** `tenon new`: what it makes type-checks, passes its own test and is well; what is there stays as it is. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { addToApp, scaffoldVersions, serviceNames } from "../../src/cli/index.ts";
import { greeterFiles } from "./projects.ts";
import { Project, runTenon } from "./tenon-process.ts";

const root = new URL("../../../../", import.meta.url);

describe("new", () => {
  let place: Project;
  let shop: string;

  before(async () => {
    place = await Project.create();
    shop = join(place.directory, "shop");
  });
  after(() => place[Symbol.asyncDispose]());

  test("makes an app in a directory of its own, and says what to do next", async () => {
    const { code, stderr, stdout } = await place.tenon(["new", "shop"]);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, /^made the app shop: 10 files in shop\/\n/);
    assert.match(stdout, /next:\n {2}cd shop\n {2}npm install\n {2}npm run dev\n$/);
    const manifest = JSON.parse(await readFile(join(shop, "package.json"), "utf8")) as { readonly name: string; readonly dependencies: object };
    assert.equal(manifest.name, "shop");
    assert.deepEqual(manifest.dependencies, scaffoldVersions.dependencies);
  });

  test("adds services to it, in either way of asking", async () => {
    for (const args of [["new", "order-lines"], ["new", "service", "inventory"]]) {
      const { code, stderr, stdout } = await runTenon(args, { cwd: shop });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /\nadded to app\.ts\n/);
    }
    assert.equal(
      await readFile(join(shop, "app.ts"), "utf8"),
      `/** shop: the services that are run and deployed together. */
import { app } from "tenon";
import notes from "./notes/service.ts";
import orderLines from "./order-lines/service.ts";
import inventory from "./inventory/service.ts";

export default app("shop", {
  services: [notes, orderLines, inventory],
});
`,
    );
  });

  test("makes what the compiler accepts", () => {
    const compiler = fileURLToPath(new URL("node_modules/typescript/bin/tsc", root));
    const { status, stdout } = spawnSync(process.execPath, [compiler, "--customConditions", "tenon-source"], { cwd: shop, encoding: "utf8" });
    // Here the compiler sees the platform's own sources too, under other settings than they are written for.
    const errors = stdout.split("\n").filter((line) => /^[^\s.]/.test(line));
    assert.deepEqual(errors, []);
    assert.ok(status !== null);
  });

  test("makes what is well: contracts, migrations and tables", async () => {
    const { code, stdout } = await runTenon(["check"], { cwd: shop });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /3 services, 9 operations/);
    assert.match(stdout, /3 tables as declared/);
  });

  test("makes tests that pass", async () => {
    assert.deepEqual((await readdir(join(shop, "test"))).toSorted(), ["inventory.test.ts", "notes.test.ts", "order-lines.test.ts"]);
    const one = "test/order-lines.test.ts"; // they are made from one text, and each costs a database
    const { status, stdout } = spawnSync(process.execPath, ["--conditions=tenon-source", "--test", "--test-reporter=tap", one], {
      cwd: shop,
      encoding: "utf8",
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    assert.equal(status, 0, stdout);
    assert.match(stdout, /# pass 3\n# fail 0\n/);
  });

  test("overwrites nothing: a second one of the same name changes no file", async () => {
    const before = await readFile(join(shop, "app.ts"), "utf8");
    const again = await runTenon(["new", "notes"], { cwd: shop });
    assert.equal(again.code, 1);
    assert.match(again.stderr, /nothing is overwritten, and there is already:\n {2}notes\/contract\.ts\n/);
    assert.equal(await readFile(join(shop, "app.ts"), "utf8"), before);
    const over = await place.tenon(["new", "shop"]);
    assert.equal(over.code, 1);
    assert.match(over.stderr, /shop is not empty: .*\n {2}→ choose another name/);
  });

  test("makes an app in the directory itself when it is empty but for what does no harm", async () => {
    await using empty = await Project.create();
    await empty.write({ "here/LICENSE": "Mine.\n" });
    const { code, stdout } = await runTenon(["new", ".", "--json"], { cwd: join(empty.directory, "here") });
    assert.equal(code, 0);
    const answer = JSON.parse(stdout) as { readonly made: string; readonly name: string; readonly files: readonly string[]; readonly next: readonly string[] };
    assert.deepEqual([answer.made, answer.name, answer.next], ["app", "here", ["npm install", "npm run dev"]]);
    assert.ok(answer.files.includes("app.ts"));
  });

  test("leaves an app file alone that is written in another way, and says what to add", async () => {
    const app = greeterFiles()["app.ts"]?.replace('{ services: [greeter] }', "{ services: [...[greeter]] }") ?? "";
    await using project = await Project.create({ ...greeterFiles(), "app.ts": app });
    const { code, stdout } = await project.tenon(["new", "orders"]);
    assert.equal(code, 0);
    assert.match(stdout, /add it to app\.ts by hand, since it is not written in the usual way:\n {2}import orders from "\.\/orders\/service\.ts";\n/);
    assert.equal(await readFile(join(project.directory, "app.ts"), "utf8"), app);
  });

  test("puts a service beside an app that lies in src, and its test where tests are", async () => {
    await using project = await Project.create(Object.fromEntries(Object.entries(greeterFiles()).map(([path, text]) => [`src/${path}`, text])));
    const { stdout } = await project.tenon(["new", "orders"]);
    assert.match(stdout, / {2}src\/orders\/contract\.ts\n/);
    assert.match(stdout, /\nadded to src\/app\.ts\n/);
    assert.match(await readFile(join(project.directory, "test/orders.test.ts"), "utf8"), /from "\.\.\/src\/orders\/service\.ts"/);
  });

  test("refuses names that cannot be, and a service where there is no app", async () => {
    for (const name of ["Orders", "2fast", "a--b", "contract", "docs"]) {
      const { code, stderr } = await runTenon(["new", name], { cwd: shop });
      assert.equal(code, 2, name);
      assert.match(stderr, /\n {2}→ /);
    }
    const { code, stderr } = await place.tenon(["new", "service", "orders"]);
    assert.equal(code, 1);
    assert.match(stderr, /there is no app here to add a service to/);
  });
});

describe("the names of a service", () => {
  test("in code, SQL and sentences", () => {
    const examples: Readonly<Record<string, readonly [type: string, table: string, sqlTable: string]>> = {
      orders: ["Order", "orders", "orders"],
      "order-lines": ["OrderLine", "orderLines", "order_lines"],
      categories: ["Category", "categories", "categories"],
      boxes: ["Box", "boxes", "boxes"],
      catalog: ["CatalogItem", "catalogItems", "catalog_items"],
      classes: ["ClassesItem", "classesItems", "classes_items"], // one of them would be the word `class`
      status: ["StatusItem", "statusItems", "status_items"],
    };
    for (const [word, [type, table, sqlTable]] of Object.entries(examples)) {
      const names = serviceNames(word);
      assert.deepEqual([names.type, names.table, names.sqlTable], [type, table, sqlTable], word);
    }
  });
});

describe("a service is added to an app's text", () => {
  const addition = { variable: "orders", specifier: "./orders/service.ts" };

  test("in the form that the list has", () => {
    const imports = 'import { app } from "tenon";\nimport a from "./a.ts"; // services: [x]\n';
    const forms: readonly (readonly [before: string, after: string])[] = [
      ["[]", "[orders]"],
      ["[a]", "[a, orders]"],
      ["[a, ]", "[a, orders]"],
      ["[\n    a,\n  ]", "[\n    a,\n    orders,\n  ]"],
      ["[\n    a\n  ]", "[\n    a,\n    orders,\n  ]"],
    ];
    for (const [before, after] of forms) {
      const text = `${imports}\nexport default app("x", { services: ${before} });\n`;
      const expected = `${imports.trimEnd()}\nimport orders from "./orders/service.ts";\n\nexport default app("x", { services: ${after} });\n`;
      const changed = addToApp(text, addition);
      assert.equal(changed?.replace(' // services: [x]', ""), expected.replace(' // services: [x]', ""));
    }
  });

  test("not, where that cannot be done for certain", () => {
    const unusual = [
      'import { app } from "tenon";\nexport default app("x", { services: list });\n',
      'import { app } from "tenon";\nexport default app("x", { services: [...list] , other: { services: [b] } });\n',
      'import { app } from "tenon";\nimport { orders } from "./other.ts";\nexport default app("x", { services: [orders] });\n',
      'export default globalThis.app("x", { services: [] });\n',
    ];
    for (const text of unusual) assert.equal(addToApp(text, addition), undefined, text);
  });
});

test("a new app depends on the versions that this repository is tested with", () => {
  const own = manifestAt("packages/tenon/package.json");
  const known: Record<string, string | undefined> = { ...manifestAt("package.json").devDependencies, ...own.devDependencies, ...own.dependencies, tenon: `^${own.version ?? ""}` };
  for (const [name, version] of Object.entries({ ...scaffoldVersions.dependencies, ...scaffoldVersions.devDependencies })) assert.equal(version, known[name], name);
});

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifestAt(path: string): Manifest {
  return JSON.parse(readFileSync(new URL(path, root), "utf8")) as Manifest;
}
