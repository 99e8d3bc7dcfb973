/**
 * Values as a log shows them: what JSON can carry, bounded in size, with what is classified replaced by its class. Whoever
 * logs may hand over anything, a whole row, an error, something that contains itself; a log never throws for it.
 */
import type { FieldClasses } from "../contract/index.ts";
import type { TextMask } from "./known-values.ts";

export interface Hiding {
  readonly classes: Pick<FieldClasses, "of">;
  readonly mask: TextMask;
}

/** Nothing is classified: for what the platform itself says. */
export const openly: Hiding = { classes: { of: () => undefined }, mask: (text) => text };

/** Beyond these a value tells nothing new, and costs whoever keeps the log. */
const depthMax = 8;
const membersMax = 200;
const charsMax = 16_384;

/** The fields of a line, by name; a field that is `undefined` is left out. */
export function toShownFields(fields: Readonly<Record<string, unknown>>, hiding: Hiding): Record<string, unknown> {
  return shownMembers(Object.entries(fields), hiding, []);
}

/** A text, of whatever was handed over as one: code without types comes by here too. */
export function toShownText(value: unknown, hiding: Hiding): string {
  const text = toShown(value, hiding);
  return typeof text === "string" ? text : (JSON.stringify(text) ?? typeof value);
}

export function toShown(value: unknown, hiding: Hiding): unknown {
  return shown(value, hiding, []);
}

function shown(value: unknown, hiding: Hiding, above: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
      return cut(hiding.mask(value));
    case "number":
    case "bigint": {
      const text = String(value);
      const masked = hiding.mask(text);
      return masked === text && Number.isFinite(value) ? value : masked;
    }
    case "boolean":
    case "undefined":
      return value;
    case "object":
      return value === null ? null : shownObject(value, hiding, above);
    default:
      return `[${typeof value}]`;
  }
}

function shownObject(value: object, hiding: Hiding, above: readonly object[]): unknown {
  if (value instanceof Error) return cut(hiding.mask(describeError(value, hiding)));
  if (above.includes(value)) return "[contains itself]";
  if (above.length >= depthMax) return "[deeper than is shown]";
  const within = [...above, value];
  try {
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if ("toJSON" in value && typeof value.toJSON === "function") return shown(value.toJSON(), hiding, within);
    if (Array.isArray(value) || value instanceof Set) return shownItems([...value], hiding, within);
    return shownMembers(value instanceof Map ? [...value].map(([name, member]) => [String(name), member] as const) : Object.entries(value), hiding, within);
  } catch {
    return "[cannot be read]"; // a getter or a `toJSON` that throws
  }
}

function shownItems(items: readonly unknown[], hiding: Hiding, within: readonly object[]): readonly unknown[] {
  const first = items.slice(0, membersMax).map((item) => shown(item, hiding, within) ?? null);
  return items.length > membersMax ? [...first, `[and ${items.length - membersMax} more]`] : first;
}

/** A name may be a value too: the key of a record. */
function shownMembers(members: readonly (readonly [string, unknown])[], hiding: Hiding, within: readonly object[]): Record<string, unknown> {
  const first = members.slice(0, membersMax).filter(([, member]) => member !== undefined);
  const entries = first.map(([name, member]) => {
    const dataClass = hiding.classes.of(name);
    return [hiding.mask(name), dataClass === undefined ? shown(member, hiding, within) : `[${dataClass}]`] as const;
  });
  return Object.fromEntries(members.length > membersMax ? [...entries, ["…", `[and ${members.length - membersMax} more]`]] : entries);
}

function cut(text: string): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
}

const causesMax = 8;

/** An error with its stack and every cause behind it. */
export function describeError(error: unknown, hiding: Hiding = openly): string {
  const parts: string[] = [];
  let at: unknown = error;
  for (let depth = 0; depth < causesMax && at !== undefined; depth += 1) {
    parts.push(at instanceof Error ? withoutJson(stackOf(at)) : toShownText(at, hiding));
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join("\ncaused by: ");
}

function stackOf(error: Error): string {
  try {
    return typeof error.stack === "string" ? error.stack : `${error.name}: ${error.message}`;
  } catch {
    return "[an error that cannot be read]";
  }
}

/** V8 quotes what it could not parse, and cuts it, so that no value is found in it any more. */
export function withoutJson(text: string): string {
  return text.replaceAll(/(?:Unexpected token [\s\S]{1,12}?, )?(?:\.\.\.)?"[\s\S]{0,100}?"(?:\.\.\.)? is not valid JSON/g, "a text is not valid JSON");
}
