/** Habits that a linter does not know. Each function takes files and gives back sentences, one per problem. */
import { posix } from "node:path";
import { placeOf, type SourceFile, type TextFile } from "./source-files.ts";

/** Lines of code, without comments and empty lines, beyond which a file says here why it is longer. */
export const codeMaxLines = 400;

/** Longer files, each with its reason. A table or a state machine may be; a drawer may not. */
export const longFiles: Readonly<Record<string, string>> = {};

/** Names that say nothing about what is inside, so that everything ends up there. */
const drawerNames = new Set(["utils", "util", "helpers", "helper", "common", "lib", "misc", "types", "constants", "shared", "stuff"]);

export function unfinished(files: readonly TextFile[]): readonly string[] {
  return foundInText(files, { pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/g, advice: "finish it, or say in words what is not done and why" });
}

/** A test is named by what it tests, which may be types. */
export function drawers(paths: readonly string[]): readonly string[] {
  return paths
    .filter((path) => path.split("/").some((part) => !part.endsWith(".test.ts") && drawerNames.has(part.replace(/\..*$/, ""))))
    .map((path) => `${path}: name it by the noun that it defines`);
}

/** File names are kebab-case, by the noun. */
export function namesOutOfStyle(paths: readonly string[]): readonly string[] {
  return paths
    .filter((path) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.check)?(?:\.d)?\.ts$/.test(posix.basename(path)))
    .map((path) => `${path}: file names are kebab-case`);
}

export function openingsWithoutComment(files: readonly TextFile[]): readonly string[] {
  return files
    .filter((file) => !/^(?:#!.*\n)?\/\*\*/.test(file.text))
    .map((file) => `${file.path}: open with a comment: what it is for, what it costs, what it will not do`);
}

export function codeLinesOf(file: SourceFile): number {
  return file.code.split("\n").filter((line) => line.trim() !== "").length;
}

export function tooLong(files: readonly SourceFile[], listed: Readonly<Record<string, string>> = longFiles): readonly string[] {
  const long = new Map(files.map((file) => [file.path, codeLinesOf(file)] as const).filter(([, lines]) => lines > codeMaxLines));
  return [
    ...[...long].filter(([path]) => listed[path] === undefined).map(([path, lines]) => `${path} has ${lines} lines of code: divide it, or list it in checks/style.ts with the reason`),
    ...Object.keys(listed).filter((path) => !long.has(path)).map((path) => `checks/style.ts lists ${path}, which is not long`),
  ];
}

export function anyTypes(files: readonly SourceFile[]): readonly string[] {
  const pattern = /(?:[:<|&,(]|\bas|=>|\bextends|\bkeyof)\s*any\b(?!\s*[:(])|\bany\[\]/g;
  return foundInCode(files, { pattern, advice: "`any` switches the checks off; `unknown` keeps them on" });
}

/** Comments that silence the compiler. `@ts-expect-error` is none: it fails when there is nothing to silence. */
export function silencedCompiler(files: readonly TextFile[]): readonly string[] {
  return foundInText(files, { pattern: /(?:\/\/|\*)\s*@ts-(?:ignore|nocheck)\b/g, advice: "mend the type, or use @ts-expect-error with a reason" });
}

export function onlyTests(files: readonly SourceFile[]): readonly string[] {
  return foundInCode(files, { pattern: /\b(?:test|it|describe|suite)\s*\.\s*only\s*\(|\bonly\s*:\s*true\b/g, advice: "every other test is left out" });
}

/** `node` on the path may be another version than the one that runs the tests, or be missing. */
export function otherNodes(files: readonly TextFile[]): readonly string[] {
  const pattern = /\b(?:spawn|spawnSync|execFile|execFileSync|fork|run)\(\s*["'`]node["'`]|\b(?:exec|execSync)\(\s*["'`]node\s/g;
  return foundInText(files, { pattern, advice: "start this very Node, by process.execPath" });
}

/** An error without a name has no row in the fault table, and somebody will match its text. */
export function namelessErrors(files: readonly SourceFile[]): readonly string[] {
  const pattern = /(?:\bthrow|\breject\s*\()\s*(?:new\s+)?Error\s*\(/g;
  return foundInCode(files, { pattern, advice: "throw a Fault, or an error class with a name" });
}

// Stems, so that every form of a word is met. American spelling, since that is what the platform's own names use.
const british =
  /\b(?:behaviour|colour|favour|honour|labour|neighbour|artefact|defence|licence|offence|centre|analyse[ds]?\b|analysing|labelled|modelled|travell(?:ed|ing)|whilst|(?:author|general|initial|maxim|minim|normal|optim|organ|recogn|serial|summar|synchron)is(?:e|ed|es|ing|able|ation)\b)/gi;

export function britishSpellings(files: readonly TextFile[]): readonly string[] {
  return foundInText(files, { pattern: british, advice: "spelling is American" });
}

interface Search {
  readonly pattern: RegExp;
  readonly advice: string;
}

function foundInText(files: readonly TextFile[], search: Search): readonly string[] {
  return files.flatMap((file) => found(file, file.text, search));
}

/** Not in comments and strings. */
function foundInCode(files: readonly SourceFile[], search: Search): readonly string[] {
  return files.flatMap((file) => found(file, file.code, search));
}

function found(file: TextFile, searched: string, search: Search): readonly string[] {
  return [...searched.matchAll(search.pattern)].map((match) => `${placeOf(file, match.index)} has \`${match[0].trim()}\`: ${search.advice}`);
}
