/**
 * What `npm install tenon` gives: JavaScript and types, without the sources and with nothing of the repository around
 * it. Built into a folder of its own, then used from outside as somebody else would.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { buildTo } from "../packages/tenon/build.ts";
import { assertNoProblems } from "./problems.ts";
import { exportedNames, frontDoors, type Manifest } from "./public-names.ts";
import { findPaths, readSources, readText, root } from "./source-files.ts";

const run = promisify(execFile);
const typescript = join(root, "node_modules/typescript/bin/tsc");

interface Published extends Manifest {
  readonly bin?: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const manifest = JSON.parse(readText("packages/tenon/package.json").text) as Published;
const doors = frontDoors("packages/tenon", manifest);

/** An app as somebody else would write it, in JavaScript, that asks itself and prints what it was answered. */
const helloProgram = `
  import { app, contract, query, service } from "tenon";
  import { startApp } from "tenon/app";
  import * as z from "zod";

  const greetings = contract("greetings", {
    hello: query({ http: "GET /hello", access: "public", input: z.object({ name: z.string() }), output: z.object({ text: z.string() }) }),
  });
  const hello = app("hello", { services: [service(greetings, { handlers: { hello: ({ input }) => ({ text: "Hello " + input.name }) } })] });
  const started = await startApp(hello, { layers: [{ name: "test", values: { PORT: "0" } }] });
  const answers = {};
  for (const path of ["/hello?name=Ada", "/openapi.json", "/docs"]) {
    const response = await fetch(started.url + path);
    answers[path] = [response.status, response.headers.get("content-type").split(";")[0]];
  }
  await started.stop();
  console.log(JSON.stringify(answers));
`;

describe("the manifest", () => {
  test("opens each front door by its source, its types and its code, under the same name", () => {
    const expected = doors.map(({ name, path }) => {
      const file = path.slice("packages/tenon/src/".length, -".ts".length);
      const entry = name.replace(/^tenon/, ".");
      return [entry, { "tenon-source": `./src/${file}.ts`, types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` }];
    });
    assert.deepEqual(manifest.exports, Object.fromEntries(expected));
    assert.deepEqual(doors.map((door) => door.path).toSorted(), findPaths("packages/tenon/src/*.ts"));
  });
});

describe("the built package, from outside", () => {
  let folder = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "tenon-published-"));
    const home = join(folder, "node_modules/tenon");
    await mkdir(home, { recursive: true });
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(home, "package.json"), readText("packages/tenon/package.json").text);
    const written = manifest.files.filter((name) => !name.startsWith("!") && name !== "dist");
    await Promise.all(written.map((name) => cp(join(root, "packages/tenon", name), join(home, name), { recursive: true })));
    // Only what the manifest asks for: a package that is there by chance in the repository is not there here.
    // Nor are optional ones: the package has to work, and its types to stand, without them.
    const peers = Object.keys(manifest.peerDependencies ?? {}).filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true);
    const asked = [...Object.keys(manifest.dependencies), ...peers, "@types/node"];
    await Promise.all(asked.map((name) => link(name)));
    await buildTo(join(home, "dist"));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  async function link(name: string): Promise<void> {
    const path = join(folder, "node_modules", name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(root, "node_modules", name), path, "junction");
  }

  test("exports at run time what its front doors name", async () => {
    for (const door of doors) {
      const [source] = readSources(door.path);
      assert.ok(source);
      const values = exportedNames(source).filter((name) => !name.startsWith("type "));
      const program = `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(door.name)}))))`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder });
      assert.deepEqual((JSON.parse(stdout) as string[]).toSorted(), values.toSorted(), door.name);
    }
  });

  test("answers with its pages and documents, which lie beside the code", async () => {
    await writeFile(join(folder, "hello.js"), helloProgram);
    const { stdout } = await run(process.execPath, ["hello.js"], { cwd: folder, timeout: 60_000 });
    assert.deepEqual(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""), {
      "/hello?name=Ada": [200, "application/json"],
      "/openapi.json": [200, "application/json"],
      "/docs": [200, "text/html"],
    });
  });

  test("has types that stand by themselves", async () => {
    const uses = doors.map(({ name }, at) => `export * as door${at} from "${name}";`);
    await writeFile(join(folder, "use.ts"), uses.join("\n"));
    const options = { module: "nodenext", target: "es2024", lib: ["es2024", "esnext.disposable", "dom.asynciterable"], types: ["node"], strict: true, noEmit: true };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["use.ts"] }));
    const output = await run(process.execPath, [typescript, "-p", folder, "--pretty", "false"], { cwd: folder }).then(
      () => "",
      (failure: { readonly stdout: string }) => failure.stdout,
    );
    assertNoProblems(output.split("\n").filter((line) => /^(?:use\.ts|node_modules\/tenon\/)/.test(line)));
  });

  test("has a command that starts", async () => {
    for (const path of Object.values(manifest.bin ?? {})) {
      const { stdout } = await run(process.execPath, [join(folder, "node_modules/tenon", path), "--version"], { cwd: folder });
      assert.match(stdout, /^\d+\.\d+\.\d+/);
    }
  });
});
