/** Fastify as its Getting Started page has it, with a response schema. */
import Fastify from "fastify";
import { announce, portOf } from "../control.ts";

const app = Fastify();

app.get(
  "/hello",
  { schema: { response: { 200: { type: "object", properties: { hello: { type: "string" } } } } } },
  async () => ({ hello: "world" }),
);

await app.listen({ port: 0, host: "127.0.0.1" });
announce(portOf(app.server));
