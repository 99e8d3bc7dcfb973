/**
 * Carts that were left: who left one gets one reminder, by whoever follows `cartAbandoned`. A schedule looks for them; a
 * cart is found by the state it was left in, so however often it looks, and whatever it missed while nothing ran, each
 * cart is found once.
 */
import { reactions } from "tenon";
import { orders } from "./contract.ts";
import { settings } from "./settings.ts";
import { tables } from "./tables.ts";

const { every } = reactions(tables, settings);

export const remindOfCarts = every("15m", "remind-of-carts", async ({ config, db, emit, log, scheduledAt }) => {
  const before = new Date(Date.parse(scheduledAt) - config.CART_ABANDONED_AFTER_H * 3_600_000).toISOString();
  const left = await db
    .insertInto("cartReminders")
    .columns(["accountId", "touchedAt"])
    .expression((from) =>
      from
        .selectFrom("cartLines")
        .select((row) => ["accountId", row.fn.max("touchedAt").as("touchedAt")])
        .groupBy("accountId")
        .having((row) => row(row.fn.max("touchedAt"), "<", before)),
    )
    .onConflict((clash) => clash.doNothing()) // it was found before
    .returning("accountId")
    .execute();
  for (const { accountId } of left) {
    const lines = await db.selectFrom("cartLines").select(["sku", "quantity"]).where("accountId", "=", accountId).orderBy("addedAt").execute();
    await emit(orders.cartAbandoned, { accountId, lines });
  }
  if (left.length > 0) log.info("customers were reminded of their carts", { count: left.length });
});
