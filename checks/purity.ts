/**
 * The outside world is handed in. Time, chance, the process and the network appear in faces, adapters and the
 * composition; everywhere else they are parameters, which is what lets a whole run be repeated with a virtual clock.
 */
import { roomOf } from "./floors.ts";
import { type Room, rooms } from "./rooms.ts";
import { modulesUsedBy, placeOf, type SourceFile } from "./source-files.ts";

const outsideKinds: ReadonlySet<Room["kind"]> = new Set(["face", "adapter", "composition"] as const);

/** What code must not take for itself, and what it asks for instead. */
const worldly: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /(?<![\w$.#'"])process(?=\s*(?:\?\.|[.[]))/g, instead: "what it needs of the process, handed in" },
  { pattern: /(?<![\w$.#])Date\s*\.\s*now\b/g, instead: "a Clock" },
  { pattern: /(?<![\w$.#])new\s+Date\s*(?:\(\s*\)|(?!\s*\())/g, instead: "a Clock" },
  { pattern: /(?<![\w$.#])(?<!new\s+)Date\s*\(/g, instead: "a Clock" },
  { pattern: /(?<![\w$.#])Temporal\s*\.\s*Now\b/g, instead: "a Clock" },
  { pattern: /(?<![\w$.#])performance\s*\./g, instead: "a Clock" },
  { pattern: /(?<![\w$.#])(?:setTimeout|setInterval|setImmediate)\b/g, instead: "clock.after()" },
  { pattern: /(?<![\w$#])AbortSignal\s*\.\s*timeout\b/g, instead: "clock.after()" },
  { pattern: /(?<![\w$.#])Math\s*\.\s*random\b/g, instead: "a Random" },
  { pattern: /(?<![\w$.#])fetch\s*\(/g, instead: "a fetch function, handed in" },
  { pattern: /(?<![\w$.#])console\s*(?:\?\.|[.[])/g, instead: "a Log" },
  { pattern: /(?<![\w$.#])globalThis\b/g, instead: "what it needs, handed in" },
];

/** Built-in modules that reach outside of the process, or are another name for a global above. */
const worldlyModules = new Set(
  `child_process cluster console dgram dns dns/promises fs fs/promises http http2 https inspector net os perf_hooks process
   readline repl sqlite timers timers/promises tls worker_threads`
    .split(/\s+/)
    .map((name) => `node:${name}`),
);

/** Files that reach outside although their room is handed the world, each with its reason. */
export const exemptions: Readonly<Record<string, string>> = {
  "packages/tenon/src/data/migrations.ts": "migrations are files beside the code; they are read before anything runs",
};

/** Exemptions that nobody uses any more. */
export function idleExemptions(files: readonly SourceFile[], listed: Readonly<Record<string, string>> = exemptions): readonly string[] {
  const needed = new Set(files.filter((file) => [...worldlyWords(file), ...worldlyImports(file)].length > 0).map((file) => file.path));
  return Object.keys(listed).filter((path) => !needed.has(path)).map((path) => `checks/purity.ts exempts ${path}, which does not need it`);
}

/** Where a room is not to touch the outside world, and a file does. */
export function worldlyCode(files: readonly SourceFile[], house: readonly Room[] = rooms): readonly string[] {
  const handedIn = new Set(house.filter((room) => !outsideKinds.has(room.kind)).map((room) => room.name));
  return files
    .filter((file) => handedIn.has(roomOf(file.path) ?? "") && !/[/-]testing\.ts$/.test(file.path) && exemptions[file.path] === undefined)
    .flatMap((file) => [...worldlyWords(file), ...worldlyImports(file)]);
}

function worldlyWords(file: SourceFile): readonly string[] {
  return worldly.flatMap(({ pattern, instead }) =>
    [...file.code.matchAll(pattern)]
      .filter((match) => !isDeclaration(file.code, match.index, match[0]))
      .map((match) => `${placeOf(file, match.index)} uses ${match[0].replaceAll(/[\s(.[?]+$/g, "")}: it should get ${instead}`),
  );
}

function worldlyImports(file: SourceFile): readonly string[] {
  return modulesUsedBy(file)
    .filter((use) => use.kind !== "type" && worldlyModules.has(use.specifier ?? ""))
    .map((use) => `${placeOf(file, use.index)} imports ${use.specifier}: it should get what it needs, handed in`);
}

/** Whether a word with a parenthesis declares a method of that name, as in `fetch(request: Request): Response`. */
function isDeclaration(code: string, index: number, match: string): boolean {
  if (!match.endsWith("(")) return false;
  const before = code.slice(0, index).trimEnd();
  const startsMember = /[{};,]$|\b(?:async|function|get|set)$|\*\/$/.test(before) || before === "";
  if (!startsMember) return false;
  const after = code.slice(closing(code, index + match.length)).trimStart();
  return after.startsWith(":") || after.startsWith("{");
}

/** The place behind the parenthesis that closes the one before `from`. */
function closing(code: string, from: number): number {
  let depth = 1;
  let at = from;
  while (at < code.length && depth > 0) {
    if (code[at] === "(") depth += 1;
    if (code[at] === ")") depth -= 1;
    at += 1;
  }
  return at;
}
