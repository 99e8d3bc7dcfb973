/** Fastify with ten routes, each with a schema for what it takes and what it gives. */
import Fastify from "fastify";
import { announce, portOf } from "../control.ts";
import { order, product } from "./catalog.ts";

const id = { type: "string", minLength: 1, maxLength: 64 } as const;
const cents = { type: "integer", minimum: 0 } as const;
const tags = { type: "array", maxItems: 20, items: { type: "string", maxLength: 40 } } as const;
const byId = { type: "object", required: ["id"], properties: { id } } as const;
const page = {
  type: "object",
  properties: { limit: { type: "integer", minimum: 1, maximum: 100, default: 20 }, after: id },
} as const;
const newProduct = {
  type: "object",
  additionalProperties: false,
  required: ["name", "priceCents", "inStock", "tags"],
  properties: { name: { type: "string", minLength: 1, maxLength: 200 }, priceCents: cents, inStock: { type: "boolean" }, tags },
} as const;
const productSchema = { ...newProduct, required: ["id", ...newProduct.required], properties: { id, ...newProduct.properties } };
const lines = {
  type: "array",
  minItems: 1,
  maxItems: 100,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["productId", "quantity"],
    properties: { productId: id, quantity: { type: "integer", minimum: 1, maximum: 1_000 } },
  },
} as const;
const newOrder = { type: "object", additionalProperties: false, required: ["customerId", "lines"], properties: { customerId: id, lines } } as const;
const orderSchema = {
  type: "object",
  required: ["id", "customerId", "totalCents", "status", "lines"],
  properties: { id, customerId: id, totalCents: cents, status: { type: "string", enum: ["placed", "paid", "canceled"] }, lines },
} as const;
const listOf = (items: object) => ({ type: "object", required: ["items"], properties: { items: { type: "array", items } } });

const app = Fastify();

app.get("/products", { schema: { querystring: page, response: { 200: listOf(productSchema) } } }, async () => ({ items: [product] }));
app.get("/products/:id", { schema: { params: byId, response: { 200: productSchema } } }, async () => product);
app.post("/products", { schema: { body: newProduct, response: { 201: productSchema } } }, async (_request, reply) => reply.code(201).send(product));
app.put("/products/:id", { schema: { params: byId, body: newProduct, response: { 200: productSchema } } }, async () => product);
app.delete("/products/:id", { schema: { params: byId } }, async (_request, reply) => reply.code(204).send());
app.get("/orders", { schema: { querystring: page, response: { 200: listOf(orderSchema) } } }, async () => ({ items: [order] }));
app.get("/orders/:id", { schema: { params: byId, response: { 200: orderSchema } } }, async () => order);
app.post("/orders", { schema: { body: newOrder, response: { 201: orderSchema } } }, async (_request, reply) => reply.code(201).send(order));
app.post("/orders/:id/cancel", { schema: { params: byId, response: { 200: orderSchema } } }, async () => order);
app.get("/orders/:id/lines", { schema: { params: byId, response: { 200: listOf(lines.items) } } }, async () => ({ items: order.lines }));

await app.listen({ port: 0, host: "127.0.0.1" });
announce(portOf(app.server));
