/**
 * Imports the modules that it is given, one after another, and tells what each left behind: a handle, a listener on
 * the process, a global, a change of the environment, a line of output. Run by `purity.test.ts` in a process of its own,
 * which must then end by itself. Prints one JSON array of sentences on the file descriptor 3.
 */
import { writeSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** What importing can leave behind. Each trace is a line that a person can read. */
interface Traces {
  readonly handles: readonly string[];
  readonly listeners: readonly string[];
  readonly globals: readonly string[];
  readonly environment: readonly string[];
}

/** Globals that are not ours, set when something is imported, and why that does no harm. */
const knownGlobals: Readonly<Record<string, string>> = {
  __zod_globalConfig: "zod shares its settings among its copies",
  __zod_globalRegistry: "zod shares its registry among its copies",
  "Symbol(undici.globalDispatcher.1)": "Node loads its own fetch when Request or Response is first named",
  "Symbol(undici.globalDispatcher.2)": "Node loads its own fetch when Request or Response is first named",
};

const printed: string[] = [];
for (const stream of [process.stdout, process.stderr]) {
  stream.write = (chunk: string | Uint8Array): boolean => printed.push(String(chunk).trim()) > 0;
}

const environmentAtStart = { ...process.env };

function traces(): Traces {
  return {
    handles: process.getActiveResourcesInfo(),
    listeners: process.eventNames().map((name) => `${String(name)} × ${process.listenerCount(name)}`),
    globals: Reflect.ownKeys(globalThis).map(String).filter((name) => knownGlobals[name] === undefined),
    // Names alone: a value may be a secret, and this is printed.
    environment: [...new Set([...Object.keys(environmentAtStart), ...Object.keys(process.env)])]
      .filter((name) => environmentAtStart[name] !== process.env[name]),
  };
}

/** What `after` has more of than `before`; the same thing may be there several times. */
function news(before: readonly string[], after: readonly string[]): readonly string[] {
  const left = [...before];
  return after.filter((item) => {
    const at = left.indexOf(item);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

const problems: string[] = [];
for (const url of process.argv.slice(2)) {
  const before = traces();
  const failure = await import(url).then(() => undefined, String);
  await new Promise((resolve) => setImmediate(resolve)); // what the import put off until the next turn shows too
  const after = traces();
  const name = relative(process.cwd(), fileURLToPath(url)).replaceAll("\\", "/");
  if (failure !== undefined) problems.push(`importing ${name} fails: ${failure}`);
  for (const key of ["handles", "listeners", "globals", "environment"] as const) {
    const left = news(before[key], after[key]);
    if (left.length > 0) problems.push(`importing ${name} leaves ${key}: ${left.join(", ")}`);
  }
  for (const line of printed.splice(0)) problems.push(`importing ${name} prints: ${line}`);
}
writeSync(3, JSON.stringify(problems));
