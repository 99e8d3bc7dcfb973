/** package-lock.json, as npm 7 and later write it: every package by its place under the project. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { CommandProblem } from "../problem.ts";

/** What the lock says of one package. */
export interface LockedPackage {
  /** Where the place and the name differ: an alias. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  /** `sha512-…`, in base64; several with blanks in between. */
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  /** Absolute path. */
  readonly path: string;
  /** The project within it, as a place: empty where the lock is the project's own, `apps/shop` in a workspace. */
  readonly project: string;
  /** By place: `node_modules/pg`, `node_modules/a/node_modules/b`, `apps/shop`; the root is empty. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** The lock file of a project: beside its package.json, or above it where it is part of a workspace. @throws {CommandProblem} */
export function readLockFile(home: string): LockFile {
  const path = search(home);
  const lock = parse(path);
  if (lock.packages === undefined) throw new CommandProblem(`${path} is of an old npm: it does not say what is installed where`, { remedy: "npm 7 or later writes it anew: npm install --package-lock-only" });
  return { path, project: relative(dirname(path), home).replaceAll("\\", "/"), packages: lock.packages };
}

function parse(path: string): { readonly packages?: LockFile["packages"] } {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { readonly packages?: LockFile["packages"] };
  } catch (cause) {
    throw new CommandProblem(`${path} is not readable: ${cause instanceof Error ? cause.message : String(cause)}`, { remedy: "npm install --package-lock-only writes it anew", cause });
  }
}

const otherLocks = ["pnpm-lock.yaml", "yarn.lock", "bun.lock"];

function search(home: string): string {
  for (let directory = home; ; directory = dirname(directory)) {
    const path = join(directory, "package-lock.json");
    if (existsSync(path)) return path;
    const other = otherLocks.find((name) => existsSync(join(directory, name)));
    if (other !== undefined) {
      throw new CommandProblem(`${join(directory, other)} is not npm's`, { remedy: "tenon sbom reads package-lock.json; npm install --package-lock-only writes one beside it" });
    }
    if (dirname(directory) === directory) throw new CommandProblem(`there is no package-lock.json in ${home} or above`, { remedy: "npm install --package-lock-only writes one" });
  }
}
