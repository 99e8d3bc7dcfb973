/**
 * Patterns by which others' text becomes code: evaluated, run by a shell, put together into SQL, matched by a pattern that
 * never ends, or fetched where anybody on the way can change it. What a linter knows is in .oxlintrc.json; this is what
 * depends on the house.
 */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { byCodeUnit, placeOf, readSources, readText, root, type SourceFile } from "./source-files.ts";

/** Files that make functions out of text, each with what the text is made of. */
export const compilers: Readonly<Record<string, string>> = {};

/** `eval`, `new Function`, `vm` and timers that are given text. */
export function evaluatedCode(files: readonly SourceFile[], known: Readonly<Record<string, string>> = compilers): readonly string[] {
  const patterns = [/(?<![\w$.])eval\s*\(/g, /(?<![\w$.])(?:new\s+)?Function\s*\((?!\s*\))/g, /(?<![\w$])(?:setTimeout|setInterval)\s*\(\s*["'`]/g];
  return files
    .filter(({ path }) => known[path] === undefined)
    .flatMap((file) => [
      ...patterns.flatMap((pattern) => [...file.code.matchAll(pattern)].map(({ index }) => `${placeOf(file, index)} makes code out of text: write the code, or say in checks/unsafe-code.ts what the text is made of`)),
      ...[...file.text.matchAll(/from\s+"node:vm"|import\("node:vm"\)/g)].map(({ index }) => `${placeOf(file, index)} runs code in node:vm, which keeps nothing out`),
    ]);
}

/** Commands that a shell reads: `exec`, and `spawn` with `shell`. */
export function shellCommands(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter((file) => /["']node:child_process["']/.test(file.text))
    .flatMap((file) =>
      [/(?<![\w$.])exec(?:Sync)?\s*\(/g, /(?<![\w$])shell\s*:(?!\s*false\b)/g].flatMap((pattern) =>
        [...file.code.matchAll(pattern)].map(({ index }) => `${placeOf(file, index)} lets a shell read a command: give spawn a program and its arguments`),
      ),
    );
}

/** Texts of SQL with something put in between. */
export interface SqlFragment {
  readonly place: string;
  readonly path: string;
  /** As it stands between `${` and `}`. */
  readonly expression: string;
}

const startsSql = /^\s*(?:(?:--[^\n]*\n)\s*)*(?:select|insert\s+into|update|delete\s+from|with|create|alter|drop|grant|revoke|truncate|set\s+(?:local|session|role|search_path|default_\w+)|begin|copy|declare|fetch|savepoint|release|rollback)\b/i;

/** What is put into SQL besides what `quoteName` and `quoteText` give, and numbers of parameters. */
export function sqlFragments(files: readonly SourceFile[]): readonly SqlFragment[] {
  return files.flatMap((file) =>
    templatesOf(file)
      .filter(({ text }) => startsSql.test(text))
      .flatMap(({ parts }) => parts.filter(({ before, expression }) => !isSafe(expression, before)).map(({ expression, index }) => ({ place: placeOf(file, index), path: file.path, expression }))),
  );
}

/** A name or a text in quotes, or the number of a parameter: `$${parameters.length}`. */
function isSafe(expression: string, before: string): boolean {
  return /^(?:quoteName|quoteText)\(.*\)$/.test(expression) || before.endsWith("$");
}

interface Template {
  /** The whole, as it is written. */
  readonly text: string;
  readonly parts: readonly { readonly expression: string; readonly index: number; readonly before: string }[];
}

/** Template literals and what stands in them, those inside of another one's `${}` included. */
export function templatesOf(file: SourceFile): readonly Template[] {
  return templatesWithin(file, 0, file.code.length);
}

function templatesWithin({ code, path, text }: SourceFile, from: number, to: number): readonly Template[] {
  const found: Template[] = [];
  for (let start = code.indexOf("`", from); start !== -1 && start < to; ) {
    const parts: { expression: string; index: number; before: string }[] = [];
    let at = start + 1;
    while (at < to && code[at] !== "`") {
      if (code[at] !== "$" || code[at + 1] !== "{") {
        at += 1;
        continue;
      }
      const end = endOfPart(code, at + 2);
      parts.push({ expression: text.slice(at + 2, end).trim(), index: at, before: text.slice(start + 1, at) });
      found.push(...templatesWithin({ code, path, text }, at + 2, end));
      at = end + 1;
    }
    found.push({ text: text.slice(start + 1, at), parts });
    start = code.indexOf("`", at + 1);
  }
  return found;
}

function endOfPart(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < code.length; at += 1) {
    if (code[at] === "{") depth += 1;
    if (code[at] === "}" && depth-- === 0) return at;
  }
  return code.length;
}

/** A pattern of the source, as it is written. */
export interface WrittenPattern {
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

/** Regular expressions that repeat something: the others end by themselves. */
export function patternsOf(files: readonly SourceFile[]): readonly WrittenPattern[] {
  return files.flatMap((file) =>
    [...file.code.matchAll(/(?<=[=(,:[!&|?{};\s])\/(?=[ \n]*\/)([ ]*)\/([dgimsuvy]*)/g)]
      .map(({ index, 1: inside = "", 2: flags = "" }) => ({ place: placeOf(file, index), source: file.text.slice(index + 1, index + 1 + inside.length), flags }))
      .filter(({ source }) => source !== "" && /[*+}]/.test(source)),
  );
}

/** Addresses that anybody on the way can read and change: not this machine, not a name of a schema or an example. */
export function plainAddresses(files: readonly SourceFile[]): readonly string[] {
  const harmless = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|www\.w3\.org|json-schema\.org|cyclonedx\.org\/schema|[\w.-]*\.?example(?:\.\w+)?|[a-z]+:\d+|authority\/|\$|"|'|`|\/|…|\s|$)/;
  return files.flatMap((file) =>
    [...file.text.matchAll(/http:\/\/\S*/g)]
      .filter(([address]) => !harmless.test(address))
      .map((match) => `${placeOf(file, match.index)} names ${match[0].slice(0, 40)}: by https, or not at all`),
  );
}

/** Rooms that read what strangers send: there a pattern may not even be slow. */
const strangerRooms = /^packages\/tenon\/src\/(?:audit|calls|data|events|handlers|kafka|nats|node|oidc|otlp|rest|telemetry|telemetry-store|trust)\//;

/** Files whose patterns are slow for some text, which they are never given. */
export const neverSlow: Readonly<Record<string, string>> = {
  "packages/tenon/src/events/schedule-description.ts": "reads lengths of time that stand in the code of a service",
  "packages/tenon/src/oidc/duplicate-names.ts": "reads what JSON.parse has taken, in which every string ends",
  "packages/tenon/src/rest/face.ts": "reads the paths of a contract, once, at start",
};

export type PatternVerdict = "safe" | "slow" | "endless" | "not known";

/** Whether some text makes a pattern take time that grows with its square or more, or without end. */
export function judgePattern({ flags, source }: Pick<WrittenPattern, "source" | "flags">): PatternVerdict {
  const { checkSync } = createRequire(import.meta.url)("recheck/lib/browser.js") as typeof import("recheck");
  const found = checkSync(source, flags, { timeout: 1_000, checker: "automaton" });
  if (found.status === "safe") return "safe";
  if (found.status !== "vulnerable") return "not known"; // what looks around, and what is too large for the time there is
  return found.complexity.type === "exponential" ? "endless" : "slow";
}

/**
 * Patterns that a text can hold up.
 *
 * @param undecided  The list of those on which no verdict is reached: to look for one again takes a second each.
 */
export function slowPatterns(files: readonly SourceFile[], undecided = ""): readonly string[] {
  const passedOver = new Set(undecided.split("\n"));
  const verdicts = new Map<string, PatternVerdict>();
  return patternsOf(files).flatMap((pattern) => {
    const key = keyOf(pattern);
    const verdict = verdicts.get(key) ?? (passedOver.has(key) ? "not known" : judgePattern(pattern));
    verdicts.set(key, verdict);
    const [path = ""] = pattern.place.split(":");
    const isAllowed = verdict !== "endless" && (verdict !== "slow" || !strangerRooms.test(path) || neverSlow[path] !== undefined);
    return isAllowed ? [] : [`${pattern.place}: /${pattern.source}/ takes ${verdict === "endless" ? "a time without end" : "time that grows with the square"} for some texts: write it so that one way through is enough, or trim and split by hand`];
  });
}

/** A pattern in one line. */
function keyOf({ flags, source }: WrittenPattern): string {
  return `${flags}/${source}`;
}

const undecidedPath = "checks/undecided-patterns.txt";
const undecidedHead = `# Patterns, each behind its flags, on which no verdict is reached in the time there is: what they do with a long text was
# looked at by whoever wrote them. Written by \`node checks/unsafe-code.ts\`: read the difference before it is committed.
`;

/** The list, as it is to be. Judges every pattern: takes a second for each that is in it. */
export function listOfUndecided(files: readonly SourceFile[]): string {
  const patterns = new Map(patternsOf(files).map((pattern) => [keyOf(pattern), pattern]));
  const undecided = [...patterns].filter(([, pattern]) => judgePattern(pattern) === "not known").map(([key]) => key);
  return `${undecidedHead}${undecided.toSorted(byCodeUnit).map((line) => `${line}\n`).join("")}`;
}

/** What stands in the list and is no pattern of these files any more. */
export function goneFrom(list: string, files: readonly SourceFile[]): readonly string[] {
  const there = new Set(patternsOf(files).map(keyOf));
  return list.split("\n").filter((line) => line !== "" && !line.startsWith("#") && !there.has(line));
}

export function readUndecidedList(): string {
  return readText(undecidedPath).text;
}

const listPath = "checks/sql-fragments.txt";
const listHead = `# What is put into texts of SQL, besides what quoteName and quoteText give and numbers of parameters. Each stands for
# names, types and conditions of the platform's own making; values go as parameters. Written by \`node checks/unsafe-code.ts\`:
# read the difference before it is committed.
`;

/** The list, as it is to be. */
export function listOfFragments(fragments: readonly SqlFragment[]): string {
  const lines = new Set(fragments.map(({ expression, path }) => `${path}\t${expression.replaceAll(/\s+/g, " ")}`));
  return `${listHead}${[...lines].toSorted(byCodeUnit).map((line) => `${line}\n`).join("")}`;
}

/** What is put into SQL and stands in no list. */
export function unknownFragments(fragments: readonly SqlFragment[], list: string): readonly string[] {
  const known = new Set(list.split("\n"));
  return fragments
    .filter(({ expression, path }) => !known.has(`${path}\t${expression.replaceAll(/\s+/g, " ")}`))
    .map(({ expression, place }) => `${place} puts \`${expression}\` into SQL: give it as a parameter ($1), or by quoteName or quoteText; where it is text of the platform's own, \`node checks/unsafe-code.ts\` lists it`);
}

export function readFragmentList(): string {
  return readText(listPath).text;
}

if (import.meta.main) {
  const product = readSources("packages/*/src/**/*.ts");
  writeFileSync(join(root, listPath), listOfFragments(sqlFragments(product)));
  writeFileSync(join(root, undecidedPath), listOfUndecided(product));
}
