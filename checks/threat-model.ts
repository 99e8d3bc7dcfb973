/**
 * The threat model names the tests that prove it: each file is there, each row of a table names one, and what those files
 * promise is on a list. A test that is renamed or deleted makes the list differ, so that somebody reads whether the row
 * still holds. Run as a program, it writes `threat-tests.txt` anew.
 */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { byCodeUnit, readSources, readText, root, type SourceFile, type TextFile } from "./source-files.ts";

export const listPath = "checks/threat-tests.txt";

/** Rows of tables whose last column is headed `proven by`, and files in it. */
export function unprovenThreats({ path, text }: TextFile, isThere: (path: string) => boolean): readonly string[] {
  const problems: string[] = [];
  let isTable = false;
  text.split("\n").forEach((line, index) => {
    const place = `${path}:${index + 1}`;
    if (!line.startsWith("|")) isTable = false;
    else if (/\|\s*proven by\s*\|$/.test(line)) isTable = true;
    else if (isTable && !/^[|\s:-]+$/.test(line)) {
      const last = line.split("|").at(-2) ?? "";
      const files = [...last.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
      if (files.length === 0) problems.push(`${place} claims a defense and names no test`);
      problems.push(...files.filter((file) => !file.endsWith(".test.ts") || !isThere(file)).map((file) => `${place} names ${file}, which is no test that is there`));
    }
  });
  return problems;
}

/** Files that the tables name, sorted. */
export function namedTests({ text }: TextFile): readonly string[] {
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  return [...new Set(rows.flatMap((row) => [...row.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file = ""]) => file)))].sort(byCodeUnit);
}

/** What a file of tests promises, in its order: the names of its tests and of their groups, as they are written. */
export function promisesOf({ code, text }: SourceFile): readonly string[] {
  return [...code.matchAll(/(?<![.\w])(?:test|it|describe)(?:\.(skip|todo|only))?\(/g)].flatMap(({ 0: call, 1: mode, index }) => {
    const name = /^\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/.exec(text.slice(index + call.length))?.[2];
    if (name === undefined) return []; // a name that is made while it runs
    return [mode === undefined ? name.replaceAll(/\s+/g, " ") : `${name} (${mode})`];
  });
}

/** Suites that a file of tests runs: the contracts of ports, which stand beside them. */
function suitesOf({ path, text }: SourceFile): readonly string[] {
  return [...text.matchAll(/from "(\.[^"]*testing\.ts)"/g)].map(([, place = ""]) => join(dirname(path), place).replaceAll("\\", "/"));
}

/** The text of the list. A test that is skipped by name proves nothing, and is listed as such. */
export function listOfPromises(model: TextFile): string {
  const blocks = namedTests(model).flatMap((path) => readSources(path)).map((file) => {
    const promises = [file, ...suitesOf(file).flatMap((suite) => readSources(suite))].flatMap(promisesOf);
    return `${file.path}\n${promises.map((promise) => `  ${promise}\n`).join("")}`;
  });
  return `# What proves the threat model. Written by \`node checks/threat-model.ts\`; where a line goes, read whether its row still holds.\n\n${blocks.join("\n")}`;
}

/** Lines of one list that the other lacks, each with its file; files that promise nothing, and tests that do not run. */
export function unkeptPromises(listed: string, present: string): readonly string[] {
  const [before, now] = [linesOf(listed), linesOf(present)];
  return [
    ...[...before].filter((line) => !now.has(line)).map((line) => `listed and gone: ${line}`),
    ...[...now].filter((line) => !before.has(line)).map((line) => `new and not listed: ${line}`),
    ...[...now].filter((line) => / \((?:skip|todo|only)\)$/.test(line)).map((line) => `does not run: ${line}`),
    ...present.split("\n\n").filter((block) => !block.startsWith("#") && !block.trimEnd().includes("\n")).map((block) => `promises nothing: ${block.trim()}`),
  ];
}

function linesOf(list: string): ReadonlySet<string> {
  let file = "";
  return new Set(list.split("\n").flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [];
    if (!line.startsWith(" ")) file = line;
    return [line.startsWith(" ") ? `${file}: ${line.trim()}` : file];
  }));
}

export function isThereIn(root: string): (path: string) => boolean {
  return (path) => existsSync(join(root, path));
}

if (import.meta.main) {
  writeFileSync(join(root, listPath), listOfPromises(readText("docs/threat-model.md")));
}
