/** Orders as they lie in the database: reading one whole, and the steps that change it. */
import { sql } from "kysely";
import type { Db } from "tenon";
import type * as z from "zod";
import type { FailureReason, Order, OrderStatus } from "./contract.ts";
import type { tables } from "./tables.ts";

export type OrdersDb = Db<typeof tables>;
type Status = z.output<typeof OrderStatus>;

/** An order with its lines and refunds, or `undefined` where there is none. */
export async function findOrder(db: OrdersDb, id: string) {
  const row = await db.selectFrom("orders").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : (await withParts(db, [row]))[0];
}

export type OrderRow = NonNullable<Awaited<ReturnType<typeof findOrder>>>;

/** An order that was there in this transaction. */
export function stillThere(order: OrderRow | undefined): OrderRow {
  if (order === undefined) throw new RangeError("an order is never deleted, and this one is gone");
  return order;
}

/** Orders with their lines and refunds: two statements, however many orders there are. */
export async function withParts<Row extends { readonly id: string }>(db: OrdersDb, orders: readonly Row[]) {
  if (orders.length === 0) return [];
  const ids = orders.map((order) => order.id);
  const lines = await db.selectFrom("orderLines").selectAll().where("orderId", "in", ids).orderBy("position").execute();
  const refunds = await db.selectFrom("orderRefunds").selectAll().where("orderId", "in", ids).orderBy("refundedAt").orderBy("id").execute();
  return orders.map((order) => ({
    ...order,
    lines: lines.filter((line) => line.orderId === order.id),
    refunds: refunds.filter((refund) => refund.orderId === order.id),
  }));
}

/**
 * Moves an order on, unless something else moved it first.
 *
 * @returns whether it was this call that moved it.
 */
export async function moveOrder(db: OrdersDb, id: string, move: { readonly from: readonly Status[]; readonly to: Status; readonly trackingCode?: string }): Promise<boolean> {
  const moved = await db
    .updateTable("orders")
    .set({ status: move.to, updatedAt: sql`now()`, ...(move.trackingCode === undefined ? {} : { trackingCode: move.trackingCode }) })
    .where("id", "=", id)
    .where("status", "in", move.from)
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}

/**
 * A pending order fails, and what was in it goes back into the cart. Does nothing to an order that is no longer pending.
 *
 * @returns whose order it was, or `undefined` where nothing was done.
 */
export async function failOrder(db: OrdersDb, id: string, reason: z.output<typeof FailureReason>): Promise<string | undefined> {
  const failed = await db
    .updateTable("orders")
    .set({ status: "failed", failureReason: reason, updatedAt: sql`now()` })
    .where("id", "=", id)
    .where("status", "=", "pending")
    .returning("accountId")
    .executeTakeFirst();
  if (failed === undefined) return undefined;
  await db
    .insertInto("cartLines")
    .columns(["accountId", "sku", "quantity"])
    .expression((from) => from.selectFrom("orderLines").select((row) => [row.val(failed.accountId).as("accountId"), "sku", "quantity"]).where("orderId", "=", id))
    .onConflict((clash) => clash.columns(["accountId", "sku"]).doUpdateSet({ quantity: sql<number>`least(999, cart_lines.quantity + excluded.quantity)`, touchedAt: sql<string>`now()` }))
    .execute();
  return failed.accountId;
}

/** Writes down a refund that payments made, once. */
export async function recordRefund(
  db: OrdersDb,
  orderId: string,
  made: { readonly refund: { readonly id: string; readonly amountCents: number; readonly reason: string } | null; readonly refundedCents: number; readonly by: string },
): Promise<void> {
  if (made.refund !== null) {
    const { id, amountCents, reason } = made.refund;
    await db
      .insertInto("orderRefunds")
      .values({ id, orderId, amountCents, reason, refundedBy: made.by })
      .onConflict((clash) => clash.column("id").doNothing())
      .execute();
  }
  // Payments counts, and two refunds may arrive here in either order: the larger sum is the later one.
  await db
    .updateTable("orders")
    .set({ refundedCents: sql<number>`greatest(refunded_cents, ${made.refundedCents}::integer)`, updatedAt: sql`now()` })
    .where("id", "=", orderId)
    .execute();
}

export interface NewOrder {
  readonly id: string;
  readonly accountId: string;
  readonly lines: z.output<typeof Order>["lines"];
  readonly shipTo: z.output<typeof Order>["shipTo"];
  readonly currency: z.output<typeof Order>["currency"];
  readonly subtotalCents: number;
  readonly shippingCents: number;
}

/** A new pending order. */
export async function insertOrder(db: OrdersDb, order: NewOrder): Promise<void> {
  const { lines, ...row } = order;
  await db.insertInto("orders").values({ ...row, totalCents: row.subtotalCents + row.shippingCents, failureReason: null, trackingCode: null }).execute();
  await db.insertInto("orderLines").values(lines.map((line, position) => ({ orderId: order.id, position, ...line }))).execute();
}
