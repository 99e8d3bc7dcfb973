/**
 * Packages of others. Each is explained in DEPENDENCIES.md and enters the product through one room; what is written
 * there is compared with what is installed. Nothing here asks the network.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { roomOf } from "./floors.ts";
import { modulesUsedBy, packageOf, placeOf, root, type SourceFile, type TextFile } from "./source-files.ts";

/** Licenses under which the product can be used for anything. Compared after SPDX expressions are taken apart. */
export const allowedLicenses: ReadonlySet<string> = new Set(
  "0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MIT-0 Python-2.0 Unlicense Zlib".split(" "),
);

/** Packages whose types, and nothing else, are named in several rooms. */
export const sharedTypes: Readonly<Record<string, string>> = {
  kysely: "users write their queries with it, so what they are handed is typed by it",
  "@standard-schema/spec": "it is nothing but types: the shape that every schema library has",
};

/** Packages that are used without being imported or run by name, and how. */
export const silentlyUsed: Readonly<Record<string, string>> = {
  node: "npm puts it first on the path of every script",
  "oxlint-tsgolint": "oxlint runs it for the rules that need types",
};

export interface Manifest {
  readonly path: string;
  readonly scripts: Readonly<Record<string, string>>;
  /** Every kind of dependency, by name, with the version range that is asked for. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** What comes along when the package is installed: not `devDependencies`. */
  readonly shipped: ReadonlySet<string>;
  /** What whoever installs the package may leave out: optional peers. */
  readonly optional: ReadonlySet<string>;
  readonly workspaceName: string | undefined;
}

export function readManifest(file: TextFile): Manifest {
  const json = JSON.parse(file.text) as Record<string, unknown>;
  const kinds = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"];
  const askedAs = (kind: string): [string, string][] => Object.entries((json[kind] ?? {}) as Record<string, string>);
  return {
    path: file.path,
    scripts: (json["scripts"] ?? {}) as Record<string, string>,
    dependencies: Object.fromEntries(kinds.flatMap(askedAs)),
    shipped: new Set(kinds.filter((kind) => kind !== "devDependencies").flatMap(askedAs).map(([name]) => name)),
    optional: new Set(Object.entries((json["peerDependenciesMeta"] ?? {}) as Record<string, { readonly optional?: boolean }>).filter(([, { optional }]) => optional === true).map(([name]) => name)),
    workspaceName: json["name"] as string | undefined,
  };
}

/** A row of a table in DEPENDENCIES.md. */
export interface Entry {
  readonly line: number;
  readonly name: string;
  /** The room that imports it; outside of the product, who uses it. */
  readonly where: string;
  readonly license: string;
  readonly why: string;
  readonly runnerUp: string;
}

/** The rows whose first cell is the name of a package in backticks. */
export function entriesOf(document: TextFile): readonly Entry[] {
  return document.text.split("\n").flatMap((line, index) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const name = /^`([^`]+)`$/.exec(cells[1] ?? "")?.[1];
    if (name === undefined) return [];
    const [, , where = "", license = "", why = "", runnerUp = ""] = cells;
    return [{ line: index + 1, name, where, license, why, runnerUp }];
  });
}

interface Asked {
  readonly manifest: Manifest;
  readonly name: string;
  readonly range: string;
}

function askedFor(manifests: readonly Manifest[]): readonly Asked[] {
  const own = new Set(manifests.map((manifest) => manifest.workspaceName));
  return manifests.flatMap((manifest) =>
    Object.entries(manifest.dependencies).filter(([name]) => !own.has(name)).map(([name, range]) => ({ manifest, name, range })),
  );
}

/** Packages without an entry, entries without a package, entries that leave something out. */
export function unexplained(manifests: readonly Manifest[], entries: readonly Entry[]): readonly string[] {
  const asked = askedFor(manifests);
  const wanted = new Set(asked.map(({ name }) => name));
  const written = new Map(entries.map((entry) => [entry.name, entry]));
  return [
    ...asked.filter(({ name }) => !written.has(name)).map(({ manifest, name }) => `${manifest.path} asks for ${name}, which DEPENDENCIES.md does not explain`),
    ...entries.filter(({ name }) => !wanted.has(name)).map(({ name, line }) => `DEPENDENCIES.md:${line} explains ${name}, which no package.json asks for`),
    ...entries.filter((entry) => written.get(entry.name) !== entry).map(({ name, line }) => `DEPENDENCIES.md:${line} explains ${name} twice`),
    ...entries
      .filter((entry) => [entry.where, entry.license, entry.why, entry.runnerUp].some((cell) => cell === ""))
      .map(({ name, line }) => `DEPENDENCIES.md:${line} leaves a cell of ${name} empty`),
  ];
}

/** Ranges that let a new major version in. A package under another name (`npm:package@1.2.3`) is held to the same. */
export function unpinned(manifests: readonly Manifest[]): readonly string[] {
  return askedFor(manifests)
    .filter(({ range }) => !/^(?:npm:@?[\w./-]+@)?[\^~]?\d+(?:\.\d+){0,2}(?:-[\w.]+)?$/.test(range))
    .map(({ manifest, name, range }) => `${manifest.path} asks for ${name}@${range}: pin its major version`);
}

/** Packages that the product imports in several rooms, in another than is written, or without asking for them. */
export function wrongRooms(files: readonly SourceFile[], product: Manifest, entries: readonly Entry[]): readonly string[] {
  const written = new Map(entries.map((entry) => [entry.name, entry]));
  const problems: string[] = [];
  for (const file of files) {
    for (const use of modulesUsedBy(file)) {
      const name = use.specifier === undefined ? undefined : packageOf(use.specifier);
      if (name === undefined || name === product.workspaceName) continue;
      const place = placeOf(file, use.index);
      const where = written.get(name)?.where;
      const isShared = use.kind === "type" && sharedTypes[name] !== undefined;
      if (!product.shipped.has(name)) problems.push(`${place} imports ${name}, which is not installed with the package: ${product.path} has to ask for it`);
      else if (!isShared && roomOf(file.path) !== where) problems.push(`${place} imports ${name}, which enters by the room ${where ?? "nowhere"}`);
    }
  }
  return problems;
}

/**
 * Optional packages that are loaded where they may be missing: a static import breaks every app that left them out, and
 * a test that cannot be run here proves nothing.
 */
export function eagerOptionals(files: readonly SourceFile[], product: Manifest, development: Readonly<Record<string, string>>): readonly string[] {
  const eager = files.flatMap((file) =>
    modulesUsedBy(file)
      .filter((use) => use.kind === "value" && use.specifier !== undefined && product.optional.has(packageOf(use.specifier) ?? ""))
      .map((use) => `${placeOf(file, use.index)} imports ${use.specifier}, which may be missing: load it with \`await import()\` where it is used`),
  );
  const absent = [...product.optional].filter((name) => development[name] !== product.dependencies[name] || product.dependencies[name] === undefined);
  return [...eager, ...absent.map((name) => `${product.path} has the optional ${name} not in the same version among its devDependencies, so that tests go without it`)];
}

