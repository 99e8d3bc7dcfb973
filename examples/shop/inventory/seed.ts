/** Stock for the seeded products: plenty of most, little of some, none of a few. */
import type { SeedContext } from "tenon";
import { batches } from "../seeds/batches.ts";
import { seededRandom } from "../seeds/random.ts";
import type { tables } from "./tables.ts";

/** As many as the catalog seeds. A service knows of another only what its contract says, so the number stands here too. */
const products = 1_200;

export async function seed({ db }: SeedContext<typeof tables>): Promise<void> {
  const random = seededRandom(11);
  const stock = Array.from({ length: products }, (_, index) => {
    const number = index + 1;
    const plenty = 20 + Math.floor(random() * 180);
    // Every fortieth is sold out, SKU-0040 first; every seventeenth is nearly so, SKU-0017 first.
    const onHand = number % 40 === 0 ? 0 : number % 17 === 0 ? 1 + (number % 5) : plenty;
    return { sku: `SKU-${String(number).padStart(4, "0")}`, onHand };
  });
  for (const batch of batches(stock, 500)) await db.insertInto("stock").values(batch).execute();
}
