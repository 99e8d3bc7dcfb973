/**
 * How the checks read the repository: files as text, and of TypeScript two things more, the code without its comments
 * and strings, and the modules that it names.
 *
 * A scanner of two pages, not a compiler: it knows comments, strings, template literals and regular expressions, which
 * is what it takes not to be fooled by an `import` in a sentence. It does not know types or scopes.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository, without a slash at the end. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** One text file. `path` is from the root of the repository, with `/`. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** One TypeScript file. `code` has the length of `text`, so a place in the one is the same place in the other. */
export interface SourceFile extends TextFile {
  /** The text with comments, and whatever stands between quotes, replaced by spaces. Line ends stay. */
  readonly code: string;
}

const unread = new Set(["node_modules", "dist", ".git", ".tenon", ".compile-cache"]);

/** Paths from the root that match any of the patterns, sorted. Installed packages and built files are never among them. */
export function findPaths(...patterns: readonly string[]): readonly string[] {
  const found = globSync(patterns, { cwd: root, exclude: (path) => unread.has(path.split(/[\\/]/).at(-1) ?? "") });
  return [...new Set(found.map((path) => path.replaceAll("\\", "/")))].sort(byCodeUnit);
}

/** The order of `Array.sort` without an argument, said aloud: the same on every machine, whatever its language. */
export function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function readText(path: string): TextFile {
  return { path, text: readFileSync(join(root, path), "utf8") };
}

/** Every TypeScript file that matches. */
export function readSources(...patterns: readonly string[]): readonly SourceFile[] {
  return findPaths(...patterns).map((path) => toSource(readText(path)));
}

export function toSource(file: TextFile): SourceFile {
  return { ...file, code: blank(file.text) };
}

/** `path:line` of a place in a file, as editors and terminals link it. */
export function placeOf(file: TextFile, index: number): string {
  return `${file.path}:${lineOf(file.text, index)}`;
}

export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** The relative path of an absolute one that is inside of the repository, with `/`. */
export function fromRoot(path: string): string {
  return relative(root, path).replaceAll("\\", "/");
}

/** How a module is named by another. */
export interface ModuleUse {
  /** As written: `./call.ts`, `node:http`, `kysely`. `undefined` where it is worked out at run time. */
  readonly specifier: string | undefined;
  /** `type` leaves no trace at run time; `later` is an `import()` or a `require()`; `file` is a `new URL` beside the module. */
  readonly kind: "value" | "type" | "later" | "file";
  /** Where in the text it stands. */
  readonly index: number;
}

