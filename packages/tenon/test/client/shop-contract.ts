/** The contract that the client's tests call: one operation for each thing that HTTP can carry. */
import * as z from "zod";
import { bytes, calledBy, command, contract, event, query, stream } from "../../src/contract/index.ts";

export const Order = z.object({ id: z.string(), sku: z.string(), count: z.int() });

export const shop = contract("shop", {
  get: query({
    http: "GET /orders/{id}",
    access: "public",
    input: z.object({ id: z.string() }),
    output: Order,
    errors: { NotFound: { status: 404, message: "there is no such order" } },
  }),
  find: query({
    http: { route: "GET /orders", headers: { "accept-language": "language", "x-tags": "marks" } },
    access: "public",
    input: z.object({
      text: z.string().optional(),
      tag: z.array(z.string()).optional(),
      limit: z.int().default(10),
      open: z.boolean().optional(),
      language: z.string().optional(),
      marks: z.array(z.string()).optional(),
    }),
    output: z.array(Order),
  }),
  place: command({
    http: "POST /orders",
    access: "public",
    input: z.object({ sku: z.string(), count: z.int(), note: z.string().nullable().optional() }),
    output: Order,
    errors: {
      OutOfStock: { status: 409, data: z.object({ sku: z.string(), left: z.int() }) },
      Closed: { status: 422 },
    },
    deadline: "2s",
  }),
  rename: command({
    http: "PATCH /orders/{id}",
    access: "public",
    input: z.object({ id: z.string(), note: z.string() }),
    output: Order,
  }),
  remove: command({ http: "DELETE /orders/{id}", access: "public", input: z.object({ id: z.string() }) }),
  ping: query({ http: "GET /ping", access: "public", output: z.object({ ok: z.boolean() }) }),
  watch: query({ http: "GET /watch", access: "public", output: stream(Order), deadline: "500ms" }),
  photo: query({ http: "GET /photo", access: "public", output: bytes({ mediaTypes: ["image/png"] }) }),
  upload: command({
    http: "PUT /photo/{id}",
    access: "public",
    input: z.object({ id: z.string(), title: z.string() }),
    body: bytes({ mediaTypes: ["image/png"] }),
    output: z.object({ size: z.int() }),
  }),
  settle: command({ access: calledBy("payments"), input: z.object({ id: z.string() }) }),
  placed: event({ data: Order, key: "id" }),
});
