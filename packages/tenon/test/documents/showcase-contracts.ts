/** Contracts that use every feature a document has to tell of. For the tests of the OpenAPI document and its page. */
import * as z from "zod";
import { bytes, calledBy, command, contract, describe, event, personal, query, role, scope, secret, sensitive, stream } from "../../src/contract/index.ts";

export const Money = z
  .object({ cents: z.int().min(0), currency: z.enum(["EUR", "USD", "GBP"]).default("EUR") })
  .meta({ id: "Money", description: "An amount of money, in the smallest unit of its currency." });

export const Line = z.object({
  sku: z.string().min(3).max(40).meta({ description: "Stock keeping unit", examples: ["tea-green-100g"] }),
  count: z.int().min(1).max(99).default(1),
  price: Money.optional(),
});

export const Category = z
  .object({
    name: z.string(),
    get children() {
      return z.array(Category).optional();
    },
  })
  .meta({ id: "Category", description: "A shelf, and the shelves within it." });

const Payment = z.discriminatedUnion("method", [
  z.object({ method: z.literal("card"), token: secret(z.string()).meta({ description: "From the payment page" }) }),
  z.object({ method: z.literal("invoice"), vatId: z.string().regex(/^[A-Z]{2}\d{8,12}$/).optional() }),
]);

export const Order = z
  .object({
    id: z.uuid(),
    status: z.enum(["placed", "paid", "shipped", "canceled"]),
    lines: z.array(Line),
    total: Money,
    placedAt: z.iso.datetime(),
    deliverOn: z.iso.date().nullable(),
    email: personal(z.email()),
    note: z.string().max(500).optional(),
  })
  .meta({ id: "Order" });

const PlaceInput = z.object({
  email: personal(z.email()).meta({ description: "Where the confirmation goes", examples: ["ada@example.com"] }),
  lines: z.array(Line).min(1).max(50),
  payment: Payment,
  deliverOn: z.iso.date().nullable().optional(),
  gift: z.boolean().default(false),
  labels: z.record(z.string(), z.string()).optional().meta({ description: "Whatever you want to find the order by" }),
  note: z.string().max(500).optional(),
});

export const orders = contract(
  "orders",
  {
    get: query({
      http: "GET /orders/{id}",
      summary: "One order",
      description: "The order with its lines.\n\nAn order is kept for **ten years**; see `find` for many.",
      access: { anyOf: [scope("orders:read"), { predicate: "own order", allows: () => true }, calledBy("payments")] },
      input: z.object({ id: z.uuid().meta({ description: "As `place` answered it" }) }),
      output: Order,
      errors: { NotFound: { status: 404, message: "There is no such order." } },
      objective: { availability: 99.9, latency: { p50: "20ms", p99: "250ms" } },
    }),
    find: query({
      http: { route: "GET /orders", headers: { "accept-language": "language", "x-segments": "segments" } },
      summary: "Find orders",
      access: { allOf: ["signed-in", { anyOf: [role("clerk"), scope("orders:read")] }] },
      input: z.object({
        text: z.string().min(2).optional().meta({ description: "Words of the note", examples: ["green tea"] }),
        status: z.array(z.enum(["placed", "paid", "shipped", "canceled"])).optional(),
        minCents: z.int().min(0).optional(),
        gift: z.boolean().optional(),
        page: z.int().min(1).default(1),
        language: z.string().optional(),
        segments: z.array(z.string()).optional(),
        sort: z.enum(["newest", "oldest"]).optional().meta({ deprecated: true, description: "The newest come first" }),
      }),
      output: z.object({ orders: z.array(Order), more: z.boolean() }),
      rateLimit: { calls: 60, per: "1m" },
    }),
    place: command({
      http: { route: "POST /orders", status: 201 },
      summary: "Place an order",
      description: "Takes the stock, starts the payment, and answers with the order.",
      access: scope("orders:write"),
      input: PlaceInput,
      output: Order,
      errors: {
        OutOfStock: { status: 409, message: "Not enough in stock", data: z.object({ sku: z.string(), left: z.int() }) },
        PriceChanged: { status: 409, data: z.object({ now: Money }) },
        BadVatId: { status: 422 },
      },
      deadline: "2s",
      rateLimit: { calls: 10, per: "1m", by: "address" },
    }),
    change: command({
      http: "PATCH /orders/{orderId}",
      access: { allOf: [scope("orders:write"), { predicate: "own order", allows: () => true }] },
      input: z.object({ orderId: z.uuid(), note: z.string().max(500).nullable().optional(), lines: z.array(Line).optional() }),
      output: Order,
    }),
    cancel: command({
      http: "DELETE /orders/{id}",
      access: scope("orders:write"),
      input: z.object({ id: z.uuid(), reason: z.string().optional() }),
      errors: { AlreadyShipped: { status: 409 } },
      deprecated: { since: "1.3.0", sunset: "2027-01-31", use: "orders.change" },
    }),
    watch: query({
      http: "GET /orders/{id}/events",
      summary: "Watch an order",
      access: "signed-in",
      input: z.object({ id: z.uuid() }),
      output: stream(z.object({ at: z.iso.datetime(), status: z.string(), total: Money })),
    }),
    invoice: query({
      http: "GET /orders/{id}/invoice",
      access: scope("orders:read"),
      input: z.object({ id: z.uuid() }),
      output: bytes({ mediaTypes: ["application/pdf", "image/png"] }),
    }),
    attach: command({
      http: "PUT /orders/{id}/attachment",
      access: scope("orders:write"),
      input: z.object({ id: z.uuid(), title: z.string().optional() }),
      body: bytes({ mediaTypes: ["image/png", "text/plain"], maxBytes: 1_000_000 }),
      output: z.object({ bytes: z.int(), mediaType: z.string() }),
    }),
    settle: command({ access: calledBy("payments"), input: z.object({ id: z.uuid() }) }),
    placed: event({ data: Order, key: "id" }),
  },
  { version: "1.4.0", description: "Orders from the first click to the last parcel." },
);

