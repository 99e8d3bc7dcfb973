#!/usr/bin/env node
/**
 * The way into the command line. Plain JavaScript without a static import, so that an old Node can read as far as the
 * sentence that tells it is too old.
 *
 * Installed, this runs what was built into dist/. In the repository, where src/ lies beside, it runs the sources and
 * switches the export condition `tenon-source` on, for this process by a hook and for its children by NODE_OPTIONS:
 * starting Node a second time for it would cost 40 ms at every command.
 */
const neededMajor = 24;
const sourceCondition = "tenon-source";

async function run() {
  const { existsSync, realpathSync } = await import("node:fs");
  const { fileURLToPath, pathToFileURL } = await import("node:url");
  const here = fileURLToPath(import.meta.url);
  const local = localCopy(process.cwd(), here, existsSync, realpathSync);
  if (local !== undefined) return import(pathToFileURL(local).href);

  const nodeModule = await import("node:module");
  nodeModule.enableCompileCache();
  const isRepository = existsSync(new URL("../src/cli/main.ts", import.meta.url));
  if (isRepository) useSources(nodeModule);
  const { main } = await import(isRepository ? "../src/cli/main.ts" : "../dist/cli/main.js");
  return main(process.argv.slice(2));
}

/**
 * The copy of Tenon that the project in this directory has, where it is another one than this: an app and the program
 * that runs it have to be of one copy, or they would not know each other's errors.
 */
function localCopy(directory, here, existsSync, realpathSync) {
  for (let at = directory, above = ""; at !== above; ) {
    const program = `${at}/node_modules/tenon/bin/tenon.js`;
    if (existsSync(program)) {
      const real = realpathSync(program);
      return real === here ? undefined : real;
    }
    above = at;
    at = at.replace(/[\\/][^\\/]*$/, "") || "/";
  }
  return undefined;
}

function useSources(nodeModule) {
  const option = `--conditions=${sourceCondition}`;
  const given = process.env.NODE_OPTIONS || "";
  if (process.execArgv.includes(option) || given.includes(option)) return;
  process.env.NODE_OPTIONS = `${given} ${option}`.trim();
  nodeModule.registerHooks({
    resolve: (specifier, context, next) => next(specifier, { ...context, conditions: [...context.conditions, sourceCondition] }),
  });
}

if (Number(process.versions.node.split(".")[0]) < neededMajor) {
  console.error(`error: Node ${neededMajor} or later is needed, this is ${process.versions.node}\n  → install it from https://nodejs.org, or with your version manager: nvm install ${neededMajor}`);
  process.exitCode = 1;
} else {
  void run();
}
