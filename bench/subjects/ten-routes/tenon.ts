/** Tenon with ten routes, each with a schema for what it takes and what it gives. */
import { app, command, contract, query, service } from "tenon";
import * as z from "zod";
import { startTenon } from "../start-tenon.ts";
import { order, product } from "./catalog.ts";

const id = z.string().min(1).max(64);
const cents = z.int().min(0);
const byId = z.object({ id });
const page = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20), after: id.optional() });
const newProduct = z.object({ name: z.string().min(1).max(200), priceCents: cents, inStock: z.boolean(), tags: z.array(z.string().max(40)).max(20) });
const Product = newProduct.extend({ id });
const line = z.object({ productId: id, quantity: z.int().min(1).max(1_000) });
const newOrder = z.object({ customerId: id, lines: z.array(line).min(1).max(100) });
const Order = newOrder.extend({ id, totalCents: cents, status: z.enum(["placed", "paid", "canceled"]) });

const shop = contract("shop", {
  listProducts: query({ http: "GET /products", access: "public", input: page, output: z.object({ items: z.array(Product) }) }),
  getProduct: query({ http: "GET /products/{id}", access: "public", input: byId, output: Product }),
  createProduct: command({ http: { route: "POST /products", status: 201 }, access: "public", input: newProduct, output: Product }),
  replaceProduct: command({ http: "PUT /products/{id}", access: "public", input: newProduct.extend({ id }), output: Product }),
  deleteProduct: command({ http: "DELETE /products/{id}", access: "public", input: byId }),
  listOrders: query({ http: "GET /orders", access: "public", input: page, output: z.object({ items: z.array(Order) }) }),
  getOrder: query({ http: "GET /orders/{id}", access: "public", input: byId, output: Order }),
  placeOrder: command({ http: { route: "POST /orders", status: 201 }, access: "public", input: newOrder, output: Order }),
  cancelOrder: command({ http: "POST /orders/{id}/cancel", access: "public", input: byId, output: Order }),
  listLines: query({ http: "GET /orders/{id}/lines", access: "public", input: byId, output: z.object({ items: z.array(line) }) }),
});

const shopService = service(shop, {
  handlers: {
    listProducts: () => ({ items: [product] }),
    getProduct: () => product,
    createProduct: () => product,
    replaceProduct: () => product,
    deleteProduct: () => undefined,
    listOrders: () => ({ items: [order] }),
    getOrder: () => order,
    placeOrder: () => order,
    cancelOrder: () => order,
    listLines: () => ({ items: order.lines }),
  },
});

await startTenon(app("ten-routes", { services: [shopService] }));
