/**
 * Lists come in pages. A page ends with a cursor: the sort key of its last row, opaque to the caller. Unlike an offset
 * it costs the same on the hundredth page as on the first, and rows that arrive meanwhile shift nothing.
 */
import * as z from "zod";

/** Where the page before ended: `nextCursor` of that page. */
export const CursorText = z.string().min(1).max(400);

export const PageSize = z.int().min(1).max(100);

export const invalidCursor = { status: 400, message: "the cursor is not one that this list gave out" } as const;

export type CursorKey = string | number;

export function toCursor(keys: readonly CursorKey[]): string {
  return btoa(encodeURIComponent(JSON.stringify(keys))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What a key may be: `instant` is an ISO 8601 text in UTC, `integer` one of 32 bits. */
export type CursorKind = "text" | "instant" | "integer";

/**
 * The keys in a cursor, or `undefined` when the text is not one. A cursor comes from outside: whatever this lets
 * through, the database can read.
 *
 * @param kinds  Of each key, in order: a cursor of another list is refused, not misread.
 */
export function parseCursor(text: string, kinds: readonly CursorKind[]): readonly CursorKey[] | undefined {
  let keys: unknown;
  try {
    keys = JSON.parse(decodeURIComponent(atob(text.replaceAll("-", "+").replaceAll("_", "/"))));
  } catch {
    return undefined; // what is not a cursor of ours was made up by the caller
  }
  if (!Array.isArray(keys) || keys.length !== kinds.length) return undefined;
  return keys.every((key, index) => isOfKind(key, kinds[index])) ? keys : undefined;
}

function isOfKind(key: unknown, kind: CursorKind | undefined): key is CursorKey {
  if (kind === "integer") return typeof key === "number" && (key | 0) === key;
  if (typeof key !== "string" || key.includes("\0")) return false; // a NUL is the one character that PostgreSQL has not
  return kind === "text" || (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(key) && !Number.isNaN(Date.parse(key)));
}

/** The rows of a page, from one row more than fits, and the cursor of the next page if there is one. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keysOf: (row: Row) => readonly CursorKey[],
): { readonly items: Row[]; readonly nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? toCursor(keysOf(last)) : null };
}