// On the blanked code: quotes still stand, and what is between them is read from the text.
const usePatterns: readonly { readonly pattern: RegExp; readonly kind: ModuleUse["kind"] }[] = [
  { pattern: /(?<![.\w$#])import\s+type\s+(?:[\w$]+|\{[^}]*\}|\*\s*as\s+[\w$]+)\s*from\s*(?=["'])/g, kind: "type" },
  { pattern: /(?<![.\w$#])import\s+(?!type[\s{][^=;]*?from\b)(?:[\w$*{}\s,]+?\s*from\s*)?(?=["'])/g, kind: "value" },
  { pattern: /(?<![.\w$#])export\s+type\s*(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})\s*from\s*(?=["'])/g, kind: "type" },
  { pattern: /(?<![.\w$#])export\s*(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})\s*from\s*(?=["'])/g, kind: "value" },
  { pattern: /(?<![.\w$#])(?:import|require|import\.meta\.resolve)\s*\(\s*/g, kind: "later" },
  { pattern: /(?<![.\w$#])new\s+URL\s*\(\s*(?=["'`][^,)]*,\s*import\.meta\.url)/g, kind: "file" },
];

/** Every module that a file names, in the order of the text. */
export function modulesUsedBy(file: SourceFile): readonly ModuleUse[] {
  const uses: ModuleUse[] = [];
  for (const { pattern, kind } of usePatterns) {
    for (const match of file.code.matchAll(pattern)) {
      const quoted = quotedAt(file, match.index + match[0].length);
      // A URL is relative to the module with `./` before it or without.
      const specifier = kind === "file" && quoted !== undefined && !/^[./]/.test(quoted) ? `./${quoted}` : quoted;
      uses.push({ specifier, kind, index: match.index });
    }
  }
  return uses.sort((a, b) => a.index - b.index);
}

/**
 * The text of the string literal that starts at `index`; of a template the part before the first `${}`, where that part
 * names a package (`@electric-sql/pglite/contrib/`). `undefined` where it names nothing.
 */
function quotedAt(file: SourceFile, index: number): string | undefined {
  const quote = file.code[index];
  if (quote !== '"' && quote !== "'" && quote !== "`") return undefined;
  const end = file.code.indexOf(quote, index + 1);
  const quoted = file.text.slice(index + 1, end);
  const known = quote === "`" ? (quoted.split("${")[0] ?? "") : quoted;
  return known === quoted || /^(?:@[\w.-]+\/)?[\w.-]*\w\//.test(known) ? known : undefined;
}

/** `kysely` of `kysely/migration`, `@scope/name` of `@scope/name/deep`; `undefined` for paths and built-in modules. */
export function packageOf(specifier: string): string | undefined {
  if (/^(?:\.|\/|#|node:)/.test(specifier)) return undefined;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

// A slash after one of these starts a regular expression; after any other word or number it divides.
const wordsBeforeRegExp = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/;

/**
 * The code with comments, and the insides of strings, templates and regular expressions, turned into spaces. The
 * quotes stay, and so does code inside of `${}`.
 */
export function blank(text: string): string {
  const out = text.split("");
  const templates: number[] = []; // depth of braces at which each open `${` ends
  let braces = 0;
  let index = 0;

  function erase(from: number, to: number): void {
    for (let at = from; at < to; at += 1) if (out[at] !== "\n") out[at] = " ";
  }

  /** Blanks a template's text from `from` on; stops behind its backtick, or behind the `${` of a part that is code. */
  function template(from: number): number {
    let at = from;
    while (at < text.length) {
      if (text[at] === "`") break;
      if (text[at] === "$" && text[at + 1] === "{") {
        erase(from, at);
        templates.push(braces);
        braces += 1;
        return at + 2;
      }
      at += text[at] === "\\" ? 2 : 1;
    }
    erase(from, at);
    return at + 1;
  }

  while (index < text.length) {
    const char = text[index];
    const two = text.slice(index, index + 2);
    if (two === "//" || (index === 0 && two === "#!")) {
      const end = endOf(text, "\n", index);
      erase(index, end);
      index = end;
    } else if (two === "/*") {
      const end = Math.min(text.length, endOf(text, "*/", index + 2) + 2);
      erase(index, end);
      index = end;
    } else if (char === '"' || char === "'") {
      const end = endOfQuoted(text, index);
      erase(index + 1, end);
      index = end + 1;
    } else if (char === "`") {
      index = template(index + 1);
    } else if (char === "/" && startsRegExp(out, index)) {
      const end = endOfRegExp(text, index);
      erase(index + 1, end);
      index = end + 1;
    } else if (char === "}" && templates.at(-1) === braces - 1) {
      templates.pop();
      braces -= 1;
      index = template(index + 1);
    } else {
      if (char === "{") braces += 1;
      if (char === "}") braces -= 1;
      index += 1;
    }
  }
  return out.join("");
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end === -1 ? text.length : end;
}

function endOfQuoted(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== text[start] && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  return at;
}

function startsRegExp(out: readonly string[], index: number): boolean {
  let at = index - 1;
  while (at >= 0 && /\s/.test(out[at] ?? "")) at -= 1;
  if (at < 0) return true;
  if (!/[\w$)\]"'`]/.test(out[at] ?? "")) return true;
  return wordsBeforeRegExp.test(out.slice(Math.max(0, at - 10), at + 1).join(""));
}

/** The slash that ends a regular expression; one inside of `[...]` does not. */
function endOfRegExp(text: string, start: number): number {
  let isInClass = false;
  let at = start + 1;
  while (at < text.length && text[at] !== "\n") {
    if (text[at] === "[") isInClass = true;
    if (text[at] === "]") isInClass = false;
    if (text[at] === "/" && !isInClass) break;
    at += text[at] === "\\" ? 2 : 1;
  }
  return at;
}
