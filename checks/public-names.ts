/**
 * The names that users can import. `public-names.txt` lists them, so that a name that comes or goes shows in a review.
 * Run as a program (`npm run names`), it writes the list anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { byCodeUnit, findPaths, placeOf, root, type SourceFile, readSources } from "./source-files.ts";

export const listPath = "checks/public-names.txt";

/** What an entry of `exports` in a package.json leads to. */
type Target = string | { readonly [condition: string]: Target } | null;

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: { readonly [entry: string]: Target };
}

/** One way into a package: `tenon/client`, and the source file that it opens. */
export interface FrontDoor {
  readonly name: string;
  readonly path: string;
}

/** The doors of a package that its manifest opens, in the manifest's order. Only code: `./package.json` is none. */
export function frontDoors(folder: string, manifest: Manifest): readonly FrontDoor[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([entry, target]) => {
    const source = typeof target === "object" && target !== null ? target["tenon-source"] : undefined;
    if (typeof source !== "string") return [];
    return [{ name: join(manifest.name, entry).replaceAll("\\", "/"), path: `${folder}/${source.replace(/^\.\//, "")}` }];
  });
}

/**
 * The exported names of a file, sorted, a type with the word before it.
 *
 * @throws {TypeError} for a form that names nothing, such as `export *`: a front door lists what it lets out.
 */
export function exportedNames(file: SourceFile): readonly string[] {
  const vague = /\bexport\s*(?:type\s*)?\*(?!\s*as\b)|\bexport\s+default\b/.exec(file.code);
  if (vague !== null) throw new TypeError(`${placeOf(file, vague.index)}: a front door has named exports only`);
  const names = new Set<string>();
  for (const [, isType, list = ""] of file.code.matchAll(/\bexport\s+(type\s*)?\{([^}]*)\}/g)) {
    for (const item of list.split(",").map((text) => text.trim()).filter((text) => text !== "")) {
      const name = item.split(/\s+as\s+/).at(-1)?.replace(/^type\s+/, "") ?? "";
      names.add(isType !== undefined || item.startsWith("type ") ? `type ${name}` : name);
    }
  }
  for (const [, isType, name = ""] of file.code.matchAll(/\bexport\s+(type\s*)?\*\s*as\s+([\w$]+)/g)) {
    names.add(isType === undefined ? name : `type ${name}`);
  }
  const declared = /\bexport\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(const|let|function\*?|class|interface|type)\s+([\w$]+)/g;
  for (const [, kind = "", name = ""] of file.code.matchAll(declared)) {
    names.add(kind === "interface" || kind === "type" ? `type ${name}` : name);
  }
  return [...names].sort((a, b) => byCodeUnit(a.replace(/^type /, ""), b.replace(/^type /, "")));
}

/** The text of the list, for the doors of all published packages. */
export function listOfNames(): string {
  const blocks = findPaths("packages/*/package.json").flatMap((path) => {
    const manifest = JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest;
    if (manifest.private === true) return [];
    return frontDoors(path.slice(0, -"/package.json".length), manifest).map(blockOf);
  });
  return `# Every name that users can import. Written by \`npm run names\`; read the difference before it is committed.\n\n${blocks.join("\n")}`;
}

function blockOf(door: FrontDoor): string {
  const [file] = readSources(door.path);
  if (file === undefined) return `${door.name}\n  (${door.path} is not there)\n`;
  return `${door.name}\n${exportedNames(file).map((name) => `  ${name}\n`).join("")}`;
}

if (import.meta.main) {
  writeFileSync(join(root, listPath), listOfNames());
}