/** Names after which a package is used: its own, that of the package it types, and its commands. */
function namesFor(name: string): readonly string[] {
  if (name === "@types/node") return ["node:"];
  if (name.startsWith("@types/")) return [name.slice("@types/".length)];
  return [name, ...commandsOf(name)];
}

function commandsOf(name: string): readonly string[] {
  const bin = installed(name)?.["bin"];
  if (typeof bin === "string") return [name.split("/").at(-1) ?? name];
  return Object.keys(bin ?? {});
}

function installed(name: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as Record<string, unknown>;
  } catch {
    return undefined; // `wrongLicenses` tells that it is not installed
  }
}

/** Packages that a folder asks for and no file of the folder imports or runs. */
export function idle(manifests: readonly Manifest[], files: readonly TextFile[]): readonly string[] {
  return askedFor(manifests).flatMap(({ manifest, name }) => {
    const folder = manifest.path.slice(0, -"package.json".length);
    const texts = [...files.filter((file) => file.path.startsWith(folder)).map((file) => file.text), ...Object.values(manifest.scripts)];
    const isUsed = namesFor(name).some((used) => texts.some((text) => isNamed(used, text)));
    return isUsed || silentlyUsed[name] !== undefined ? [] : [`${manifest.path} asks for ${name}, and nothing in ${folder || "the repository"} uses it`];
  });
}

/** A name as a whole, not inside of a longer one: `pg` is not in `pglite` or in `@types/pg`. */
function isNamed(name: string, text: string): boolean {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`(?<![\\w@/.-])${escaped}(?![\\w-])`).test(text);
}

/** Licenses that differ from what is written, or that are not allowed. */
export function wrongLicenses(entries: readonly Entry[]): readonly string[] {
  return entries.flatMap((entry) => {
    const license = installed(entry.name)?.["license"];
    const place = `DEPENDENCIES.md:${entry.line}`;
    if (typeof license !== "string") return [`${place}: ${entry.name} is not installed, or names no license`];
    if (license !== entry.license) return [`${place} gives ${entry.name} the license ${entry.license}; the package says ${license}`];
    return isAllowed(license) ? [] : [`${place}: ${entry.name} has the license ${license}, which is not allowed`];
  });
}

/** SPDX expressions of `AND`, `OR` and one pair of parentheses, which is all that packages write. */
export function isAllowed(license: string): boolean {
  const plain = license.replaceAll(/[()]/g, "");
  if (plain.includes(" OR ")) return plain.split(" OR ").some(isAllowed);
  return plain.split(" AND ").every((part) => allowedLicenses.has(part.trim()));
}

interface LockedPackage {
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/**
 * What would make `npm ci` fail, or bring in what nobody looked at: an optional package for some platform that the
 * lock leaves out (npm skips one that the registry lacks, and `npm ci` then refuses the lock), a package without a
 * checksum, one from elsewhere than the registry, one whose license is not allowed.
 */
export function lockProblems(lock: Lock): readonly string[] {
  const paths = Object.keys(lock.packages);
  return Object.entries(lock.packages).flatMap(([path, locked]) => {
    const missing = Object.keys(locked.optionalDependencies ?? {}).filter((name) => !paths.some((other) => other.endsWith(`node_modules/${name}`)));
    const problems = missing.map((name) => `${path} has the optional ${name}, which the lock leaves out: pin a version whose platforms are all in the registry`);
    const isThirdParty = path.includes("node_modules/") && locked.link !== true;
    if (!isThirdParty) return problems;
    if (locked.integrity === undefined) problems.push(`${path} has no checksum`);
    if (locked.resolved !== undefined && !locked.resolved.startsWith("https://registry.npmjs.org/")) problems.push(`${path} comes from ${locked.resolved}`);
    if (!isAllowed(locked.license ?? "none")) problems.push(`${path} has the license ${locked.license ?? "none"}, which is not allowed`);
    return problems;
  });
}

export const productManifest = "packages/tenon/package.json";
