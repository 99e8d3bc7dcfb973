/**
 * Twelve hundred products for development, the same ones each time. `SKU-0001` is a pour-over dripper today and
 * tomorrow, so that documents and tests can order it.
 */
import type { SeedContext } from "tenon";
import { currency } from "../money.ts";
import { batches } from "../seeds/batches.ts";
import { pick, seededRandom } from "../seeds/random.ts";
import { brands, colors, type Good, lines, type Range, ranges } from "./seed-ranges.ts";
import type { tables } from "./tables.ts";

const soldOutEvery = 40;

/** How many of each good: as many as there are brands, so that no two products share a name. */
const variants = brands.length;

const goodsPerRange = Math.max(...ranges.map((range) => range.goods.length));

const qualities = [
  "Made to be mended: every part can be ordered on its own.",
  "Packed without plastic.",
  "Comes with a ten-year guarantee.",
  "Made in small batches, so no two are quite alike.",
  "A gift that gets used.",
  "Small enough for a crowded cupboard.",
] as const;

export async function seed({ db }: SeedContext<typeof tables>): Promise<void> {
  const products = seedProducts();
  await db.insertInto("categories").values(ranges.map(({ slug, name }) => ({ slug, name }))).execute();
  for (const batch of batches(products, 500)) await db.insertInto("products").values(batch).execute();
}

/** One product of every good, then a second one of every good, and so on, and neighbors are of different categories: each page of SKUs is a mixed shelf. */
export function seedProducts() {
  const random = seededRandom(42);
  const shelf: { range: Range; good: Good; variant: number }[] = [];
  for (let variant = 0; variant < variants; variant += 1) {
    for (let row = 0; row < goodsPerRange; row += 1) {
      for (const range of ranges) {
        const good = range.goods[row];
        if (good !== undefined) shelf.push({ range, good, variant });
      }
    }
  }
  return shelf.map(({ range, good, variant }, index) => {
    // The position within a round moves the brand too, so that neighbors differ; within one good each brand comes once.
    const brand = brands[(variant + (index % (ranges.length * goodsPerRange))) % brands.length] ?? brands[0];
    const line = pick(random, lines);
    const color = pick(random, colors);
    const [from, to] = good.cents;
    // A price as shops write it: 24.90, not 24.37.
    const priceCents = Math.round((from + random() * (to - from)) / 100) * 100 + pick(random, [0, 50, 90]);
    return {
      sku: `SKU-${String(index + 1).padStart(4, "0")}`,
      name: `${brand} ${line} ${good.name}`,
      description: `${good.use} From the ${line} line by ${brand}, in ${color}. ${pick(random, qualities)}`,
      category: range.slug,
      priceCents,
      currency,
      // As inventory seeds it. From then on it tells the catalog.
      isSoldOut: (index + 1) % soldOutEvery === 0,
      createdAt: new Date(Date.UTC(2026, 0, 1) + index * 3_600_000).toISOString(),
    };
  });
}
