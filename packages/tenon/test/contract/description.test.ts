import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import {
  bytes, calledBy, command, contract, describe, event, personal, query, role, scope, secret, sensitive, stream,
} from "../../src/contract/index.ts";

const Address = z.object({ street: personal(z.string().max(200)), zip: z.string().regex(/^\d{5}$/), country: z.string().length(2) }).meta({ id: "Address" });
const Line = z.object({ sku: z.string().min(1), quantity: z.int().min(1).max(1_000), unitCents: z.int().min(0).max(Number.POSITIVE_INFINITY) });
const Order = z.object({
  id: z.uuid(), customerId: z.uuid(), email: personal(z.email()), allergies: sensitive(z.string()).optional(), status: z.enum(["placed", "paid"]),
  coupon: z.string().nullable(), totalCents: z.int(), placedAt: z.iso.datetime(), shipTo: Address, billTo: Address.optional(), lines: z.array(Line).min(1),
});
const Category: z.ZodType = z.object({ name: z.string(), get children(): z.ZodType { return z.array(Category); } }).meta({ id: "Category" });
const Payment = z.discriminatedUnion("by", [
  z.object({ orderId: z.uuid(), by: z.literal("card"), token: secret(z.string()) }),
  z.object({ orderId: z.uuid(), by: z.literal("invoice"), iban: sensitive(z.string()) }),
]);

/** A contract with a bit of everything. */
const orders = contract("orders", {
  get: query({
    http: "GET /orders/{id}",
    access: { anyOf: [scope("orders:read"), { allOf: [role("support"), { predicate: "during business hours", allows: () => true }] }] },
    input: z.object({ id: z.uuid() }),
    output: Order,
    errors: { NotFound: { status: 404 } },
    summary: "One order",
    description: "With its lines and addresses.",
  }),
  search: query({
    http: { route: "GET /orders", headers: { "accept-language": "language" } },
    access: "signed-in",
    input: z.object({ text: z.string().optional(), status: z.array(z.enum(["placed", "paid"])).optional(), limit: z.int().min(1).max(100).default(20), language: z.string().optional() }),
    output: z.object({ items: z.array(Order), next: z.string().nullable() }),
    objective: { availability: 99.9, latency: { p50: "20ms", p99: "250ms" } },
    rateLimit: { calls: 100, per: "1m", by: "address" },
  }),
  place: command({
    http: { route: "POST /orders", status: 201 },
    access: scope("orders:write"),
    input: Order.omit({ id: true, status: true, placedAt: true }),
    output: Order,
    errors: { OutOfStock: { status: 409, message: "somebody was faster", data: z.object({ sku: z.string() }) }, Closed: { status: 422 } },
    deadline: "2s",
    isolation: "serializable",
  }),
  pay: command({ http: "POST /orders/{orderId}/payments", access: "signed-in", input: Payment }),
  watch: query({ http: "GET /orders/events", access: role("admin"), output: stream(Order.pick({ id: true, status: true })), deadline: "1h" }),
  invoice: query({ http: "GET /orders/{id}/invoice", access: "signed-in", input: z.object({ id: z.uuid() }), output: bytes({ mediaTypes: ["application/pdf"] }) }),
  attach: command({ http: "PUT /orders/{id}/note", access: "signed-in", input: z.object({ id: z.uuid(), title: z.string() }), body: bytes({ mediaTypes: ["*/*"], maxBytes: 1_000 }) }),
  categories: query({ http: "GET /categories", access: "public", output: Category, deprecated: { since: "1.1.0", sunset: "2027-01-31", use: "catalog.categories" } }),
  release: command({ access: calledBy("payments", "inventory"), input: z.object({ id: z.uuid() }) }),
  placed: event({ data: Order, key: "id", summary: "An order was placed" }),
  closed: event({ data: z.object({}), deprecated: { since: "1.2.0" } }),
}, { version: "1.2.0", description: "Orders from the cart to the door." });

test("a description is plain data that JSON carries unchanged", () => {
  const description = describe(orders);
  assert.deepStrictEqual(JSON.parse(JSON.stringify(description)), description);
});

// What everything else is generated from. A difference here is a difference in every document: look at it, and then
// run with --test-update-snapshots.
test("a description is stable", (t) => {
  t.assert.snapshot(describe(orders));
});

test("a description cannot be changed by whoever reads it", () => {
  const stack: unknown[] = [describe(orders)];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (value === null || typeof value !== "object") continue;
    assert.ok(Object.isFrozen(value));
    stack.push(...Object.values(value).filter((each) => each !== undefined));
  }
});

test("the same contract written twice has the same description", () => {
  const make = (): unknown => describe(contract("a", { get: query({ http: "GET /a", access: "public", output: Order }) }));
  assert.deepStrictEqual(make(), make());
});