export const catalog = contract(
  "catalog",
  {
    tree: query({ http: "GET /categories", summary: "All shelves", access: "public", output: Category }),
    put: command({ http: "PUT /categories", access: role("admin"), input: z.object({ root: Category }), output: Category }),
    tag: command({ http: "POST /tags", access: role("admin"), input: z.record(z.string(), z.int()) }),
    health: query({
      http: "GET /allergens/{sku}",
      access: "public",
      input: z.object({ sku: z.string() }),
      output: z.object({
        allergens: sensitive(z.array(z.string())),
        host: z.hostname(),
        version4: z.uuidv4(),
        own: z.email({ pattern: /@example\.com$/ }),
        format: z.string().optional(),
        pattern: z.string().optional(),
        position: z.tuple([z.number(), z.number()]),
        anything: z.unknown(),
      }),
    }),
  },
  { version: "0.2.0", description: "What there is to buy." },
);

/** Events and nothing else, with all that a document has to tell of them. */
export const parcels = contract(
  "parcels",
  {
    handedOver: event({
      summary: "A parcel was handed over",
      description: "The carrier has it.\n\nWhere it is from now on, **the carrier** knows.",
      data: z.object({
        parcelId: z.uuid().meta({ description: "Also on the label" }),
        carrier: z.enum(["post", "bike"]),
        to: personal(z.string()),
        position: z.tuple([z.number(), z.number()]).optional(),
        worth: Money.meta({ id: "ParcelWorth", deprecated: true }).optional(),
      }),
      key: "parcelId",
      version: 3,
      upcasts: { 2: (old) => ({ ...old, carrier: "post" }) },
    }),
    delivered: event({ summary: "A parcel arrived", data: z.object({ parcelId: z.uuid(), signature: sensitive(z.string()).nullable() }), key: "parcelId" }),
    lost: event({ data: z.object({ parcelId: z.uuid() }), deprecated: { since: "2.0.0", sunset: "2027-01-31", use: "parcels.delivered" } }),
    shelved: event({ data: Category }),
  },
  { version: "2.0.0", description: "From the shelf to the door." },
);

/** Nothing of this is called from outside. */
export const ledger = contract("ledger", { book: command({ access: calledBy("orders"), input: z.object({ cents: z.int() }) }) });

export const showcase = [describe(orders), describe(catalog), describe(ledger)];

/** The showcase with the events of `parcels`, and who subscribes to what. */
export const eventShowcase = [...showcase, describe(parcels)];

export const subscriptions = [
  { service: "parcels", name: "pack", event: "orders.placed" },
  { service: "ledger", name: "book-sale", event: "orders.placed" },
  { service: "orders", name: "close", event: "parcels.delivered" },
  { service: "ledger", name: "book-payment", event: "billing.captured" },
] as const;
