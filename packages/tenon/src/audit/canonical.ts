/**
 * JSON in its one canonical form: members sorted by their UTF-16 units, no white space, numbers and texts as ECMAScript
 * writes them. Two who hold the same value hold the same bytes, so its hash can be made again from any copy.
 *
 * What I-JSON does not know (half a surrogate pair) and what PostgreSQL does not keep (a zero character) is replaced by
 * U+FFFD before.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  /** Members that are `undefined` are left out. */
  readonly [name: string]: JsonValue | undefined;
}

/** @throws {RangeError} a number that JSON does not have. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === "string") return textOf(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError(`${value} is no number of JSON`);
    return String(value === 0 ? 0 : value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  let text = "";
  // `sort` without a comparison compares UTF-16 units, as section 3.2.3 asks.
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member !== undefined) text += `${text === "" ? "" : ","}${textOf(name)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

function isList(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function textOf(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return JSON.stringify(whole.includes("\0") ? whole.replaceAll("\0", "\uFFFD") : whole);
}
