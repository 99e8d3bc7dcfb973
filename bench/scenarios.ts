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
    name: "telemetry",
    about: "The order with every trace recorded and exported, metrics and a log line, and without",
    workload: "order",
    collector: true,
    subjects: [
      { name: "tenon-on", file: "subjects/telemetry/tenon.ts", env: { BENCH_TELEMETRY: "on" }, exports: true },
      { name: "tenon-on-logs", file: "subjects/telemetry/tenon.ts", env: { BENCH_TELEMETRY: "on", BENCH_LOGS: "otlp" }, exports: true },
      { name: "tenon-off", file: "subjects/telemetry/tenon.ts", env: { BENCH_TELEMETRY: "off" } },
      { name: "raw", file: "subjects/order/raw.ts" },
      { name: "fastify-otel", file: "subjects/telemetry/fastify.ts" },
    ],
    pairs: [...each("tenon-on", ["tenon-off", "raw", "fastify-otel"]), ...each("tenon-on-logs", ["tenon-off"]), ...each("fastify-otel", ["raw"])],
  }),
  throughputScenario({
    name: "trust",
    about: "The order with a verified token, a scope and a rate limit, and open to anybody",
    workload: "order",
    subjects: [
      { name: "tenon-trust", file: "subjects/trust/tenon.ts", env: { BENCH_TRUST: "on" } },
      { name: "tenon-open", file: "subjects/trust/tenon.ts", env: { BENCH_TRUST: "off" } },
    ],
    pairs: each("tenon-trust", ["tenon-open"]),
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
  throughputScenario({
    name: "encrypted-column",
    about: "POST /people: a row written and read again in one command on PostgreSQL, with one and four of its columns encrypted, and with the same columns plain",
    workload: "person",
    database: true,
    connections: poolSize * 2,
    subjects: [
      encryptedColumn("plain", { BENCH_CLASSIFIED: "1" }, "true"),
      encryptedColumn("encrypted", { BENCH_CLASSIFIED: "1", BENCH_ENCRYPTED: "yes" }, "email like 'tenon:1:%'"),
      encryptedColumn("plain-four", { BENCH_CLASSIFIED: "4" }, "true"),
      encryptedColumn("encrypted-four", { BENCH_CLASSIFIED: "4", BENCH_ENCRYPTED: "yes" }, "city like 'tenon:1:%'"),
    ],
    pairs: [...each("encrypted", ["plain"]), ...each("encrypted-four", ["plain-four"])],
  }),
  encryptedReads("encrypted-read", "person-read", "GET /people/{id}: sixteen rows in turn, read on PostgreSQL, with one and four of their columns encrypted, and with the same columns plain"),
  encryptedReads("encrypted-read-many", "person-read-many", "GET /people/{id}: the same with 20 000 rows in turn, each of which is decrypted anew"),
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

function encryptedColumn(name: string, env: Readonly<Record<string, string>>, isRight: string) {
  return { name, file: "subjects/encrypted-column/tenon.ts", env, countSql: `select count(*) from people.people where ${isRight}` };
}

function encryptedReads(name: string, workload: string, about: string) {
  return throughputScenario({
    name,
    about,
    workload,
    database: true,
    connections: poolSize * 2,
    subjects: [
      encryptedRead("plain", { BENCH_CLASSIFIED: "1" }),
      encryptedRead("encrypted", { BENCH_CLASSIFIED: "1", BENCH_ENCRYPTED: "yes" }),
      encryptedRead("plain-four", { BENCH_CLASSIFIED: "4" }),
      encryptedRead("encrypted-four", { BENCH_CLASSIFIED: "4", BENCH_ENCRYPTED: "yes" }),
    ],
    pairs: [...each("encrypted", ["plain"]), ...each("encrypted-four", ["plain-four"])],
  });
}

function encryptedRead(name: string, env: Readonly<Record<string, string>>) {
  return { name, file: "subjects/encrypted-column/tenon.ts", env: { ...env, BENCH_SEED: "yes" } };
}

/** Whole orders: those with all of their lines. */
function countOrdersIn(schema: string): string {
  return `select count(*) from ${schema}.orders where (select count(*) from ${schema}.order_lines where order_id = id) = 5`;
}
