/** Rows of the catalog. The SQL that builds them is in migrations/. */
import { table } from "tenon";
import * as z from "zod";
import { Currency } from "../money.ts";
import { ProductStatus } from "./contract.ts";

export const tables = {
  categories: table({ slug: z.string(), name: z.string() }, { key: "slug" }),
  products: table(
    {
      sku: z.string(),
      name: z.string(),
      description: z.string(),
      category: z.string(),
      priceCents: z.int(),
      currency: Currency,
      status: ProductStatus,
      isSoldOut: z.boolean(),
      hasImage: z.boolean(),
      createdAt: z.iso.datetime(),
      updatedAt: z.iso.datetime(),
    },
    { key: "sku", defaults: ["status", "isSoldOut", "hasImage", "createdAt", "updatedAt"] },
  ),
  // `bytea` reads back as bytes, which JSON Schema has no word for: to it the column is anything, to the compiler it is bytes.
  productImages: table({ sku: z.string(), mediaType: z.string(), content: z.unknown() as z.ZodType<Uint8Array> }, { key: "sku" }),
};
