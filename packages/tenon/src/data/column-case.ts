/**
 * Names of columns and tables: camelCase in TypeScript, snake_case in SQL. The same mapping as Kysely's
 * CamelCasePlugin, made while the SQL is written instead of by copying the whole query first, and kept: there are only
 * so many names. Keys inside of JSON values stay as they were stored.
 */

/** Beyond this many, names are not kept: they come from data, not from code. */
const keptMax = 10_000;

export class NameCache {
  readonly #map = new Map<string, string>();
  readonly #convert: (name: string) => string;

  constructor(convert: (name: string) => string) {
    this.#convert = convert;
  }

  get(name: string): string {
    const known = this.#map.get(name);
    if (known !== undefined) return known;
    const made = this.#convert(name);
    if (this.#map.size < keptMax) this.#map.set(name, made);
    return made;
  }
}

/** `orderLines` is `order_lines`; `fooBAR` is `foo_bar`. */
export function toSnakeCase(name: string): string {
  let result = name.charAt(0).toLowerCase();
  for (let i = 1; i < name.length; i++) {
    const char = name.charAt(i);
    if (isUpper(char) && !isUpper(name.charAt(i - 1))) result += "_";
    result += char.toLowerCase();
  }
  return result;
}

/** `order_lines` is `orderLines`. */
export function toCamelCase(name: string): string {
  let result = name.charAt(0);
  for (let i = 1; i < name.length; i++) {
    const char = name.charAt(i);
    if (char === "_") continue;
    result += name.charAt(i - 1) === "_" ? char.toUpperCase() : char;
  }
  return result;
}

function isUpper(char: string): boolean {
  return char !== char.toLowerCase();
}

/** Rows under their names in TypeScript. Gives back the same rows where no name differs. */
export function toCamelRows(rows: readonly Record<string, unknown>[], names: NameCache): readonly Record<string, unknown>[] {
  const first = rows[0];
  if (first === undefined) return rows;
  const from = Object.keys(first); // every row of one result has the same columns, in the same order
  const to = from.map((name) => names.get(name));
  if (to.every((name, i) => name === from[i])) return rows;
  return rows.map((row) => {
    const mapped: Record<string, unknown> = {};
    for (let i = 0; i < from.length; i++) mapped[to[i] as string] = row[from[i] as string];
    return mapped;
  });
}
