/**
 * Parts a file of SQL into its statements, so that each is run by itself and a failure can be told with its line.
 *
 * It knows what may hold a semicolon without ending a statement: quoted texts and names, dollar quotes, comments,
 * parentheses, and bodies between BEGIN ATOMIC and END. It does not know psql's backslash commands or COPY data.
 *
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */

export interface ScriptStatement {
  readonly text: string;
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
}

export function splitScript(script: string): readonly ScriptStatement[] {
  const statements: ScriptStatement[] = [];
  let start: number | undefined; // where the statement begins; undefined between statements
  let depth = 0;
  let words: string[] = []; // of the statement, as far as they tell of a body
  let blocks = 0; // BEGIN ATOMIC and CASE that have not seen their END
  let at = 0;

  function finish(end: number): void {
    if (start !== undefined) statements.push({ text: script.slice(start, end), line: lineAt(script, start) });
    start = undefined;
    depth = 0;
    blocks = 0;
    words = [];
  }

  while (at < script.length) {
    const skipped = skipBlank(script, at);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    const char = script[at] as string;
    if (char === ";" && depth === 0 && blocks === 0) {
      finish(at);
      at++;
      continue;
    }
    start ??= at;
    if (char === "(") depth++;
    else if (char === ")") depth = Math.max(0, depth - 1);
    const quoted = skipQuoted(script, at);
    if (quoted > at) {
      at = quoted;
      continue;
    }
    const word = wordAt(script, at);
    if (word === "") {
      at++;
      continue;
    }
    words.push(word.toLowerCase());
    blocks = blocksAfter(words, blocks);
    at += word.length;
  }
  finish(script.trimEnd().length);
  return statements;
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** Past white space and comments; block comments nest. */
function skipBlank(script: string, at: number): number {
  if (/\s/.test(script[at] as string)) return at + 1;
  if (script.startsWith("--", at)) {
    const end = script.indexOf("\n", at);
    return end === -1 ? script.length : end + 1;
  }
  if (!script.startsWith("/*", at)) return at;
  let depth = 0;
  for (let i = at; i < script.length; i++) {
    if (script.startsWith("/*", i)) {
      depth++;
      i++;
    } else if (script.startsWith("*/", i)) {
      depth--;
      i++;
      if (depth === 0) return i + 1;
    }
  }
  return script.length;
}

/** Past a quoted text, name or dollar-quoted text that begins here; `at` itself where none does. */
function skipQuoted(script: string, at: number): number {
  const char = script[at];
  if (char === '"' || char === "'") return skipTo(script, at + 1, char, char === "'" && isEscapeText(script, at));
  if (char !== "$" || isNamePart(script[at - 1])) return at;
  const tag = /^\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/.exec(script.slice(at, at + 66))?.[0];
  if (tag === undefined) return at;
  const end = script.indexOf(tag, at + tag.length);
  return end === -1 ? script.length : end + tag.length;
}

function skipTo(script: string, from: number, quote: string, hasEscapes: boolean): number {
  for (let i = from; i < script.length; i++) {
    if (hasEscapes && script[i] === "\\") i++;
    else if (script[i] === quote) {
      if (script[i + 1] !== quote) return i + 1;
      i++; // doubled: the quote itself
    }
  }
  return script.length;
}

/** `E'...'`, where a backslash escapes. */
function isEscapeText(script: string, at: number): boolean {
  return /^[eE]$/.test(script[at - 1] ?? "") && !isNamePart(script[at - 2]);
}

function isNamePart(char: string | undefined): boolean {
  return char !== undefined && /[A-Za-z0-9_$\u0080-\uffff]/.test(char);
}

function wordAt(script: string, at: number): string {
  return /^[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/.exec(script.slice(at, at + 128))?.[0] ?? "";
}

/** As psql counts them: BEGIN ... END inside of CREATE FUNCTION or PROCEDURE, with CASE ... END in it. */
function blocksAfter(words: readonly string[], blocks: number): number {
  const word = words.at(-1);
  const isRoutine = words[0] === "create" && /^(?:function|procedure)$/.test((words[1] === "or" ? words[3] : words[1]) ?? "");
  if (!isRoutine) return 0;
  if (word === "begin" || (word === "case" && blocks > 0)) return blocks + 1;
  if (word === "end" && blocks > 0) return blocks - 1;
  return blocks;
}
