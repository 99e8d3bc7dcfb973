/** The files of a project in which no secret may stand: all that git would take, and what is built; else all but libraries. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { findSecrets } from "./secret-scan.ts";

/** Built output is not in git, and is shipped: it is looked at too. */
const builtDirectories = ["dist", "build", "out"];
const passedOver = new Set(["node_modules", ".git", ".tenon", ".env"]);
/** What is larger is data. */
const fileMaxBytes = 2_000_000;

export interface SecretPlace {
  /** `orders/service.ts:12`. */
  readonly at: string;
  readonly kind: string;
}

export interface SecretSearch {
  readonly files: number;
  readonly found: readonly SecretPlace[];
}

/** @param home  The project's directory. */
export function searchSecrets(home: string): SecretSearch {
  const built = builtDirectories.flatMap((directory) => filesIn(home, directory));
  const files = [...new Set([...(trackedIn(home) ?? filesIn(home, "")), ...built])].filter((path) => !/(?:^|\/)(?:package-lock\.json|node_modules\/)/.test(path));
  const found = files.flatMap((path) => (textOf(join(home, path)) ?? []).flatMap((text) => findSecrets(text).map(({ kind, line }) => ({ at: `${path}:${line}`, kind }))));
  return { files: files.length, found };
}

/** Tracked files, and those that would be. `undefined` where there is no git. */
function trackedIn(home: string): readonly string[] | undefined {
  const { error, status, stdout } = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: home, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const paths = error === undefined && status === 0 ? stdout.split("\0").filter((path) => path !== "") : [];
  return paths.length === 0 ? undefined : paths; // a directory that git leaves out is looked at all the same
}

function filesIn(home: string, directory: string): readonly string[] {
  let entries;
  try {
    entries = readdirSync(join(home, directory), { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
    if (passedOver.has(entry.name)) return [];
    return entry.isDirectory() ? filesIn(home, path) : entry.isFile() ? [path] : [];
  });
}

/** A text, or nothing where the file is gone, large, or no text. */
function textOf(path: string): readonly string[] | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile() || found.size > fileMaxBytes) return undefined;
  const text = readFileSync(path, "utf8");
  return text.includes("\0") ? undefined : [text];
}
