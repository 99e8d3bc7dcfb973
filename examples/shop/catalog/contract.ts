/** The catalog: what is sold, and for how much. Every price in the shop comes from here. */
import { bytes, calledBy, command, contract, query, role, scope, stream } from "tenon";
import * as z from "zod";
import { Cents, Currency } from "../money.ts";
import { CursorText, invalidCursor, PageSize } from "../page.ts";

/** Stock keeping unit: a product's name for machines, `SKU-0001`. */
export const Sku = z.string().regex(/^[A-Z0-9][A-Z0-9-]{1,39}$/, "capital letters, digits and -, 2 to 40 of them");

const Slug = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);

export const ProductStatus = z.enum(["active", "archived"]);

export const Product = z.object({
  sku: Sku,
  name: z.string(),
  description: z.string(),
  category: Slug,
  priceCents: Cents,
  currency: Currency,
  status: ProductStatus,
  /** Whether none can be ordered, as inventory told last. */
  isSoldOut: z.boolean(),
  /** Where its picture is; `null` when it has none. */
  imagePath: z.string().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Product = z.output<typeof Product>;

export const Sort = z.enum(["relevance", "name", "price", "-price", "newest"]);

const productFields = {
  name: z.string().trim().min(1).max(160),
  description: z.string().trim().max(4_000),
  category: Slug,
  priceCents: Cents,
};
const BySku = z.object({ sku: Sku });
const notFound = { status: 404, message: "there is no such product" } as const;
const unknownCategory = { status: 422, message: "there is no such category" } as const;

/** Editors are people with the role, or programs with the scope. */
const editors = { anyOf: [role("admin"), scope("catalog:write")] } as const;

export const imageTypes = ["image/png", "image/jpeg", "image/webp"] as const;
/** A picture for a page, not for a poster. */
export const imageMaxBytes = 512 * 1024;

export const catalog = contract(
  "catalog",
  {
    search: query({
      http: "GET /products",
      summary: "Find products",
      description: "Full-text search over names and descriptions; the last word may be unfinished. Sorted by relevance where there is a search, else by name.",
      access: "public",
      input: z.object({
        search: z.string().trim().max(200).optional(),
        category: Slug.optional(),
        minCents: Cents.optional(),
        maxCents: Cents.optional(),
        /** `true`: leave out what is sold out. */
        inStock: z.boolean().optional(),
        sort: Sort.optional(),
        limit: PageSize.default(24),
        cursor: CursorText.optional(),
      }),
      output: z.object({ items: z.array(Product), nextCursor: z.string().nullable() }),
      errors: { InvalidCursor: invalidCursor },
      deadline: "2s",
      objective: { availability: 99.9, latency: { p95: "50ms", p99: "200ms" } },
    }),
    get: query({
      http: "GET /products/{sku}",
      summary: "One product",
      access: "public",
      input: BySku,
      output: Product,
      errors: { NotFound: notFound },
      deadline: "2s",
      objective: { availability: 99.95, latency: { p99: "50ms" } },
      probe: { every: "1m", input: { sku: "SKU-0001" } },
    }),
    categories: query({
      http: "GET /categories",
      summary: "All categories, with the number of products on sale",
      access: "public",
      output: z.object({ items: z.array(z.object({ slug: Slug, name: z.string(), products: z.int() })) }),
      deadline: "2s",
      priority: "low",
    }),
    image: query({
      http: "GET /products/{sku}/image",
      summary: "A product's picture",
      access: "public",
      input: BySku,
      output: bytes({ mediaTypes: imageTypes, maxBytes: imageMaxBytes }),
      errors: { NotFound: { status: 404, message: "the product has no picture" } },
    }),

    create: command({
      http: { route: "POST /products", status: 201 },
      summary: "Add a product",
      access: editors,
      input: z.object({ sku: Sku, ...productFields }),
      output: Product,
      errors: { SkuTaken: { status: 409, message: "there is a product with this SKU" }, UnknownCategory: unknownCategory },
    }),
    update: command({
      http: "PATCH /products/{sku}",
      summary: "Change a product",
      description: "A new price holds for carts at once; orders keep the price that they were placed at.",
      access: editors,
      input: z.object({ sku: Sku, status: ProductStatus.optional(), ...z.object(productFields).partial().shape }),
      output: Product,
      errors: { NotFound: notFound, UnknownCategory: unknownCategory },
    }),
    archive: command({
      http: "POST /products/{sku}/archive",
      summary: "Take a product off sale",
      description: "It stays readable by its SKU, for the orders that name it. PATCH it to `active` to sell it again.",
      access: editors,
      input: BySku,
      output: Product,
      errors: { NotFound: notFound },
    }),
    uploadImage: command({
      http: "PUT /products/{sku}/image",
      summary: "Set a product's picture",
      access: editors,
      input: BySku,
      body: bytes({ mediaTypes: imageTypes, maxBytes: imageMaxBytes }),
      output: Product,
      errors: { NotFound: notFound, NotAnImage: { status: 422, message: "the bytes are not a picture of the type that was announced" } },
    }),
    exportProducts: query({
      http: "GET /exports/products",
      summary: "Every product, archived ones too, one after another by SKU",
      access: { anyOf: [role("admin"), scope("catalog:read")] },
      output: stream(Product),
      deadline: "60s",
    }),

    quote: query({
      summary: "What some products cost now",
      description: "Leaves out what is not on sale.",
      access: calledBy("orders"),
      input: z.object({ skus: z.array(Sku).max(100) }),
      output: z.object({ items: z.array(z.object({ sku: Sku, name: z.string(), priceCents: Cents, currency: Currency })) }),
      deadline: "2s",
    }),
  },
  { version: "1.0.0", description: "Products, categories and prices." },
);
