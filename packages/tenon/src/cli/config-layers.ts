/** Where an app that is run from the command line gets its settings: the environment, and below it the file `.env`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { ConfigLayer } from "../app/index.ts";

export const envFile = ".env";

/**
 * The strongest first. `.env` is read and never written to the environment: child processes and other libraries do
 * not see it.
 *
 * @param home  The app's directory.
 */
export function configLayers(home: string): readonly ConfigLayer[] {
  const path = join(home, envFile);
  const file = existsSync(path) ? [{ name: envFile, values: parseEnv(readFileSync(path, "utf8")) }] : [];
  return [{ name: "environment", values: process.env }, ...file];
}

/** The same with what stands in files and in Vault, for commands that open something themselves. @throws {ConfigError} */
export async function wholeLayers(home: string): Promise<readonly ConfigLayer[]> {
  const { Secrets, systemClock } = await import("../app/index.ts");
  return (await Secrets.open(configLayers(home), systemClock)).layers;
}
