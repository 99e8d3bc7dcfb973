/**
 * Fastify with the usual plugins, each set up as its own documentation says. Where a document leaves a choice, the
 * quicker one is taken:
 *
 * - @fastify/jwt keeps verified tokens (`cache: true`); its default verifies the signature of every request.
 *   `BENCH_TOKEN_CACHE=off` runs it with the default.
 * - Fastify logs two lines a request; here a `LogController` without them and one line when the answer has left.
 */
import fastifyJwt from "@fastify/jwt";
import fastifyRateLimit from "@fastify/rate-limit";
import Fastify, { type FastifyReply, type FastifyRequest, LogController } from "fastify";
import { Histogram, register } from "prom-client";
import { announce, portOf } from "../control.ts";
import { newOrderSchema, placedOrderSchema } from "./order-schema.ts";
import { type NewOrder, placeOrder } from "./place-order.ts";

interface Claims {
  readonly sub: string;
  readonly scope: string;
}

const app = Fastify({ logger: true, logController: new LogController({ disableRequestLogging: true }) });

const latency = new Histogram({
  name: "http_request_duration_seconds",
  help: "Time from the first byte of a request to the last of its answer.",
  labelNames: ["method", "route", "status_code"] as const,
});
app.addHook("onResponse", async (request, reply) => {
  latency.observe(
    { method: request.method, route: request.routeOptions.url ?? "", status_code: reply.statusCode },
    reply.elapsedTime / 1_000,
  );
  request.log.info({ req: request, res: reply, responseTime: reply.elapsedTime }, "request completed");
});
app.get("/metrics", async (_request, reply) => {
  reply.type(register.contentType);
  return register.metrics();
});

await app.register(fastifyRateLimit, { max: 1_000_000_000, timeWindow: "1 minute" }); // so high that nothing is refused
await app.register(fastifyJwt, {
  secret: { public: process.env["BENCH_PUBLIC_KEY"] ?? "" },
  verify: {
    algorithms: ["ES256"],
    allowedIss: process.env["BENCH_ISSUER"] ?? "",
    allowedAud: process.env["BENCH_AUDIENCE"] ?? "",
    cache: process.env["BENCH_TOKEN_CACHE"] !== "off",
  },
});

app.post<{ Body: NewOrder }>(
  "/orders",
  {
    schema: { body: newOrderSchema, response: { 201: placedOrderSchema } },
    onRequest: [(request) => request.jwtVerify(), requireScope],
  },
  async (request, reply) => {
    reply.code(201);
    return placeOrder(request.body);
  },
);

await app.listen({ port: 0, host: "127.0.0.1" });
announce(portOf(app.server));

async function requireScope(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { scope } = request.user as Claims;
  if (!scope.split(" ").includes("orders:write")) await reply.code(403).send({ error: "insufficient_scope" });
}
