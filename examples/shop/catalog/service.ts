/** How the catalog keeps its promise. */
import { type Bytes, type Db, reactions, service } from "tenon";
import { inventory } from "../inventory/contract.ts";
import { currency } from "../money.ts";
import { catalog, type Product } from "./contract.ts";
import { isImageOf } from "./image-type.ts";
import { searchProducts } from "./product-search.ts";
import { seed } from "./seed.ts";
import { tables } from "./tables.ts";

type CatalogDb = Db<typeof tables>;
const { onBatch } = reactions(tables);

/** Products read at a time by the export: enough to be quick, few enough to hold in memory. */
const exportBatch = 200;

export default service(catalog, {
  tables,
  migrations: new URL("migrations/", import.meta.url),
  seed,
  handlers: {
    async search({ input, db, fail }) {
      const page = await searchProducts(db, input);
      if (page === undefined) throw fail.InvalidCursor();
      return { ...page, items: page.items.map(toProduct) };
    },

    async get({ input, db, fail }) {
      const row = await findProduct(db, input.sku);
      if (row === undefined) throw fail.NotFound();
      return toProduct(row);
    },

    async categories({ db }) {
      const items = await db
        .selectFrom("categories")
        .leftJoin("products", (join) => join.onRef("products.category", "=", "categories.slug").on("products.status", "=", "active"))
        .select(["categories.slug", "categories.name"])
        .select((row) => row.fn.count<number>("products.sku").as("products"))
        .groupBy(["categories.slug", "categories.name"])
        .orderBy("categories.name")
        .execute();
      return { items };
    },

    async image({ input, db, fail }) {
      const image = await db.selectFrom("productImages").selectAll().where("sku", "=", input.sku).executeTakeFirst();
      if (image === undefined) throw fail.NotFound();
      return { mediaType: image.mediaType, content: image.content };
    },

    async create({ input, db, fail }) {
      if (!(await isCategory(db, input.category))) throw fail.UnknownCategory();
      const row = await db
        .insertInto("products")
        .values({ ...input, currency })
        .onConflict((clash) => clash.column("sku").doNothing())
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw fail.SkuTaken();
      return toProduct(row);
    },

    async update({ input, db, fail }) {
      const { sku, ...changes } = input;
      if (changes.category !== undefined && !(await isCategory(db, changes.category))) throw fail.UnknownCategory();
      const row = await db.updateTable("products").set({ ...given(changes), updatedAt: now() }).where("sku", "=", sku).returningAll().executeTakeFirst();
      if (row === undefined) throw fail.NotFound();
      return toProduct(row);
    },

    async archive({ input, db, fail }) {
      const row = await db.updateTable("products").set({ status: "archived", updatedAt: now() }).where("sku", "=", input.sku).returningAll().executeTakeFirst();
      if (row === undefined) throw fail.NotFound();
      return toProduct(row);
    },

    async uploadImage({ input, body, db, fail }) {
      const content = await readAll(body.content); // before the transaction: a slow upload must not hold it open
      const mediaType = body.mediaType.split(";")[0]?.trim() ?? "";
      if (!isImageOf(mediaType, content)) throw fail.NotAnImage();
      const row = await db.updateTable("products").set({ hasImage: true, updatedAt: now() }).where("sku", "=", input.sku).returningAll().executeTakeFirst();
      if (row === undefined) throw fail.NotFound();
      await db
        .insertInto("productImages")
        .values({ sku: input.sku, mediaType, content })
        .onConflict((clash) => clash.column("sku").doUpdateSet({ mediaType, content }))
        .execute();
      return toProduct(row);
    },

    async *exportProducts({ db }) {
      let after = "";
      for (;;) {
        const rows = await db.selectFrom("products").selectAll().where("sku", ">", after).orderBy("sku").limit(exportBatch).execute();
        for (const row of rows) yield toProduct(row);
        const last = rows.at(-1);
        if (last === undefined || rows.length < exportBatch) return;
        after = last.sku;
      }
    },

    async quote({ input, db }) {
      if (input.skus.length === 0) return { items: [] };
      const items = await db
        .selectFrom("products")
        .select(["sku", "name", "priceCents", "currency"])
        .where("sku", "in", input.skus)
        .where("status", "=", "active")
        .execute();
      return { items };
    },
  },
  subscriptions: [
    // Many at a time: a sale changes the stock of the same product over and over, and only the last word on it counts.
    onBatch(inventory.stockChanged, "mark-sold-out", { size: 200 }, async ({ events, db }) => {
      const latest = new Map(events.map(({ data }) => [data.sku, data.available <= 0]));
      for (const isSoldOut of [true, false]) {
        const skus = [...latest].filter(([, each]) => each === isSoldOut).map(([sku]) => sku);
        if (skus.length > 0) await db.updateTable("products").set({ isSoldOut }).where("sku", "in", skus).where("isSoldOut", "!=", isSoldOut).execute();
      }
    }),
  ],
});

type ProductRow = NonNullable<Awaited<ReturnType<typeof findProduct>>>;

function findProduct(db: CatalogDb, sku: string) {
  return db.selectFrom("products").selectAll().where("sku", "=", sku).executeTakeFirst();
}

function toProduct({ hasImage, ...row }: ProductRow): Product {
  return { ...row, imagePath: hasImage ? `/products/${row.sku}/image` : null };
}

async function isCategory(db: CatalogDb, slug: string): Promise<boolean> {
  return (await db.selectFrom("categories").select("slug").where("slug", "=", slug).executeTakeFirst()) !== undefined;
}

function now(): string {
  return new Date().toISOString();
}

/** The fields that were sent: Kysely leaves `undefined` out, its types do not. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The bytes of an upload. How many there may be at most stands in the contract. */
async function readAll(content: Bytes["content"]): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
