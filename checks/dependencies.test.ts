/** Every package of others is known: why it is here, where it enters, and under which license. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as dependencies from "./dependencies.ts";
import { sourceFolder } from "./floors.ts";
import { assertNoProblems } from "./problems.ts";
import { findPaths, readSources, readText, type TextFile, toSource } from "./source-files.ts";

const { workspaces } = JSON.parse(readText("package.json").text) as { readonly workspaces: readonly string[] };
const manifestPaths = findPaths("package.json", ...workspaces.map((folder) => `${folder}/package.json`));
const manifests = manifestPaths.map((path) => dependencies.readManifest(readText(path)));
const entries = dependencies.entriesOf(readText("DEPENDENCIES.md"));

function manifestOf(path: string): dependencies.Manifest {
  const found = manifests.find((manifest) => manifest.path === path);
  assert.ok(found, `${path} is there`);
  return found;
}

describe("packages of others", () => {
  test("are each explained, and each explanation is still needed", () => {
    assertNoProblems(dependencies.unexplained(manifests, entries));
  });

  test("are pinned to a major version", () => {
    assertNoProblems(dependencies.unpinned(manifests));
  });

  test("enter the product by the one room that is written", () => {
    assertNoProblems(dependencies.wrongRooms(readSources(`${sourceFolder}/**/*.ts`), manifestOf(dependencies.productManifest), entries));
  });

  test("are loaded at their first use where whoever installs the product may leave them out", () => {
    const { devDependencies } = JSON.parse(readText(dependencies.productManifest).text) as { readonly devDependencies: Readonly<Record<string, string>> };
    assertNoProblems(dependencies.eagerOptionals(readSources(`${sourceFolder}/**/*.ts`), manifestOf(dependencies.productManifest), devDependencies));
  });

  test("are used where they are asked for", () => {
    const files = findPaths("**/*.ts").map(readText);
    const unquoted = files.filter((file) => !file.path.startsWith("checks/dependencies"));
    assertNoProblems(dependencies.idle(manifests, unquoted));
  });

  test("have the license that is written, and one that is allowed", () => {
    assertNoProblems(dependencies.wrongLicenses(entries));
  });

  test("are locked whole, with checksums, from the registry", () => {
    assertNoProblems(dependencies.lockProblems(JSON.parse(readText("package-lock.json").text) as dependencies.Lock));
  });
});

describe("a package that nobody looked at is found out", () => {
  const manifest = dependencies.readManifest({
    path: "packages/x/package.json",
    text: JSON.stringify({ name: "x", scripts: { build: "tsc -b" }, dependencies: { pg: "^8.0.0", zod: "*" }, devDependencies: { typescript: "^7.0.2", "@types/pg": "^8" } }),
  });
  const table: TextFile = {
    path: "DEPENDENCIES.md",
    text: "| Package | Where | License | Why | Runner-up |\n|---|---|---|---|---|\n| `pg` | postgres | MIT | speaks to it | none |\n| `gone` | calls | MIT | was here |  |\n",
  };
  const written = dependencies.entriesOf(table);

  test("unexplained, or explained in vain or in part", () => {
    assert.deepEqual(dependencies.unexplained([manifest], written), [
      "packages/x/package.json asks for zod, which DEPENDENCIES.md does not explain",
      "packages/x/package.json asks for typescript, which DEPENDENCIES.md does not explain",
      "packages/x/package.json asks for @types/pg, which DEPENDENCIES.md does not explain",
      "DEPENDENCIES.md:4 explains gone, which no package.json asks for",
      "DEPENDENCIES.md:4 leaves a cell of gone empty",
    ]);
  });

  test("not pinned", () => {
    assert.deepEqual(dependencies.unpinned([manifest]), ["packages/x/package.json asks for zod@*: pin its major version"]);
    const renamed = { ...manifest, dependencies: { a: "npm:@x/y@1.2.3", b: "npm:y@latest", c: "npm:y" } };
    assert.deepEqual(dependencies.unpinned([renamed]).map((problem) => problem.split(" ")[3]), ["b@npm:y@latest:", "c@npm:y:"]);
  });

  test("in another room than is written, or unasked", () => {
    const file = toSource({ path: `${sourceFolder}/data/pool.ts`, text: 'import pg from "pg";\nimport type { Kysely } from "kysely";\nimport x from "left-pad";' });
    const asking = { ...manifest, shipped: new Set(["pg", "kysely"]) };
    assert.deepEqual(dependencies.wrongRooms([file], asking, written), [
      `${sourceFolder}/data/pool.ts:1 imports pg, which enters by the room postgres`,
      `${sourceFolder}/data/pool.ts:3 imports left-pad, which is not installed with the package: packages/x/package.json has to ask for it`,
    ]);
  });

  test("optional, and imported as if it were there, or not there for the tests", () => {
    const optional = dependencies.readManifest({
      path: "packages/x/package.json",
      text: JSON.stringify({ name: "x", peerDependencies: { pg: "^8.0.0", kafka: "^2.0.0" }, peerDependenciesMeta: { pg: { optional: true }, kafka: { optional: true } } }),
    });
    const file = toSource({ path: `${sourceFolder}/postgres/pool.ts`, text: 'import pg from "pg";\nimport type { Client } from "pg";\nconst { Pool } = await import("pg");' });
    assert.deepEqual(dependencies.eagerOptionals([file], optional, { pg: "^8.0.0", kafka: "^1.0.0" }), [
      `${sourceFolder}/postgres/pool.ts:1 imports pg, which may be missing: load it with \`await import()\` where it is used`,
      "packages/x/package.json has the optional kafka not in the same version among its devDependencies, so that tests go without it",
    ]);
  });

  test("asked for and not used", () => {
    const files = [{ path: "packages/x/src/a.ts", text: 'import { PGlite } from "@electric-sql/pglite";' }];
    assert.deepEqual(dependencies.idle([manifest], files), [
      "packages/x/package.json asks for pg, and nothing in packages/x/ uses it",
      "packages/x/package.json asks for zod, and nothing in packages/x/ uses it",
      "packages/x/package.json asks for @types/pg, and nothing in packages/x/ uses it",
    ]);
  });

  test("under another license", () => {
    assert.deepEqual(dependencies.wrongLicenses(written.map((entry) => ({ ...entry, license: "ISC" }))), [
      "DEPENDENCIES.md:3 gives pg the license ISC; the package says MIT",
      "DEPENDENCIES.md:4: gone is not installed, or names no license",
    ]);
    assert.ok(dependencies.isAllowed("(MIT OR GPL-3.0)"));
    assert.ok(dependencies.isAllowed("(MIT AND Zlib)"));
    assert.ok(!dependencies.isAllowed("(MIT AND GPL-3.0)"));
  });

  test("locked in part, without a checksum, or from elsewhere", () => {
    const lock = {
      packages: {
        "": {},
        "node_modules/tool": { license: "MIT", integrity: "sha512-x", optionalDependencies: { "tool-linux": "1", "tool-mac": "1" } },
        "node_modules/tool-linux": { license: "GPL-3.0", resolved: "https://example.org/tool.tgz" },
        "node_modules/own": { link: true, resolved: "packages/own" },
      },
    };
    assert.deepEqual(dependencies.lockProblems(lock).map((problem) => problem.split(":")[0]), [
      "node_modules/tool has the optional tool-mac, which the lock leaves out",
      "node_modules/tool-linux has no checksum",
      "node_modules/tool-linux comes from https",
      "node_modules/tool-linux has the license GPL-3.0, which is not allowed",
    ]);
  });
});
