/** Fastify with a schema for body and response, as its docs recommend, and nothing else. */
import Fastify from "fastify";
import { announce, portOf } from "../control.ts";
import { newOrderSchema, placedOrderSchema } from "./order-schema.ts";
import { type NewOrder, placeOrder } from "./place-order.ts";

const app = Fastify();

app.post<{ Body: NewOrder }>(
  "/orders",
  { schema: { body: newOrderSchema, response: { 201: placedOrderSchema } } },
  async (request, reply) => {
    reply.code(201);
    return placeOrder(request.body);
  },
);

await app.listen({ port: 0, host: "127.0.0.1" });
announce(portOf(app.server));
