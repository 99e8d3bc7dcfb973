/**
 * The README does what it says: the shop is started as `npm start` starts it, the commands of the tour are run in one
 * shell, and each answers with what stands below it. What is left out below a command is not compared, and "…" is
 * whatever comes.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("../", import.meta.url));
/** Between what two commands print. Letters that no command prints. */
const separator = "----8<----";

interface Step {
  readonly command: string;
  readonly answer: unknown;
}

/** The commands of the tour, each with the answer below it. */
function stepsOf(readme: string): readonly Step[] {
  const [, tour = ""] = readme.split(/^## A tour.*$/m);
  const [steps = ""] = tour.split(/^## /m);
  const found = steps.matchAll(/```sh\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g);
  return [...found].map(([, command = "", answer = ""]) => ({ command, answer: JSON.parse(answer) as unknown }));
}

/** Whether everything in `expected` is in `actual`. */
function assertIn(actual: unknown, expected: unknown, at: string): void {
  if (expected === "…") return assert.notEqual(actual, undefined, `${at} is missing`);
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${at} is no list`);
    assert.equal(actual.length, expected.length, `${at} has another length`);
    return expected.forEach((each, index) => assertIn(actual[index], each, `${at}/${index}`));
  }
  if (typeof expected === "object" && expected !== null) {
    for (const [key, value] of Object.entries(expected)) assertIn((actual as Record<string, unknown> | undefined)?.[key], value, `${at}/${key}`);
    return;
  }
  assert.deepEqual(actual, expected, at);
}

/** Where the shop says that it is. */
async function addressOf(shop: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  shop.stdout?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    const found = /The shop\s+http:\/\/(\S+?)\/\n/.exec(said)?.[1];
    if (found !== undefined) resolve(found);
  });
  shop.once("exit", () => reject(new assert.AssertionError({ message: `the shop did not start: ${said}` })));
  return promise;
}

describe("the tour of a README", () => {
  let directory: string;
  let shop: ChildProcess;
  let environment: NodeJS.ProcessEnv;
  let address = "";

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "shop-"));
    // Of `npm exec -c`, by which a single test is run: the npx of the tour would take it for its own.
    const { NODE_TEST_CONTEXT: _, npm_config_call: __, ...outer } = process.env;
    environment = { ...outer, TENON_DIRECTORY: directory, PORT: "0", PROVIDER_PORT: "0" };
    shop = spawn(process.execPath, ["--conditions=tenon-source", "start.ts"], { cwd: home, env: environment, stdio: ["ignore", "pipe", "inherit"] });
    address = await addressOf(shop);
  });
  after(async () => {
    if (shop.exitCode === null) {
      const gone = once(shop, "exit");
      shop.kill("SIGTERM");
      assert.deepEqual(await gone, [0, null], "the shop ends in order");
    }
    await rm(directory, { recursive: true });
  });

  for (const [name, least] of [["README.md", 10], ["../../README.md", 5]] as const) {
    test(`${name} answers as printed`, async () => {
      const steps = stepsOf(await readFile(join(home, name), "utf8"));
      assert.ok(steps.length >= least, `only ${steps.length} commands were found`);
      const script = steps.map(({ command }) => `${command.replaceAll("localhost:3000", address)}\necho '${separator}'\n`).join("");
      const shell = spawn("bash", ["-e", "-c", script], { cwd: home, env: environment, stdio: ["ignore", "pipe", "inherit"] });
      const [printed] = await Promise.all([text(shell.stdout), once(shell, "exit")]);
      const answers = printed.split(separator);
      for (const [index, { command, answer }] of steps.entries()) {
        const printedHere = answers[index] ?? "";
        let actual: unknown;
        assert.doesNotThrow(() => (actual = JSON.parse(printedHere)), `${command} printed ${printedHere}`);
        assertIn(actual, answer, command);
      }
    });
  }
});
