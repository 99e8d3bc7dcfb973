/**
 * Where the app is: the file that a command was given, or the one that the project names.
 *
 * Looked for from the working directory upwards: `"tenon": { "app": "server/app.ts" }` in package.json, then `app.ts`
 * and `src/app.ts` (or `.js`) beside it. Found, the process moves to the app's own directory, so that relative paths
 * in `.env` and in TENON_DIRECTORY mean the same from wherever a command is run.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { CommandProblem } from "./problem.ts";

export interface AppLocation {
  /** Absolute path of the file whose default export is the app. */
  readonly file: string;
  /** The nearest directory at or above it that has a package.json; else its own. */
  readonly home: string;
}

const defaultFiles = ["app.ts", "src/app.ts", "app.js", "src/app.js"];

/**
 * @param given      What the command line says: a file or a directory, or nothing.
 * @param directory  Where the command is run.
 * @throws {CommandProblem} there is no such file, or no app to be found.
 */
export function findApp(given: string | undefined, directory: string): AppLocation {
  if (given === undefined) return searchUpwards(directory);
  const path = resolve(directory, given);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new CommandProblem(`there is no file ${given}`, { remedy: "give the file whose default export is the app" });
  }
  if (found.isFile()) return { file: path, home: homeOf(dirname(path)) };
  const file = appIn(path);
  if (file === undefined) {
    throw new CommandProblem(`there is no app in ${given}`, { remedy: `give the file itself, or name it ${defaultFiles.slice(0, 2).join(" or ")}` });
  }
  return { file, home: homeOf(path) };
}

/** Finds the app and moves the process to its home. @throws {CommandProblem} */
export function enterApp(given: string | undefined): AppLocation {
  const location = findApp(given, process.cwd());
  process.chdir(location.home);
  return location;
}

/** The app of the project around a directory, or `undefined`. */
export function findAppAround(directory: string): AppLocation | undefined {
  for (const at of upwardsFrom(directory)) {
    const file = appIn(at);
    if (file !== undefined) return { file, home: homeOf(at) };
  }
  return undefined;
}

function searchUpwards(directory: string): AppLocation {
  const location = findAppAround(directory);
  if (location !== undefined) return location;
  throw new CommandProblem("there is no app here: no app.ts, no src/app.ts, and no package.json that names one", {
    remedy: 'make one: tenon new my-app\nor say where it is: tenon dev path/to/app.ts, or "tenon": { "app": "path/to/app.ts" } in package.json',
  });
}

function appIn(directory: string): string | undefined {
  const named = namedByManifest(directory);
  if (named !== undefined) return named;
  return defaultFiles.map((file) => join(directory, file)).find((file) => existsSync(file));
}

/** @throws {CommandProblem} package.json names a file that is not there, or cannot be read. */
function namedByManifest(directory: string): string | undefined {
  const path = join(directory, "package.json");
  if (!existsSync(path)) return undefined;
  const named = readManifest(path)["tenon"]?.app;
  if (named === undefined) return undefined;
  if (typeof named !== "string") {
    throw new CommandProblem(`${relative(process.cwd(), path)} names an app that is not a text`, { remedy: 'write "tenon": { "app": "path/to/app.ts" }' });
  }
  const file = resolve(directory, named);
  if (!existsSync(file)) {
    throw new CommandProblem(`${relative(process.cwd(), path)} names the app ${named}, which is not there`, { remedy: 'mend "tenon": { "app": … } in it' });
  }
  return file;
}

function readManifest(path: string): Readonly<Record<string, { readonly app?: unknown } | undefined>> {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, { readonly app?: unknown } | undefined>>;
  } catch (cause) {
    throw new CommandProblem(`${relative(process.cwd(), path)} cannot be read: ${(cause as Error).message}`, { remedy: "mend it: it has to be JSON", cause });
  }
}

function homeOf(directory: string): string {
  return upwardsFrom(directory).find((at) => existsSync(join(at, "package.json"))) ?? directory;
}

/** The directory and all above it, the nearest first. */
function upwardsFrom(directory: string): readonly string[] {
  const above = dirname(directory);
  return above === directory ? [directory] : [directory, ...upwardsFrom(above)];
}
