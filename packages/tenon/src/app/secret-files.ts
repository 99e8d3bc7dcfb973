/**
 * Settings in files: `NAME_FILE` names the file that holds NAME, and in SECRETS_DIRECTORY each file is named after its
 * setting. A file is read when its setting is asked for, and kept until it is read anew; one line break at its end is none
 * of the value.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, type ConfigLayer, lookUp, settings } from "./config.ts";

/** What a setting is at the longest, in bytes: a certificate chain is a tenth of it. */
const fileMaxBytes = 65_536;

/** A layer that can be read anew. */
export interface FileLayer extends ConfigLayer {
  /** @returns the names of settings that were asked for and have another value now. @throws {ConfigError} a file cannot be read. */
  reread(): readonly string[];
}

/** @param layers  What names the files. */
export function secretFiles(layers: readonly ConfigLayer[]): FileLayer {
  const known = new Map<string, string | undefined>();
  return {
    name: "file",
    values: {},
    read(name) {
      if (!known.has(name)) known.set(name, readSetting(layers, name));
      return known.get(name);
    },
    reread() {
      const fresh = [...known.keys()].map((name) => [name, readSetting(layers, name)] as const);
      const changed = fresh.filter(([name, value]) => known.get(name) !== value);
      for (const [name, value] of changed) known.set(name, value);
      return changed.map(([name]) => name);
    },
  };
}

/** Settings that name a file themselves: whoever has them reads it, as a key and not as text. */
const ownFiles: ReadonlySet<string> = new Set(Object.values(settings).flatMap(({ env }) => (env.endsWith("_FILE") ? [env] : [])));

function readSetting(layers: readonly ConfigLayer[], name: string): string | undefined {
  if (!/^[A-Z][A-Z0-9_]*$/.test(name) || name.endsWith("_FILE")) return undefined;
  const named = ownFiles.has(`${name}_FILE`) ? undefined : lookUp(layers, `${name}_FILE`)?.text;
  if (named !== undefined) return readText(named, `${name}_FILE names ${named}, which`);
  const directory = lookUp(layers, "SECRETS_DIRECTORY")?.text;
  if (directory === undefined) return undefined;
  const path = join(directory, name);
  return existsSync(path) ? readText(path, `the file ${name} in SECRETS_DIRECTORY`) : undefined;
}

/** @throws {ConfigError} */
function readText(path: string, what: string): string {
  try {
    if (statSync(path).size > fileMaxBytes) throw new ConfigError([`${what} is larger than ${fileMaxBytes} bytes: it is no setting`]);
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([`${what} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`]);
  }
}
