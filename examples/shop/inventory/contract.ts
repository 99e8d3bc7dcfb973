/**
 * Inventory: how much of each product there is, and how much of it is promised to an order.
 *
 * A reservation is  held → committed  when its order ships, or  held → released  when it does not. Both ends are final,
 * and an order that nobody reserved for can be released too: then nobody ever will. Orders asks for goods and waits for
 * the answer, so `reserve` and `release` are calls; that a parcel has left is news, and inventory hears it as an event.
 */
import { calledBy, command, contract, query, role } from "tenon";
import * as z from "zod";
import { Sku } from "../catalog/contract.ts";
import { PageSize } from "../page.ts";

export const Quantity = z.int().min(1).max(999);

export const Stock = z.object({
  sku: Sku,
  /** On the shelf. */
  onHand: z.int(),
  /** Of these, promised to orders. */
  reserved: z.int(),
  available: z.int(),
  /** At this many available, or fewer, somebody should order more. */
  lowAt: z.int(),
});

export const StockLine = z.object({ sku: Sku, quantity: Quantity });

export const ReservationStatus = z.enum(["held", "committed", "released"]);
const Reservation = z.object({ orderId: z.uuid(), status: ReservationStatus });
const ByOrder = z.object({ orderId: z.uuid() });

function eachOnce(lines: readonly { readonly sku: string }[]): boolean {
  return new Set(lines.map((line) => line.sku)).size === lines.length;
}

export const inventory = contract(
  "inventory",
  {
    availability: query({
      http: "GET /stock",
      summary: "How many of some products can be ordered now",
      description: "A product that inventory has never seen has none.",
      access: "public",
      input: z.object({ sku: z.array(Sku).min(1).max(100) }),
      output: z.object({ items: z.array(z.object({ sku: Sku, available: z.int() })) }),
      deadline: "2s",
      objective: { availability: 99.9, latency: { p99: "50ms" } },
    }),

    reserve: command({
      summary: "Promise stock to an order: all of its lines, or none",
      description: "Repeating it for an order that holds its stock changes nothing.",
      access: calledBy("orders"),
      input: ByOrder.extend({ lines: z.array(StockLine).min(1).max(50).refine(eachOnce, "each SKU once") }),
      output: Reservation,
      errors: {
        OutOfStock: { status: 409, data: z.object({ sku: Sku, available: z.int() }) },
        Closed: { status: 409, message: "the reservation of this order has ended" },
      },
      deadline: "2s",
    }),
    release: command({
      summary: "Take the promise back: the order will not ship",
      access: calledBy("orders"),
      input: ByOrder,
      output: Reservation,
      errors: { Committed: { status: 409, message: "the stock has left the shelf" } },
      deadline: "2s",
    }),

    get: query({
      http: "GET /stock/{sku}",
      summary: "The stock of one product",
      access: role("admin"),
      input: z.object({ sku: Sku }),
      output: Stock,
      errors: { NotFound: { status: 404 } },
    }),
    low: query({
      http: "GET /admin/low-stock",
      summary: "What should be ordered again, the most urgent first",
      access: role("admin"),
      input: z.object({ limit: PageSize.default(50) }),
      output: z.object({ items: z.array(Stock) }),
    }),
    adjust: command({
      http: "POST /stock/{sku}/adjustments",
      summary: "A delivery, a count, a breakage: change what is on the shelf",
      access: role("admin"),
      input: z.object({
        sku: Sku,
        /** Positive: more of it. */
        delta: z.int().min(-100_000).max(100_000).refine((delta) => delta !== 0, "an adjustment by nothing"),
        reason: z.string().trim().min(1).max(300),
      }),
      output: Stock,
      errors: { BelowReserved: { status: 409, message: "orders were promised what would be taken away", data: z.object({ available: z.int() }) } },
    }),
    movements: query({
      http: "GET /stock/{sku}/movements",
      summary: "Why the stock of a product is what it is, the newest first",
      access: role("admin"),
      input: z.object({ sku: Sku, limit: PageSize.default(25) }),
      output: z.object({
        items: z.array(z.object({ id: z.uuid(), sku: Sku, delta: z.int(), reason: z.string(), movedBy: z.string(), movedAt: z.iso.datetime() })),
      }),
    }),
  },
  { version: "1.0.0", description: "Stock on hand, and what is promised to orders." },
);
