/**
 * How the inventory keeps its promise. Every change is one conditional statement, `update … where there is enough`, so
 * two orders for the last piece need no lock between reading and writing: the database lets one of them through.
 */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { type Db, reactions, service } from "tenon";
import type * as z from "zod";
import { orders } from "../orders/contract.ts";
import { inventory, type ReservationStatus } from "./contract.ts";
import { seed } from "./seed.ts";
import { tables } from "./tables.ts";

type InventoryDb = Db<typeof tables>;
type Status = z.output<typeof ReservationStatus>;
const { on } = reactions(tables);

export default service(inventory, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  seed,
  handlers: {
    async availability({ input, db }) {
      const rows = await db.selectFrom("stock").selectAll().where("sku", "in", input.sku).execute();
      const bySku = new Map(rows.map((row) => [row.sku, row.onHand - row.reserved]));
      return { items: input.sku.map((sku) => ({ sku, available: bySku.get(sku) ?? 0 })) };
    },

    async reserve({ input, db, fail }) {
      const { orderId } = input;
      const created = await db
        .insertInto("reservations")
        .values({ orderId, status: "held" })
        .onConflict((clash) => clash.column("orderId").doNothing())
        .returning("status")
        .executeTakeFirst();
      if (created === undefined) {
        const status = await statusOf(db, orderId);
        if (status !== "held") throw fail.Closed();
        return { orderId, status };
      }
      // In one order of SKUs for everybody: two orders of the same goods wait for each other and never both.
      const lines = input.lines.toSorted((a, b) => (a.sku < b.sku ? -1 : 1));
      for (const { sku, quantity } of lines) {
        const taken = await db
          .updateTable("stock")
          .set((row) => ({ reserved: row("reserved", "+", quantity) }))
          .where("sku", "=", sku)
          .where(sql<boolean>`on_hand - reserved >= ${quantity}::integer`)
          .executeTakeFirst();
        // A failure undoes the lines before it: the transaction is not committed.
        if (taken.numUpdatedRows === 0n) throw fail.OutOfStock({ sku, available: await availableOf(db, sku) });
      }
      await db.insertInto("reservationLines").values(lines.map(({ sku, quantity }) => ({ orderId, sku, quantity }))).execute();
      return { orderId, status: "held" };
    },

    async release({ input, db, fail }) {
      const { orderId } = input;
      // An order that was never reserved for gets its row too, so that a late `reserve` finds the door closed.
      await db
        .insertInto("reservations")
        .values({ orderId, status: "released" })
        .onConflict((clash) => clash.column("orderId").doNothing())
        .execute();
      if (await moveFromHeld(db, orderId, "released")) {
        await db
          .updateTable("stock")
          .from("reservationLines")
          .set((row) => ({ reserved: row("stock.reserved", "-", row.ref("reservationLines.quantity")) }))
          .whereRef("reservationLines.sku", "=", "stock.sku")
          .where("reservationLines.orderId", "=", orderId)
          .execute();
      } else if ((await statusOf(db, orderId)) === "committed") throw fail.Committed();
      return { orderId, status: "released" };
    },

    async get({ input, db, fail }) {
      const row = await findStock(db, input.sku);
      if (row === undefined) throw fail.NotFound();
      return toStock(row);
    },

    async low({ input, db }) {
      const rows = await db
        .selectFrom("stock")
        .selectAll()
        .where(sql<boolean>`on_hand - reserved <= low_at`)
        .orderBy(sql`on_hand - reserved`)
        .orderBy("sku")
        .limit(input.limit)
        .execute();
      return { items: rows.map(toStock) };
    },

    async adjust({ input, caller, db, fail }) {
      const { sku, delta, reason } = input;
      // A first delivery brings the product into stock.
      if (delta > 0) await db.insertInto("stock").values({ sku, onHand: 0 }).onConflict((clash) => clash.column("sku").doNothing()).execute();
      const row = await db
        .updateTable("stock")
        .set((stock) => ({ onHand: stock("onHand", "+", delta) }))
        .where("sku", "=", sku)
        .where(sql<boolean>`on_hand - reserved + ${delta}::integer >= 0`)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw fail.BelowReserved({ available: await availableOf(db, sku) });
      await db.insertInto("stockMovements").values({ id: randomUUID(), sku, delta, reason, movedBy: caller.subject }).execute();
      return toStock(row);
    },

    async movements({ input, db }) {
      const items = await db
        .selectFrom("stockMovements")
        .selectAll()
        .where("sku", "=", input.sku)
        .orderBy("movedAt", "desc")
        .orderBy("id", "desc")
        .limit(input.limit)
        .execute();
      return { items };
    },
  },
  subscriptions: [
    on(orders.shipped, "take-off-the-shelf", async ({ data, db, giveUp }) => {
      const { orderId } = data;
      if (!(await moveFromHeld(db, orderId, "committed"))) throw giveUp(`nothing is held for the order ${orderId}`);
      await db
        .updateTable("stock")
        .from("reservationLines")
        .set((row) => ({
          onHand: row("stock.onHand", "-", row.ref("reservationLines.quantity")),
          reserved: row("stock.reserved", "-", row.ref("reservationLines.quantity")),
        }))
        .whereRef("reservationLines.sku", "=", "stock.sku")
        .where("reservationLines.orderId", "=", orderId)
        .execute();
      const lines = await db.selectFrom("reservationLines").selectAll().where("orderId", "=", orderId).execute();
      await db
        .insertInto("stockMovements")
        .values(lines.map(({ sku, quantity }) => ({ id: randomUUID(), sku, delta: -quantity, reason: `order ${orderId}`, movedBy: "orders" })))
        .execute();
    }),
  ],
});

type StockRow = NonNullable<Awaited<ReturnType<typeof findStock>>>;

function findStock(db: InventoryDb, sku: string) {
  return db.selectFrom("stock").selectAll().where("sku", "=", sku).executeTakeFirst();
}

function toStock(row: StockRow) {
  return { ...row, available: row.onHand - row.reserved };
}

async function availableOf(db: InventoryDb, sku: string): Promise<number> {
  const row = await findStock(db, sku);
  return row === undefined ? 0 : row.onHand - row.reserved;
}

async function statusOf(db: InventoryDb, orderId: string): Promise<Status | undefined> {
  return (await db.selectFrom("reservations").select("status").where("orderId", "=", orderId).executeTakeFirst())?.status;
}

/** Ends a reservation, unless something else ended it before. */
async function moveFromHeld(db: InventoryDb, orderId: string, to: Status): Promise<boolean> {
  const moved = await db
    .updateTable("reservations")
    .set({ status: to, updatedAt: new Date().toISOString() })
    .where("orderId", "=", orderId)
    .where("status", "=", "held")
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}
