/**
 * Adds a service to the text of an app file: an import below the others, and a name at the end of `services: [...]`.
 *
 * It reads the file as text, not as a program. Where the file is not written in the usual way, it leaves it alone, and
 * whoever asked says what to add by hand.
 */

export interface Addition {
  readonly variable: string;
  /** `./orders/service.ts`. */
  readonly specifier: string;
}

/** The new text, or `undefined` where the places to change cannot be found for certain. */
export function addToApp(text: string, { specifier, variable }: Addition): string | undefined {
  const code = withoutWords(text);
  if (new RegExp(`(?<![\\w$.])${variable}(?![\\w$])`).test(code)) return undefined; // the name is taken
  const lists = [...code.matchAll(/(?<![\w$.])services\s*:\s*\[([^\][]*)\]/g)];
  const imports = [...code.matchAll(/^import\b[^;]*?["'][^"']*["'];?[^\S\n]*$/gm)];
  const [list] = lists;
  const last = imports.at(-1);
  if (list === undefined || lists.length > 1 || last === undefined) return undefined;

  const listEnd = list.index + list[0].length - 1;
  const importEnd = last.index + last[0].length;
  const items = text.slice(listEnd - (list[1] ?? "").length, listEnd);
  const line = `\nimport ${variable} from "${specifier}";`;
  const start = text.slice(0, listEnd - items.length);
  if (importEnd > start.length) return undefined;
  return start.slice(0, importEnd) + line + start.slice(importEnd) + withItem(items, variable) + text.slice(listEnd);
}

/** `[a, b]` and lists of one item a line each keep their form. */
function withItem(items: string, variable: string): string {
  const trimmed = items.trimEnd();
  if (trimmed.trim() === "") return variable;
  const indent = /\n([^\S\n]*)\S[^\n]*$/.exec(trimmed)?.[1];
  if (indent === undefined) return `${trimmed.replace(/,$/, "")}, ${variable}`;
  return `${trimmed.replace(/,$/, "")},\n${indent}${variable},${items.slice(trimmed.length)}`;
}

/** The same text with the insides of comments and strings blanked, so that no bracket in them is taken for code. */
function withoutWords(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, (found) => {
    const blank = found.replaceAll(/[^\n]/g, " ");
    return /^["']/.test(found) ? found.charAt(0) + blank.slice(2) + found.charAt(0) : blank;
  });
}
