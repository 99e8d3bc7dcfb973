/** Lists of orders, the newest first, in pages. */
import { sql, type SqlBool } from "kysely";
import type * as z from "zod";
import { parseCursor } from "../page.ts";
import type { OrderStatus } from "./contract.ts";
import { type OrdersDb, withParts } from "./order-rows.ts";

export interface OrderFilter {
  /** Left out: everybody's. */
  readonly accountId?: string;
  readonly status?: z.output<typeof OrderStatus> | undefined;
  /** The start of an order's id, or part of an account's. */
  readonly search?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** One order more than `limit`, where there is one. `undefined` when the cursor is not one of this list. */
export async function listOrders(db: OrdersDb, filter: OrderFilter) {
  let rows = db.selectFrom("orders").selectAll();
  if (filter.accountId !== undefined) rows = rows.where("accountId", "=", filter.accountId);
  if (filter.status !== undefined) rows = rows.where("status", "=", filter.status);
  if (filter.search !== undefined) {
    const text = filter.search.replaceAll(/[\\%_]/g, "\\$&");
    rows = rows.where(sql<SqlBool>`(id::text like ${`${text.toLowerCase()}%`} or account_id ilike ${`%${text}%`})`);
  }
  if (filter.cursor !== undefined) {
    const [placedAt, id] = parseCursor(filter.cursor, ["instant", "text"]) ?? [];
    if (placedAt === undefined || !isUuid(id)) return undefined;
    rows = rows.where(sql<SqlBool>`(placed_at, id) < (${placedAt}::timestamptz, ${id}::uuid)`);
  }
  return withParts(db, await rows.orderBy("placedAt", "desc").orderBy("id", "desc").limit(filter.limit + 1).execute());
}

function isUuid(text: unknown): boolean {
  return typeof text === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
