/** The scenarios: who runs in each, and who is compared with whom. */
import type { Scenario } from "./harness/bench.ts";
import { coldStartScenario } from "./harness/cold-start.ts";
import { eventsScenario } from "./harness/events.ts";
import { idleMemoryScenario } from "./harness/idle-memory.ts";
import { messagingScenario } from "./harness/messaging.ts";
import type { Pair } from "./harness/ratio.ts";
import { throughputScenario } from "./harness/throughput.ts";
import { poolSize } from "./subjects/order-db/pool-size.ts";
import { product } from "./subjects/ten-routes/catalog.ts";

const tenRoutes = {
  subjects: [
    { name: "tenon", file: "subjects/ten-routes/tenon.ts" },
    { name: "raw", file: "subjects/ten-routes/raw.ts" },
    { name: "fastify", file: "subjects/ten-routes/fastify.ts" },
  ],
  path: "/products/p-1",
  expected: product,
};

const tenonEvents = {
  file: "subjects/events/tenon.ts",
  waitingSql: "select (select count(*) from jobs.tenon_outbox) + (select count(*) from jobs.tenon_inbox)",
  rowsSql: "select count(*) from jobs.handled",
};
const pgBoss = { file: "subjects/events/pg-boss.ts", waitingSql: "select count(*) from pgboss.job where state < 'completed'", rowsSql: "select count(*) from handled" };
const graphileWorker = {
  file: "subjects/events/graphile-worker.ts",
  waitingSql: "select count(*) from graphile_worker._private_jobs",
  rowsSql: "select count(*) from handled",
};

export const scenarios: readonly Scenario[] = [
  throughputScenario({
    name: "hello",
    about: "GET /hello: a constant as JSON",
    workload: "hello",
    subjects: [
      { name: "tenon", file: "subjects/hello/tenon.ts" },
      { name: "raw", file: "subjects/hello/raw.ts" },
      { name: "fastify", file: "subjects/hello/fastify.ts" },
    ],
    pairs: [...each("tenon", ["raw", "fastify"]), ...each("fastify", ["raw"])],
  }),
  throughputScenario({
    name: "order",
    about: "POST /orders: 12 fields and 5 lines; token, scope, validation, rate limit, histogram, access line, response by schema",
    workload: "order",
    subjects: [
      { name: "tenon", file: "subjects/order/tenon.ts" },
      { name: "raw", file: "subjects/order/raw.ts" },
      { name: "fastify", file: "subjects/order/fastify.ts" },
      { name: "fastify-stack", file: "subjects/order/fastify-stack.ts" },
      { name: "fastify-stack-uncached", file: "subjects/order/fastify-stack.ts", env: { BENCH_TOKEN_CACHE: "off" } },
    ],
    pairs: [...each("tenon", ["raw", "fastify", "fastify-stack", "fastify-stack-uncached"]), ...each("fastify-stack", ["raw"])],
  }),
  throughputScenario({
    name: "order-db",
    about: "POST /orders: the order and its 5 lines in one transaction on PostgreSQL",
    workload: "order",
    database: true,
    connections: poolSize * 2, // there is always somebody waiting for a connection to the database, and no long queue
    subjects: [
      { name: "tenon", file: "subjects/order-db/tenon.ts", countSql: countOrdersIn("orders") },
      { name: "pg", file: "subjects/order-db/pg.ts", countSql: countOrdersIn("public") },
    ],
    pairs: each("tenon", ["pg"]),
  }),
  messagingScenario({
    name: "broker",
    about: "Events of 400 bytes through NATS JetStream: published in batches of 500, consumed, acknowledged",
    subjects: [
      { name: "tenon", file: "subjects/broker/tenon.ts" },
      { name: "nats", file: "subjects/broker/nats.ts" },
    ],
    pairs: each("tenon", ["nats"]),
  }),
  coldStartScenario({
    name: "cold-start",
    about: "From the spawn of the process to its first answer, ten routes, no database",
    pairs: [...each("tenon", ["fastify", "raw"]), ...each("fastify", ["raw"])],
    ...tenRoutes,
  }),
  idleMemoryScenario({
    name: "idle-memory",
    about: "Resident memory of ten routes, no database, with nobody calling",
    pairs: [...each("tenon", ["fastify", "raw"]), ...each("fastify", ["raw"])],
    ...tenRoutes,
  }),
  eventsScenario({
    name: "events",
    about: "Events kept in PostgreSQL and handled by another process: drain, latency, a backlog, idle",
    subjects: [
      { name: "tenon", ...tenonEvents },
      { name: "tenon-batch", ...tenonEvents, env: { BENCH_TENON: "batch" } },
      { name: "pg-boss", ...pgBoss },
      { name: "pg-boss-transactional", ...pgBoss, env: { BENCH_PG_BOSS: "transactional" } },
      { name: "graphile-worker", ...graphileWorker, env: { NO_LOG_SUCCESS: "1" } },
      { name: "graphile-worker-batching", ...graphileWorker, env: { NO_LOG_SUCCESS: "1", BENCH_GRAPHILE: "batching" } },
    ],
    pairs: [
      ...each("tenon", ["pg-boss", "pg-boss-transactional", "graphile-worker"]),
      ...each("tenon-batch", ["pg-boss", "pg-boss-transactional", "graphile-worker-batching"]),
    ],
  }),
];

function each(subject: string, peers: readonly string[]): readonly Pair[] {
  return peers.map((peer) => ({ subject, peer }));
}

/** Whole orders: those with all of their lines. */
function countOrdersIn(schema: string): string {
  return `select count(*) from ${schema}.orders where (select count(*) from ${schema}.order_lines where order_id = id) = 5`;
}
