/**
 * Search over the catalog: PostgreSQL's own full-text search, in pages by the sort key of the last row.
 *
 * Each order of the list is a row of one table below: the key it sorts by, and how a cursor's text becomes that key
 * again. The SKU breaks ties, so that a page never starts in the middle of equal keys.
 */
import { type Expression, type RawBuilder, sql, type SqlBool } from "kysely";
import type { Db } from "tenon";
import type * as z from "zod";
import { type CursorKey, type CursorKind, pageOf, parseCursor } from "../page.ts";
import type { Sort } from "./contract.ts";
import type { tables } from "./tables.ts";

type SortName = z.output<typeof Sort>;

export interface ProductSearch {
  readonly search?: string | undefined;
  readonly category?: string | undefined;
  readonly minCents?: number | undefined;
  readonly maxCents?: number | undefined;
  readonly inStock?: boolean | undefined;
  readonly sort?: SortName | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

interface Order {
  readonly key: RawBuilder<CursorKey>;
  readonly direction: "asc" | "desc";
  readonly kind: CursorKind;
  /** A key out of a cursor, as SQL of the key's own type. */
  readonly read: (key: CursorKey) => Expression<unknown>;
}

const asText = (key: CursorKey) => sql`${key}::text`;
const asInteger = (key: CursorKey) => sql`${key}::integer`;
const asInstant = (key: CursorKey) => sql`${key}::timestamptz`;

/** @returns `undefined` when the cursor was not given out by this list in this order. */
export async function searchProducts(db: Db<typeof tables>, wanted: ProductSearch) {
  const terms = toTsQuery(wanted.search ?? "");
  const order = orderOf(wanted.sort ?? (terms === undefined ? "name" : "relevance"), terms);

  let rows = db.selectFrom("products").selectAll().select(order.key.as("sortKey")).where("status", "=", "active");
  if (terms !== undefined) rows = rows.where(sql<SqlBool>`product_document(name, description) @@ to_tsquery('english', ${terms})`);
  if (wanted.category !== undefined) rows = rows.where("category", "=", wanted.category);
  if (wanted.minCents !== undefined) rows = rows.where("priceCents", ">=", wanted.minCents);
  if (wanted.maxCents !== undefined) rows = rows.where("priceCents", "<=", wanted.maxCents);
  if (wanted.inStock === true) rows = rows.where("isSoldOut", "=", false);
  if (wanted.cursor !== undefined) {
    const [key, sku] = parseCursor(wanted.cursor, [order.kind, "text"]) ?? [];
    if (key === undefined || sku === undefined) return undefined;
    const at = order.read(key);
    const beyond = order.direction === "asc" ? sql`>` : sql`<`;
    rows = rows.where(sql<SqlBool>`(${order.key} ${beyond} ${at} or (${order.key} = ${at} and sku > ${sku}))`);
  }
  const found = await rows.orderBy(order.key, order.direction).orderBy("sku").limit(wanted.limit + 1).execute();
  return pageOf(found, wanted.limit, (row) => [row.sortKey, row.sku]);
}

/**
 * Words as a text search wants them: all have to occur, the last one may be the start of a word, for a person who is
 * still typing. Letters and digits only, so nothing of the query language gets through.
 *
 * @returns `undefined` when there is no word in the text: then there is nothing to search for.
 */
export function toTsQuery(text: string): string | undefined {
  const words = text.match(/[\p{L}\p{N}]+/gu)?.slice(0, 12);
  return words?.map((word, index) => (index === words.length - 1 ? `${word}:*` : word)).join(" & ");
}

function orderOf(sort: SortName, terms: string | undefined): Order {
  switch (sort) {
    case "price":
      return { key: sql<number>`price_cents`, direction: "asc", kind: "integer", read: asInteger };
    case "-price":
      return { key: sql<number>`price_cents`, direction: "desc", kind: "integer", read: asInteger };
    case "newest":
      return { key: sql<string>`created_at`, direction: "desc", kind: "instant", read: asInstant };
    case "relevance":
      // A whole number, because a cursor has to meet the very same rank again, and a float may not survive the way.
      if (terms !== undefined) {
        return { key: sql<number>`(ts_rank(product_document(name, description), to_tsquery('english', ${terms})) * 1000000)::integer`, direction: "desc", kind: "integer", read: asInteger };
      }
      return orderOf("name", undefined);
    case "name":
      return { key: sql<string>`name`, direction: "asc", kind: "text", read: asText };
  }
}
