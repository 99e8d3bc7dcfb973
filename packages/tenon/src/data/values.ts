/**
 * Values on their way to and from PostgreSQL, in its text format: one table for both adapters, so that a row looks the
 * same from either. The caller's session runs with `TimeZone=UTC`, `DateStyle=ISO` and `IntervalStyle=iso_8601`.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

/** Settings of a session under which values read as {@link parserOf} expects. */
export const valueSettings: Readonly<Record<string, string>> = { TimeZone: "UTC", DateStyle: "ISO", IntervalStyle: "iso_8601" };

type Parser = (text: string) => unknown;

/** A column of a result: its name, and the OID of its type (`select oid from pg_type`). */
export interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** Makes rows of one shape from the texts of their columns. */
export class RowReader {
  readonly #names: readonly string[];
  readonly #parsers: readonly (Parser | undefined)[];

  constructor(fields: readonly Field[]) {
    this.#names = fields.map((field) => field.name);
    this.#parsers = fields.map((field) => parserOf(field.dataTypeID));
  }

  read(texts: readonly (string | null)[]): Record<string, unknown> {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i] as string | null;
      const parse = this.#parsers[i];
      row[this.#names[i] as string] = text === null || parse === undefined ? text : parse(text);
    }
    return row;
  }
}

/** How a type's text becomes a value; `undefined` where the text is the value. */
export function parserOf(oid: number): Parser | undefined {
  return parsers.get(oid);
}

const jsonOids: ReadonlySet<number> = new Set([114, 3802]);

/**
 * A value as it is sent: text, bytes, or null. An array needs the type of its parameter, see {@link needsType}.
 *
 * @param oid  Type of the parameter, where it is known.
 */
export function toParameter(value: unknown, oid: number | undefined): string | Uint8Array | null {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value !== "object") throw new TypeError(`a ${typeof value} is no value for a database`);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value) && (oid === undefined || !jsonOids.has(oid))) return toArrayText(value);
  return JSON.stringify(value);
}

/** The parameters of a statement as they are sent. */
export function toParameters(values: readonly unknown[], types: readonly number[] | undefined): readonly (string | Uint8Array | null)[] {
  return values.map((value, i) => toParameter(value, types?.[i]));
}

/** Rows that a command touched, by its tag: the number at the end of `INSERT 0 5`, `UPDATE 3`; 0 for what only reads. */
export function affectedBy(tag: string): number {
  if (tag.startsWith("SELECT") || tag.startsWith("FETCH")) return 0;
  const at = tag.lastIndexOf(" ");
  if (at === -1) return 0;
  const count = Number(tag.slice(at + 1));
  return Number.isNaN(count) ? 0 : count;
}

/** Whether a value can be sent only when the type of its parameter is known: `[1]` is JSON for one column, an array for another. */
export function needsType(value: unknown): boolean {
  return Array.isArray(value);
}

function toArrayText(items: readonly unknown[]): string {
  return `{${items.map(toElementText).join(",")}}`;
}

function toElementText(item: unknown): string {
  if (item === null || item === undefined) return "NULL";
  if (Array.isArray(item)) return toArrayText(item);
  const sent = toParameter(item, undefined) as string | Uint8Array;
  const text = typeof sent === "string" ? sent : `\\x${Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength).toString("hex")}`;
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function parseNumber(text: string): number {
  return Number(text);
}

function parseJson(text: string): unknown {
  return JSON.parse(text);
}

function parseInt8(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

/** `2026-11-23 10:11:12.5+00` is `2026-11-23T10:11:12.5Z`. Infinity and years before Christ have no such form and stay. */
export function toIsoInstant(text: string): string {
  const at = text.indexOf(" ");
  if (at < 10 || text.endsWith("C")) return text;
  const date = text.slice(0, at);
  if (text.endsWith("+00")) return `${date}T${text.slice(at + 1, -3)}Z`;
  const time = text.slice(at + 1);
  return `${date}T${/[+-]\d\d$/.test(time) ? `${time}:00` : time}`; // another time zone, set by hand
}

function parseBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text.slice(2), "hex"); // "\x" and digits: bytea_output's default since PostgreSQL 9.0
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const scalarParsers: readonly (readonly [oid: number, arrayOid: number, parse: Parser | undefined])[] = [
  [16, 1000, (text) => text === "t"],
  [17, 1001, parseBytes],
  [18, 1002, undefined], // "char"
  [19, 1003, undefined], // name
  [20, 1016, parseInt8],
  [21, 1005, parseNumber],
  [23, 1007, parseNumber],
  [25, 1009, undefined], // text
  [26, 1028, parseNumber], // oid
  [114, 199, parseJson], // json
  [700, 1021, parseNumber],
  [701, 1022, parseNumber],
  [1042, 1014, undefined], // character(n)
  [1043, 1015, undefined], // varchar
  [1082, 1182, undefined], // date
  [1083, 1183, undefined], // time
  [1114, 1115, toIsoInstant], // timestamp
  [1184, 1185, toIsoInstant], // timestamptz
  [1186, 1187, undefined], // interval
  [1266, 1270, undefined], // timetz
  [1700, 1231, undefined], // numeric
  [2950, 2951, undefined], // uuid
  [3802, 3807, parseJson], // jsonb
];

const parsers = new Map<number, Parser>();
for (const [oid, arrayOid, parse] of scalarParsers) {
  if (parse !== undefined) parsers.set(oid, parse);
  parsers.set(arrayOid, (text) => parseArray(text, parse));
}

/** `{1,NULL,"a b",{2}}`, with or without bounds before it: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function parseArray(text: string, parse: Parser | undefined): unknown[] {
  let at = text.indexOf("{") + 1;

  function items(): unknown[] {
    const list: unknown[] = [];
    while (at < text.length) {
      const char = text[at];
      if (char === "}") {
        at++;
        return list;
      }
      if (char === ",") at++;
      else if (char === "{") {
        at++;
        list.push(items());
      } else if (char === '"') list.push(convert(quoted()));
      else {
        const bare = unquoted();
        list.push(bare === "NULL" ? null : convert(bare));
      }
    }
    return list;
  }

  function convert(item: string): unknown {
    return parse === undefined ? item : parse(item);
  }

  function quoted(): string {
    let item = "";
    at++;
    while (at < text.length && text[at] !== '"') {
      if (text[at] === "\\") at++;
      item += text[at++];
    }
    at++;
    return item;
  }

  function unquoted(): string {
    const start = at;
    while (at < text.length && text[at] !== "," && text[at] !== "}") at++;
    return text.slice(start, at);
  }

  return items();
}
