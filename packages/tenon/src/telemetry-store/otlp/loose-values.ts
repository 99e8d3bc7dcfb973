/**
 * Reads values of an OTLP body, which may be anything: numbers as numbers or as text (as JSON has those of 64 bits),
 * attributes as lists of pairs. What cannot be read is `undefined`, never an exception; what is too long is cut.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import type { Attributes, AttributeValue } from "../../telemetry/index.ts";

/** Longest text of an attribute, a message or a body, in characters: a stack trace, and no page. */
const textMax = 4_096;
/** Longest name of a span, a metric or an attribute, in characters. */
const nameMax = 256;
/** What OpenTelemetry's own limit is. */
const attributesMax = 128;
const elementsMax = 128;
const depthMax = 8;

export type Loose = Readonly<Record<string, unknown>>;

/** An object, or one without members. */
export function objectOf(value: unknown): Loose {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Loose) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? cut(value, textMax) : "";
}

export function nameOf(value: unknown): string {
  return typeof value === "string" ? cut(value, nameMax) : "";
}

export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** An enumeration by its number, or in JSON by its name too, which some programs send. */
export function enumOf(value: unknown, names: readonly string[]): number {
  const named = typeof value === "string" ? names.indexOf(value) : -1;
  return named === -1 ? (numberOf(value) ?? 0) : named;
}

/** Nanoseconds since 1970 as milliseconds; `undefined` for none, and for what is no time. */
export function msOf(nanoseconds: unknown): number | undefined {
  const ns = numberOf(nanoseconds);
  // Above, microseconds would not be whole numbers any more.
  return ns === undefined || ns <= 0 || ns > 9e18 ? undefined : ns / 1e6;
}

/** Hexadecimal digits in lower case, all zero not among them; `undefined` for anything else. */
export function idOf(value: unknown, digits: 16 | 32): string | undefined {
  if (typeof value !== "string" || value.length !== digits || !/^[\da-f]+$/i.test(value) || /^0+$/.test(value)) return undefined;
  return value.toLowerCase();
}

/** Pairs as an object. Of a name that comes twice the last one counts, and beyond 128 nothing is kept. */
export function attributesOf(pairs: unknown): Attributes {
  const entries: [string, AttributeValue][] = [];
  for (const pair of listOf(pairs)) {
    const { key, value } = objectOf(pair);
    if (typeof key !== "string" || key === "") continue;
    if (entries.length >= attributesMax) break;
    const read = valueOf(value, 0);
    const kept = typeof read === "object" && read !== null && !isUniform(read) ? textOf(JSON.stringify(read)) : (read as AttributeValue | undefined);
    if (kept !== undefined) entries.push([cut(key, nameMax), kept]);
  }
  return Object.fromEntries(entries); // which defines, and does not assign: a name such as __proto__ is one like any other
}

/** Any value as JSON has it; an attribute may be less. */
export function valueOf(value: unknown, depth: number): unknown {
  const { arrayValue, boolValue, bytesValue, doubleValue, intValue, kvlistValue, stringValue } = objectOf(value);
  if (typeof stringValue === "string") return textOf(stringValue);
  if (typeof boolValue === "boolean") return boolValue;
  if (intValue !== undefined) return integerOf(intValue);
  if (doubleValue !== undefined) return numberOf(doubleValue) ?? (typeof doubleValue === "number" || typeof doubleValue === "string" ? String(doubleValue) : undefined);
  if (typeof bytesValue === "string") return textOf(bytesValue);
  if (depth >= depthMax) return undefined;
  if (arrayValue !== undefined) return listOf(objectOf(arrayValue)["values"]).slice(0, elementsMax).map((each) => valueOf(each, depth + 1) ?? null);
  if (kvlistValue === undefined) return undefined;
  const pairs = listOf(objectOf(kvlistValue)["values"]).slice(0, elementsMax).map(objectOf);
  return Object.fromEntries(pairs.map(({ key, value }) => [nameOf(key), valueOf(value, depth + 1) ?? null]));
}

/** Integers that JavaScript cannot hold stay text: an identifier must not change. */
function integerOf(value: unknown): number | string | undefined {
  const number = numberOf(value);
  if (number === undefined || Number.isSafeInteger(number)) return number;
  return typeof value === "string" ? cut(value, nameMax) : number;
}

/** A list of texts, of numbers or of booleans alone. */
function isUniform(value: object): boolean {
  if (!Array.isArray(value)) return false;
  return value.every((each) => typeof each === typeof value[0] && typeof each !== "object");
}

function cut(text: string, max: number): string {
  return text.length <= max ? text.toWellFormed() : `${text.slice(0, max - 1).toWellFormed()}…`;
}
