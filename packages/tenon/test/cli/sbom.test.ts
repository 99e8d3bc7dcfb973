/** The bill of materials, by the published schema of CycloneDX, and what stands in it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { createSbom, type LockFile, readLockFile, type Sbom } from "../../src/cli/testing.ts";
import { greeterFiles } from "./projects.ts";
import { Project } from "./tenon-process.ts";

const require = createRequire(import.meta.url);
const schemas = join(dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json")), "res/schema");

function schemaOf(name: string): object {
  return JSON.parse(readFileSync(join(schemas, name), "utf8")) as object;
}

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(schemaOf("spdx.SNAPSHOT.schema.json"), "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json");
ajv.addSchema(schemaOf("jsf-0.82.SNAPSHOT.schema.json"), "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json");
const isValid = ajv.compile(schemaOf("bom-1.6.SNAPSHOT.schema.json"));

function assertValid(sbom: Sbom): void {
  assert.ok(isValid(JSON.parse(JSON.stringify(sbom))), JSON.stringify(isValid.errors?.slice(0, 5), undefined, 2));
  const refs = new Set([sbom.metadata.component["bom-ref"], ...sbom.components.map((component) => component["bom-ref"])]);
  assert.equal(refs.size, sbom.components.length + 1, "each component stands there once");
  for (const { dependsOn, ref } of sbom.dependencies) for (const each of [ref, ...dependsOn]) assert.ok(refs.has(each), `${each} is a component`);
}

const lock: LockFile = {
  path: "/project/package-lock.json",
  project: "",
  packages: {
    "": { name: "shop", version: "1.2.0", license: "UNLICENSED", dependencies: { "@scope/a": "^1.0.0", b: "^2.0.0" }, devDependencies: { tester: "^1.0.0" } },
    "node_modules/@scope/a": { version: "1.0.1", resolved: "https://registry.npmjs.org/@scope/a/-/a-1.0.1.tgz", integrity: `sha512-${Buffer.alloc(64, 1).toString("base64")}`, license: "(MIT OR CC0-1.0)", dependencies: { b: "^1.0.0" }, optionalDependencies: { "for-mac": "1.0.0" } },
    "node_modules/@scope/a/node_modules/b": { version: "1.9.0", license: "MIT" },
    "node_modules/b": { version: "2.3.0", license: "see LICENSE", peerDependencies: { "not-there": "*" } },
    "node_modules/tester": { version: "1.0.0", dev: true, dependencies: { b: "^2.0.0" } },
    "node_modules/for-mac": { version: "1.0.0", optional: true, license: "MIT" },
    "node_modules/left-over": { version: "1.0.0", extraneous: true } as LockFile["packages"][string],
  },
};

describe("a bill of materials", () => {
  test("names what runs in production: versions, licenses, checksums, and who needs whom", () => {
    const sbom = createSbom(lock, { scope: "production", toolVersion: "1.0.0" });
    assertValid(sbom);
    assert.deepEqual(sbom.metadata.component.purl, "pkg:npm/shop@1.2.0");
    assert.deepEqual(sbom.components.map(({ purl, scope }) => [purl, scope]), [
      ["pkg:npm/%40scope/a@1.0.1", "required"],
      ["pkg:npm/b@1.9.0", "required"],
      ["pkg:npm/b@2.3.0", "required"],
      ["pkg:npm/for-mac@1.0.0", "optional"],
    ]);
    const [a] = sbom.components;
    assert.deepEqual(a?.hashes, [{ alg: "SHA-512", content: "01".repeat(64) }]);
    assert.deepEqual([a?.group, a?.name, a?.licenses], ["@scope", "a", [{ expression: "(MIT OR CC0-1.0)" }]]);
    assert.deepEqual(sbom.dependencies.find(({ ref }) => ref === a?.["bom-ref"])?.dependsOn, ["pkg:npm/b@1.9.0", "pkg:npm/for-mac@1.0.0"]);
  });

  test("of development has what only development needs, too", () => {
    const names = createSbom(lock, { scope: "development", toolVersion: "1.0.0" }).components.map(({ name }) => name);
    assert.ok(names.includes("tester") && !names.includes("left-over"));
  });

  test("is the same again for the same lock, and another for another", () => {
    const options = { scope: "production", toolVersion: "1.0.0" } as const;
    assert.deepEqual(createSbom(lock, options), createSbom(structuredClone(lock), options));
    const changed = { ...lock, packages: { ...lock.packages, "node_modules/b": { version: "2.3.1" } } };
    assert.notEqual(createSbom(changed, options).serialNumber, createSbom(lock, options).serialNumber);
  });

  test("of this very repository, a workspace, is valid", () => {
    const home = fileURLToPath(new URL("../../../../examples/shop", import.meta.url));
    const found = readLockFile(home);
    assert.equal(found.project, "examples/shop");
    const sbom = createSbom(found, { scope: "production", toolVersion: "1.0.0" });
    assertValid(sbom);
    for (const name of ["tenon", "pg", "kysely", "zod"]) assert.ok(sbom.components.some((component) => component.name === name), name);
    assert.ok(!sbom.components.some(({ name }) => name === "typescript"));
    assertValid(createSbom({ ...found, project: "" }, { scope: "development", toolVersion: "1.0.0" }));
  });

  test("cannot be made of another package manager's lock, or of none, and says what to do", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tenon-sbom-"));
    try {
      await writeFile(join(directory, "pnpm-lock.yaml"), "");
      assert.throws(() => readLockFile(directory), /is not npm's/);
      await writeFile(join(directory, "package-lock.json"), '{ "lockfileVersion": 1, "dependencies": {} }');
      assert.throws(() => readLockFile(directory), /is of an old npm/);
      await writeFile(join(directory, "package-lock.json"), "{");
      assert.throws(() => readLockFile(directory), /is not readable/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

test("tenon sbom writes it to a file", { timeout: 60_000 }, async () => {
  await using project = await Project.create({ ...greeterFiles(), "package-lock.json": JSON.stringify({ lockfileVersion: 3, packages: lock.packages }) });
  const { code, stderr, stdout } = await project.tenon(["sbom", "--to", "bom.json"]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "4 components in bom.json\n");
  assert.equal((JSON.parse(await readFile(join(project.directory, "bom.json"), "utf8")) as Sbom).components.length, 4);
});
