/** Places in a person's own code: where an error came from, and the line that it means. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

export interface SourcePlace {
  /** Absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The line, and below it the mark. */
  readonly excerpt: readonly string[];
}

/** The code of the platform itself: `src/` or `dist/`. Its own frames mean nothing to whoever uses it. */
const ownCode = new URL("..", import.meta.url).href;

/**
 * Where Node says that a file cannot be read. It writes place, lines and mark before the stack of a syntax error:
 * https://nodejs.org/api/errors.html
 */
export function placeOfSyntaxError(stack: string): SourcePlace | undefined {
  const [, path = "", line, text = ""] = /^(file:\/\/\S+?|\/\S+?|[A-Za-z]:\\\S+?):(\d+)\n([\s\S]*?)\n\n?\w*Error\b/.exec(stack) ?? [];
  if (line === undefined) return undefined;
  const lines = text.split("\n");
  const mark = lines.findIndex((each) => /^\s*\^+\s*$/.test(each));
  return {
    file: path.startsWith("file:") ? fileURLToPath(path) : path,
    line: Number(line),
    excerpt: mark < 1 ? [] : [lines[mark - 1] ?? "", lines[mark] ?? ""].map((each) => each.trimEnd()),
  };
}

/** The first place in the stack that is neither Node's, nor the platform's, nor a package's. */
export function placeOfError(error: Error): SourcePlace | undefined {
  for (const [, url = "", line = "", column = ""] of (error.stack ?? "").matchAll(/(file:\/\/[^\s()]+):(\d+):(\d+)\)?$/gm)) {
    if (url.startsWith(ownCode) || url.includes("/node_modules/")) continue;
    const file = fileURLToPath(url.replace(/\?.*$/, ""));
    return { file, line: Number(line), excerpt: excerptOf(file, Number(line), Number(column)) };
  }
  return undefined;
}

/** `orders/service.ts:12`, from the working directory. */
export function showPlace(place: SourcePlace): string {
  return `${showPath(place.file)}:${place.line}`;
}

/** A path as a person types it: from the working directory where it lies below, else whole. */
export function showPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") || path === "" ? file : path;
}

function excerptOf(file: string, line: number, column: number): readonly string[] {
  try {
    const text = readFileSync(file, "utf8").split("\n")[line - 1];
    return text === undefined || text.trim() === "" ? [] : [text.trimEnd(), `${text.slice(0, column - 1).replaceAll(/\S/g, " ")}^`];
  } catch {
    return []; // the file was changed or removed since: the place says enough
  }
}
