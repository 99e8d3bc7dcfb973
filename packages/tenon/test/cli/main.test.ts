/** The command line as a whole: help, mistakes in its use, exit codes, and where it speaks. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { greeterFiles } from "./projects.ts";
import { Project, runTenon } from "./tenon-process.ts";

const commands = ["new", "dev", "check", "describe", "token", "config", "migrate", "start", "telemetry", "traces", "logs", "top"];
const anywhere = { cwd: tmpdir() };

describe("help", () => {
  test("lists every command, on standard output, and ends with 0", async () => {
    for (const args of [["--help"], []]) {
      const { code, stderr, stdout } = await runTenon(args, anywhere);
      assert.equal(code, 0);
      assert.equal(stderr, "");
      for (const command of commands) assert.match(stdout, new RegExp(`^  ${command}\\b`, "m"));
    }
  });

  test("of each command shows examples and the options that all have", async () => {
    for (const command of commands) {
      const { code, stdout } = await runTenon([command, "--help"], anywhere);
      assert.equal(code, 0, command);
      assert.match(stdout, new RegExp(`^Examples:\n(?:  .*tenon ${command}\\b.*\n)|(?:  .*\n)+`, "m"));
      assert.match(stdout, /--json/);
      assert.match(stdout, /--verbose/);
    }
  });

  test("tells the version", async () => {
    const { code, stdout } = await runTenon(["--version"], anywhere);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
});

describe("a mistake in the use ends with 2 and nothing on standard output:", () => {
  const mistakes: readonly { readonly args: readonly string[]; readonly says: RegExp }[] = [
    { args: ["dve"], says: /unknown command 'dve'\n\(Did you mean dev\?\)\n  → tenon --help/ },
    { args: ["start", "--migrat"], says: /unknown option '--migrat'\n\(Did you mean --migrate\?\)/ },
    { args: ["check", "a.ts", "b.ts"], says: /too many arguments/ },
    { args: ["token"], says: /a token needs a subject/ },
    { args: ["token", "--sub", "ann", "--expires", "soon"], says: /--expires soon is not a length of time\n  → a number and a unit/ },
    { args: ["token", "--sub", "ann", "--claim", "tenant"], says: /--claim tenant has no value/ },
    { args: ["new"], says: /missing required argument/ },
    { args: ["new", "Big Shop"], says: /"Big Shop" cannot name an app\n  → lower-case letters/ },
    { args: ["new", "a", "b"], says: /new takes one name/ },
  ];
  for (const { args, says } of mistakes) {
    test(`tenon ${args.join(" ")}`, async () => {
      const { code, stderr, stdout } = await runTenon(args, anywhere);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, says);
    });
  }
});

describe("a problem is told", () => {
  test("once, with what to do about it, and without a stack", async () => {
    const { code, stderr, stdout } = await runTenon(["check"], anywhere);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: there is no app here: .*\n  → make one: tenon new my-app\n  → or say where it is: /);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  test("with its stack, when that is asked for", async () => {
    await using project = await Project.create({ "app.ts": "export default (undefined as unknown as { name: string }).name;\n" });
    for (const run of [() => project.tenon(["check", "--verbose"]), () => project.tenon(["check"], { LOG_LEVEL: "debug" })]) {
      const { stderr } = await run();
      assert.match(stderr, /app\.ts:1 fails while it is loaded: TypeError: .*'name'/);
      assert.match(stderr, /\n\s+at file:.*app\.ts:1:/);
    }
  });

  test("to machines as one JSON document, and to people besides", async () => {
    const { code, stderr, stdout } = await runTenon(["check", "--json"], anywhere);
    assert.equal(code, 1);
    const answer = JSON.parse(stdout) as { readonly error: { readonly problem: string; readonly remedy: string } };
    assert.match(answer.error.problem, /there is no app here/);
    assert.match(answer.error.remedy, /tenon new/);
    assert.match(stderr, /^error: there is no app here/);
  });
});

describe("colors", () => {
  test("do not appear in a pipe, appear when they are forced, and never with NO_COLOR", async () => {
    await using project = await Project.create(greeterFiles());
    const escape = String.fromCodePoint(27);
    assert.ok(!(await project.tenon(["describe"])).stdout.includes(escape));
    assert.ok((await project.tenon(["describe"], { FORCE_COLOR: "1" })).stdout.includes(escape));
    assert.ok(!(await project.tenon(["describe"], { NO_COLOR: "1" })).stdout.includes(escape));
  });
});

describe("the version of Node", () => {
  const old = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path) && majorOf(path) < 24);

  test("is told to be too old by a Node that is", { skip: old === undefined ? "there is no Node before 24 on this machine" : false }, () => {
    const program = fileURLToPath(new URL("../../bin/tenon.js", import.meta.url));
    const { status, stderr, stdout } = spawnSync(old ?? "", [program, "dev"], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: Node 24 or later is needed, this is \d+\.\d+\.\d+\n  → /);
  });
});

function majorOf(path: string): number {
  return Number(spawnSync(path, ["-p", "process.versions.node.split('.')[0]"], { encoding: "utf8" }).stdout);
}
