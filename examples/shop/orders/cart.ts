/** The cart: what an account wants, priced by the catalog at the moment of looking. */
import { sql } from "kysely";
import type { Db } from "tenon";
import { currency, shippingCentsFor } from "../money.ts";
import { cartLinesMax } from "./contract.ts";
import type { tables } from "./tables.ts";

type OrdersDb = Db<typeof tables>;

const quantityMax = 999;

/** The lines of a cart, in the order in which they were put in. */
export function cartLinesOf(db: OrdersDb, accountId: string) {
  return db.selectFrom("cartLines").selectAll().where("accountId", "=", accountId).orderBy("addedAt").orderBy("sku").execute();
}

interface Quoted {
  readonly sku: string;
  readonly name: string;
  readonly priceCents: number;
}

/** A cart as its owner sees it. A line whose product is gone has no price, and keeps the cart from being ordered. */
export function priceCart(
  lines: readonly { readonly sku: string; readonly quantity: number }[],
  quotes: readonly Quoted[],
  stock: readonly { readonly sku: string; readonly available: number }[],
) {
  const quoteBySku = new Map(quotes.map((quote) => [quote.sku, quote]));
  const availableBySku = new Map(stock.map((each) => [each.sku, each.available]));
  const priced = lines.map(({ sku, quantity }) => {
    const quote = quoteBySku.get(sku);
    const unitPriceCents = quote?.priceCents ?? null;
    return {
      sku,
      quantity,
      name: quote?.name ?? null,
      unitPriceCents,
      totalCents: unitPriceCents === null ? null : unitPriceCents * quantity,
      available: availableBySku.get(sku) ?? 0,
    };
  });
  const subtotalCents = priced.reduce((sum, line) => sum + (line.totalCents ?? 0), 0);
  const shippingCents = lines.length === 0 ? 0 : shippingCentsFor(subtotalCents);
  return {
    lines: priced,
    currency,
    subtotalCents,
    shippingCents,
    totalCents: subtotalCents + shippingCents,
    isOrderable: lines.length > 0 && priced.every((line) => line.unitPriceCents !== null && line.available >= line.quantity),
  };
}

/**
 * Puts a product into the cart.
 *
 * @param line.how  `add` to what is there, or `set` how many there are.
 * @returns the quantity now, or `undefined` when the cart cannot hold it.
 */
export async function putIntoCart(
  db: OrdersDb,
  line: { readonly accountId: string; readonly sku: string; readonly quantity: number; readonly how: "add" | "set" },
): Promise<number | undefined> {
  const { accountId, sku, quantity, how } = line;
  const written = await db
    .insertInto("cartLines")
    .values({ accountId, sku, quantity })
    .onConflict((clash) =>
      clash
        .columns(["accountId", "sku"])
        .doUpdateSet((row) => ({ quantity: how === "add" ? row("cartLines.quantity", "+", quantity) : quantity, touchedAt: sql<string>`now()` }))
        // No row comes back when this does not hold, and nothing was changed.
        .where((row) => (how === "add" ? row(row("cartLines.quantity", "+", quantity), "<=", quantityMax) : row.lit(true))),
    )
    .returning("quantity")
    .executeTakeFirst();
  if (written === undefined) return undefined;
  const { count } = await db
    .selectFrom("cartLines")
    .select((row) => row.fn.countAll<number>().as("count"))
    .where("accountId", "=", accountId)
    .executeTakeFirstOrThrow();
  return count <= cartLinesMax ? written.quantity : undefined; // the caller fails, which undoes the insert
}

/** Takes a product out of the cart, which is as good a sign of life as putting one in. */
export async function takeOutOfCart(db: OrdersDb, { accountId, sku }: { readonly accountId: string; readonly sku: string }): Promise<void> {
  const taken = await db.deleteFrom("cartLines").where("accountId", "=", accountId).where("sku", "=", sku).executeTakeFirst();
  if (taken.numDeletedRows > 0n) await db.updateTable("cartLines").set({ touchedAt: sql`now()` }).where("accountId", "=", accountId).execute();
}
