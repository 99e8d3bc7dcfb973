/**
 * Loads an app: imports its file, and makes sure that what it exports is one. Whatever goes wrong becomes a
 * {@link CommandProblem} that names the file and the line.
 */
import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { App } from "../service/index.ts";
import { explainError } from "./explain-error.ts";
import { explainLoaderError, explainThrown, unreadable } from "./explain-load.ts";
import { watchImports } from "./imported-files.ts";
import { CommandProblem } from "./problem.ts";
import { placeOfSyntaxError, showPath } from "./source-place.ts";

/** How many files are looked at for the one that Node could not parse but did not name: 40 ms each. */
const suspectsMax = 20;

/** @throws {CommandProblem} */
export async function loadApp(file: string): Promise<App> {
  assertOneCopy(file);
  const imported = new Set<string>();
  const stopWatching = watchImports((each) => imported.add(each));
  try {
    const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
    return appOf(module, file);
  } catch (thrown) {
    throw explainLoad(thrown, file, [...imported]);
  } finally {
    stopWatching();
  }
}

function explainLoad(thrown: unknown, file: string, imported: readonly string[]): CommandProblem {
  if (!(thrown instanceof Error)) return new CommandProblem(`${showPath(file)} throws while it is loaded: ${String(thrown)}`);
  if (thrown instanceof CommandProblem) return thrown;
  const explained = explainLoaderError(thrown);
  if (explained !== undefined) return explained;
  if (thrown.name === "SyntaxError") return findUnreadable(thrown, imported);
  return explainError(thrown) ?? explainThrown(thrown, file);
}

/** Node tells the place of a JavaScript syntax error only to whoever runs the file: so each suspect is run, without running it. */
function findUnreadable(error: Error, imported: readonly string[]): CommandProblem {
  const suspects = imported.filter((each) => !each.includes("/node_modules/")).slice(-suspectsMax);
  for (const suspect of suspects.toReversed()) {
    const checked = spawnSync(process.execPath, ["--check", suspect], { encoding: "utf8" });
    const place = checked.status === 0 ? undefined : placeOfSyntaxError(checked.stderr);
    if (place !== undefined) return unreadable(error, place);
  }
  return new CommandProblem(`a file that the app imports cannot be read: ${error.message}`, { cause: error });
}

function appOf(module: Readonly<Record<string, unknown>>, file: string): App {
  const exported = module["default"];
  if (isApp(exported)) return exported;
  const path = showPath(file);
  const [name] = Object.entries(module).find(([, value]) => isApp(value)) ?? [];
  if (name !== undefined) {
    throw new CommandProblem(`${path} exports an app, but not as its default`, { remedy: `write export default ${name === "default" ? "app(…)" : name} in it` });
  }
  const example = 'export default app("shop", { services: [orders] })';
  if (isService(exported)) {
    throw new CommandProblem(`${path} exports a service, and what runs is an app`, { remedy: `join services to an app in app.ts: ${example}` });
  }
  const what = exported === undefined ? "has no default export" : `has a default export that is not an app`;
  throw new CommandProblem(`${path} ${what}`, { remedy: `import { app } from "tenon", and write ${example}` });
}

function isApp(value: unknown): value is App {
  return value !== null && typeof value === "object" && "kind" in value && value.kind === "tenon-app";
}

function isService(value: unknown): boolean {
  return value !== null && typeof value === "object" && "contract" in value && "handlers" in value;
}

/**
 * An app and the program that runs it have to be of one copy of Tenon: with two, an error that the one throws is not
 * known to the other.
 */
function assertOneCopy(file: string): void {
  const theirs = manifestOf(file);
  const ours = new URL("../../package.json", import.meta.url);
  if (theirs === undefined || realpathSync(theirs) === realpathSync(fileURLToPath(ours))) return;
  throw new CommandProblem(`${showPath(file)} uses another copy of Tenon than this program: ${dirname(theirs)}`, {
    remedy: `run that one: npx tenon in ${showPath(dirname(file))}`,
  });
}

function manifestOf(file: string): string | undefined {
  try {
    return findPackageJSON("tenon", pathToFileURL(file));
  } catch {
    return undefined; // not installed: importing it will say so
  }
}
