/**
 * Classified values that a call has seen, and texts without them. Somebody's address gets into the message of an error
 * by way of a template string, and there is no name beside it there: what is left is to look for the value itself.
 *
 * Values are gathered only when a text is about to be written. Looked for are whole values, however their letters are
 * cased, and as JSON and URLs write them:
 *
 *     8 characters and more   anywhere
 *     4 to 7                  as a word: "info" is not found in "information"
 *     2 and 3                 as a word, exactly, and with a capital or a letter beyond ASCII: "Ada", "Li"; not "at"
 *     numbers                 of 4 digits and more, as a number
 *
 * A part of a value, such as the surname out of a full name, is not found. A value that is also a word of the text hides
 * that word: too little said is the better mistake.
 */
import type { DataClass, FieldClasses } from "../contract/index.ts";

/** Hides what is classified in a text. */
export type TextMask = (text: string) => string;

/** Beyond these a text is hidden whole: looking for everything would take longer than anybody waits for a log. */
const valuesMax = 2_000;
const visitsMax = 50_000;
const depthMax = 32;

const anywhereFrom = 8;
const wordFrom = 4;

export class KnownValues {
  readonly #found = new Map<string, DataClass>();
  readonly #seen = new Set<object>();
  #visits = 0;
  #isFull = false;

  /** Whether there was more than is looked for. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** A value of its own. */
  add(value: string, dataClass: DataClass): void {
    const text = value.trim();
    if (!isTelling(text)) return;
    if (this.#found.size >= valuesMax) this.#isFull = true;
    else this.#found.set(text, dataClass);
  }

  /** What is classified in a value, by the names of its fields. */
  gather(value: unknown, classes: Pick<FieldClasses, "of">): void {
    this.#walk(value, { classes, dataClass: undefined, depth: 0 });
  }

  /** A function, since most of what is written holds none of the values. */
  toMask(): TextMask {
    if (this.#isFull) return withoutMessage;
    const values = [...this.#found].toSorted(([a], [b]) => b.length - a.length).flatMap(([value, dataClass]) => formsOf(value).map((form) => ({ form, lower: form.toLowerCase(), shown: `[${dataClass}]` })));
    if (values.length === 0) return (text) => text;
    return (text) => {
      let masked = text;
      let lower = text.toLowerCase();
      for (const value of values) {
        if (!lower.includes(value.lower)) continue;
        masked = masked.replace(patternOf(value.form), value.shown);
        lower = masked.toLowerCase();
      }
      return masked;
    };
  }

  #walk(value: unknown, at: { readonly classes: Pick<FieldClasses, "of">; readonly dataClass: DataClass | undefined; readonly depth: number }): void {
    const { classes, dataClass, depth } = at;
    if (dataClass !== undefined && typeof value !== "object") this.#addScalar(value, dataClass);
    if (value === null || typeof value !== "object" || this.#seen.has(value)) return;
    this.#visits += 1;
    if (this.#visits > visitsMax || depth > depthMax) {
      this.#isFull = true;
      return;
    }
    this.#seen.add(value);
    const inside = { classes, dataClass, depth: depth + 1 };
    if (value instanceof Date) this.#addScalar(Number.isNaN(value.getTime()) ? undefined : value.toISOString(), dataClass);
    else if (ArrayBuffer.isView(value)) return;
    else if (Array.isArray(value) || value instanceof Set) for (const item of value) this.#walk(item, inside);
    else for (const [name, member] of value instanceof Map ? value : Object.entries(value)) this.#walk(member, { ...inside, dataClass: dataClass ?? classes.of(String(name)) });
  }

  #addScalar(value: unknown, dataClass: DataClass | undefined): void {
    if (dataClass === undefined) return;
    if (typeof value === "string") this.add(value, dataClass);
    else if (typeof value === "number" || typeof value === "bigint") this.add(String(value), dataClass);
  }
}

const isNumeral = (text: string): boolean => /^-?\d+(?:\.\d+)?$/.test(text);

function isTelling(text: string): boolean {
  if (text.length >= wordFrom) return !isNumeral(text) || text.replaceAll(/\D/g, "").length >= wordFrom;
  return text.length >= 2 && /\p{Lu}|[^\p{ASCII}]/u.test(text);
}

/** As it is, and as it stands in a text of JSON or in a URL. */
function formsOf(value: string): readonly string[] {
  const forms = new Set([value, JSON.stringify(value).slice(1, -1)]);
  if (value.isWellFormed()) forms.add(encodeURIComponent(value));
  return [...forms];
}

function patternOf(form: string): RegExp {
  const escaped = form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  if (isNumeral(form)) return new RegExp(String.raw`(?<![\d.])${escaped}(?!\d)`, "g");
  if (form.length >= anywhereFrom) return new RegExp(escaped, "giu");
  const isWord = /[\p{L}\p{N}]/u;
  const before = isWord.test(form[0] ?? "") ? String.raw`(?<![\p{L}\p{N}])` : "";
  const after = isWord.test(form.at(-1) ?? "") ? String.raw`(?![\p{L}\p{N}])` : "";
  return new RegExp(`${before}${escaped}${after}`, form.length < wordFrom ? "gu" : "giu");
}

/** Where there are too many values to look for, lines of a stack are all that is left: they name code. */
const withoutMessage: TextMask = (text) => {
  const places = text.split("\n").filter((line) => /^\s+at /.test(line));
  return ["[not shown: it may hold any of the classified values that the call has seen]", ...places].join("\n");
};
