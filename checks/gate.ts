/**
 * `npm run check`: the whole gate, the same here as in CI. Runs its steps in order, shows what they print, stops at the
 * first that fails, and ends with one line per step and one line of counts, which CI adds up. Given names of steps
 * (`node checks/gate.ts tests`), it runs only those.
 *
 * A step that is not a test run counts as one test, so that the last line is never "0 failed" when something failed.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { root } from "./source-files.ts";
import { addTallies, formatTally, readTally, type Tally } from "./tally.ts";

interface Step {
  readonly name: string;
  /** Run by this very Node. */
  readonly args: readonly string[];
  readonly isTestRun: boolean;
}

interface Result {
  readonly step: Step;
  readonly tally: Tally;
  readonly seconds: number;
}

/** The script of a package that stands behind one of its commands. */
function command(packageName: string, name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly bin: Readonly<Record<string, string>> };
  return join(dirname(manifest), bin[name] ?? "");
}

/** The arguments of a script of package.json that starts `node`: what the gate runs is what `npm test` runs. */
function nodeArgs(script: string): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly scripts: Readonly<Record<string, string>> };
  return (scripts[script] ?? "").split(" ").slice(1).map((word) => word.replaceAll('"', ""));
}

const allSteps: readonly Step[] = [
  { name: "lint", args: [command("oxlint", "oxlint"), "--deny-warnings"], isTestRun: false },
  { name: "types", args: [command("typescript", "tsc"), "-p", "."], isTestRun: false },
  { name: "checks", args: nodeArgs("checks"), isTestRun: true },
  // `npm test` runs the checks too; here they have a step of their own.
  { name: "tests", args: nodeArgs("test").filter((arg) => !arg.startsWith("checks/")), isTestRun: true },
  // Not part of the gate as a whole: a part of the tests, for runs on another database.
  { name: "services", args: nodeArgs("test:services"), isTestRun: true },
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !allSteps.some((step) => step.name === name));
if (unknown.length > 0) {
  const names = allSteps.map((step) => step.name).join(", ");
  const isHelp = unknown.every((name) => name === "--help" || name === "-h");
  process.stdout.write(`${isHelp ? "" : `there is no step ${unknown.join(", ")}\n`}npm run check [-- STEP …]: the steps of the gate are ${names}; without one it runs all but services\n`);
  process.exit(isHelp ? 0 : 2);
}
const steps = asked.length === 0 ? allSteps.filter((step) => step.name !== "services") : allSteps.filter((step) => asked.includes(step.name));

function run(step: Step): Promise<Result> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, step.args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  // Whoever stops the gate still gets its counts: a test run that is told to end says how far it came.
  const stop = (signal: NodeJS.Signals): boolean => child.kill(signal);
  process.on("SIGTERM", stop).on("SIGINT", stop);
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    output.push(chunk);
    process.stdout.write(chunk);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("SIGTERM", stop).off("SIGINT", stop);
      const tally = step.isTestRun ? readTally(Buffer.concat(output).toString()) : { passed: 1, failed: 0, skipped: 0 };
      // A run that was killed, or found no test, has printed no count that can be believed.
      const isBad = code !== 0 || tally.passed + tally.failed === 0;
      const failed = isBad ? Math.max(1, tally.failed) : tally.failed;
      resolve({ step, tally: { ...tally, passed: step.isTestRun ? tally.passed : 1 - failed, failed }, seconds: (performance.now() - startedAtMs) / 1_000 });
    });
  });
}

function lineOf({ step, tally, seconds }: Result): string {
  const verdict = tally.failed === 0 ? "passed" : "FAILED";
  const counts = step.isTestRun ? `  ${formatTally(tally)}` : "";
  return `  ${step.name.padEnd(8)}${verdict}${seconds.toFixed(1).padStart(8)} s${counts}`;
}

const results: Result[] = [];
for (const step of steps) {
  process.stdout.write(`\n── ${step.name}\n`);
  const result = await run(step);
  results.push(result);
  if (result.tally.failed > 0) break;
}

const notRun = steps.slice(results.length).map((step) => `  ${step.name.padEnd(8)}not run`);
process.stdout.write(`\n── the gate\n${[...results.map(lineOf), ...notRun].join("\n")}\n`);
process.stdout.write(`gate: ${formatTally(addTallies(results.map(({ tally }) => tally)))}\n`);
process.exitCode = results.some(({ tally }) => tally.failed > 0) ? 1 : 0;
