/**
 * Fault drills on real processes and real engines; `npm run faults -- --help` says which.
 *
 * Exits with 1 when a promise was broken: ours, or in `kill-jobs` that of the tool under test.
 */
import { parseArgs } from "node:util";
import { type AuditDrillResult, keepsAuditPromise, runAuditDrill } from "./audit-tampering.ts";
import { collectorNames, keepsCollectorsPromise, runCollectors } from "./collectors.ts";
import { pgliteDrillDatabase, postgresDrillDatabase } from "./drill-database.ts";
import { jobSubjects } from "./jobs/subjects.ts";
import { brokenPromises, runJobKills } from "./kill-jobs.ts";
import { type KillEventsResult, runKillEvents } from "./kill-events.ts";
import { type KillResult, runKills } from "./kill.ts";
import { keepsLimitsPromise, runLimits } from "./limits.ts";
import { pgliteLedger, postgresLedger } from "./ledger/rows.ts";
import { NatsServer } from "./nats-server.ts";
import { keepsPromise, runOverload } from "./overload.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { keepsRotatePromise, runRotation } from "./rotate.ts";
import { keepsShopPromise, runShopDrill, shopDrills } from "./shop-drills.ts";
import { isFlat, runSoak } from "./telemetry-soak.ts";

const usage = `npm run faults -- DRILL [options]

  kill [--engine pglite|postgresql] [--kills 200] [--json]
  kill-events [--engine pglite|postgresql|nats|nats-killed] [--kills 80] [--json]
  overload [--seconds 10] [--times 3] [--json]
  rotate [--seconds 10] [--json]
  collectors [--collector hangs] [--seconds 0.75] [--rounds 60] [--rate 2000] [--json]
  kill-jobs [--subject pg-boss] [--jobs 1500] [--kills 14] [--seed 1] [--json]
  limits [--seconds 10] [--rate 5000] [--redis redis://127.0.0.1:6379] [--json]
  shop [--drill provider] [--json]
  telemetry-soak [--spans 20000000] [--size 2048] [--json]
  audit [--engine pglite|postgresql] [--records 1000000] [--json]
`;

const { positionals, values } = readArguments();

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        engine: { type: "string", multiple: true },
        kills: { type: "string" },
        subject: { type: "string", multiple: true, default: jobSubjects.map(({ name }) => name) },
        jobs: { type: "string", default: "1500" },
        seed: { type: "string", default: "1" },
        drill: { type: "string", multiple: true, default: shopDrills.map(({ name }) => name) },
        seconds: { type: "string" },
        rounds: { type: "string", default: "60" },
        collector: { type: "string", multiple: true, default: [...collectorNames] },
        rate: { type: "string" },
        redis: { type: "string", default: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379" },
        times: { type: "string", default: "3" },
        records: { type: "string", default: "1000000" },
        spans: { type: "string", default: "20000000" },
        size: { type: "string", default: "2048" },
        url: { type: "string", default: process.env["TENON_TEST_DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    tell(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function kill(engine: string): Promise<{ readonly engine: string } & KillResult> {
  await using ledger = engine === "pglite" ? await pgliteLedger() : await postgresLedger(values.url);
  const result = await runKills({
    ledger,
    kills: Number(values.kills ?? 200),
    clients: 8,
    lifeMaxMs: 1_000,
    random: Math.random,
    onKill: (kills, acknowledged) => {
      if (kills % 10 === 0) tell(`${engine}: ${kills} kills, ${acknowledged} acknowledged`);
    },
  });
  return { engine, ...result };
}

async function killJobs(): Promise<void> {
  const results = [];
  for (const subject of jobSubjects.filter(({ name }) => values.subject.includes(name))) {
    // Every subject meets the same plan.
    const random = createSeededRandom(Number(values.seed));
    const result = await runJobKills({ subject, url: values.url, jobs: Number(values.jobs), kills: Number(values.kills ?? 14), random, tell });
    results.push({ ...result, promise: subject.promise, broken: brokenPromises(result, subject).join(", ") || "none" });
  }
  if (values.json) console.log(JSON.stringify({ seed: Number(values.seed), results }));
  else console.table(results);
  process.exitCode = results.length > 0 && results.every(({ broken }) => broken === "none") ? 0 : 1;
}

async function telemetrySoak(): Promise<void> {
  const result = await runSoak({
    spans: Number(values.spans),
    sizeMaxBytes: Number(values.size) * 1024 ** 2,
    looks: 20,
    random: createSeededRandom(Number(values.seed)),
    onLook: ({ cpuUsPerSpan, files, questionsCpuMs, rssMib, spans, spansPerS, storeMib }) =>
      tell(`${spans} spans, ${spansPerS} a second, ${cpuUsPerSpan} µs of CPU each, ${rssMib} MiB of memory, ${storeMib} MiB in ${files} files; ${Object.entries(questionsCpuMs).map(([name, ms]) => `${name} ${ms} ms`).join(", ")}`),
  });
  if (values.json) console.log(JSON.stringify(result));
  else console.table(result.looks.map(({ questionsCpuMs, questionsMs, ...look }) => ({ ...look, ...questionsCpuMs, wall: Math.max(...Object.values(questionsMs)) })));
  process.exitCode = result.failed + result.missing === 0 && isFlat(result) ? 0 : 1;
}

async function audit(engine: string): Promise<{ readonly engine: string } & AuditDrillResult> {
  await using place = engine === "pglite" ? await pgliteDrillDatabase() : await postgresDrillDatabase(values.url);
  const { openPglite } = await import("../packages/tenon/src/pglite/index.ts");
  const { openPostgres } = await import("../packages/tenon/src/postgres/index.ts");
  const url = place.env["DATABASE_URL"] ?? "";
  const database = engine === "pglite" ? await openPglite({ dataDir: url.slice("pglite:".length) }) : await openPostgres({ url, poolMax: 2, statementTimeoutMs: 600_000 });
  try {
    return { engine, ...(await runAuditDrill({ database, records: Number(values.records), tell: (text) => tell(`${engine}: ${text}`) })) };
  } finally {
    await database.close();
  }
}

async function shop(): Promise<void> {
  const results = [];
  for (const each of shopDrills.filter(({ name }) => values.drill.includes(name))) results.push(await runShopDrill(each, { url: values.url, tell }));
  if (values.json) console.log(JSON.stringify(results));
  else {
    for (const { drill, evidence, timeLine } of results) tell(`${drill}:\n${[...timeLine, ...evidence].map((text) => `  ${text}`).join("\n")}`);
    console.table(results.map(({ evidence: _evidence, ...result }) => ({ ...result, innocentAlerts: result.innocentAlerts.join(", ") || "none", timeLine: `${result.timeLine.length} entries` })));
  }
  process.exitCode = results.length > 0 && results.every(keepsShopPromise) ? 0 : 1;
}

async function killEvents(engine: string): Promise<{ readonly engine: string } & KillEventsResult> {
  await using nats = engine.startsWith("nats") ? await NatsServer.open() : undefined;
  await using database = engine === "pglite" ? await pgliteDrillDatabase() : await postgresDrillDatabase(values.url);
  const result = await runKillEvents({
    database,
    ...(nats === undefined ? {} : { env: { NATS_URL: nats.url } }),
    broker: engine === "nats-killed" ? nats : undefined,
    kills: Number(values.kills ?? 80),
    clients: 6,
    lifeMaxMs: 700,
    leaseMs: 2_000,
    random: Math.random,
    onKill: (kills, acknowledged) => {
      if (kills % 10 === 0) tell(`${engine}: ${kills} kills, ${acknowledged} acknowledged`);
    },
  });
  return { engine, ...result };
}

const [drill] = positionals;
if (values.help) {
  console.log(usage);
} else if (drill === "kill") {
  const results = [];
  for (const engine of values.engine ?? ["pglite", "postgresql"]) results.push(await kill(engine));
  const isBroken = results.some((each) => each.lost + each.appliedTwice + each.halfWritten + each.wrongAnswers + each.unexpected.length > 0);
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results.map(({ unexpected, ...counts }) => ({ ...counts, unexpected: unexpected.length })));
  process.exitCode = isBroken ? 1 : 0;
} else if (drill === "kill-events") {
  const results = [];
  for (const engine of values.engine ?? ["pglite", "postgresql", "nats", "nats-killed"]) results.push(await killEvents(engine));
  const isBroken = results.some((each) => each.lost + each.appliedTwice + each.stuck + each.orderViolations + each.deadLetters + each.unexpected.length > 0);
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results.map(({ unexpected, ...counts }) => ({ ...counts, unexpected: unexpected.length })));
  process.exitCode = isBroken ? 1 : 0;
} else if (drill === "audit") {
  const results = [];
  for (const engine of values.engine ?? ["postgresql", "pglite"]) results.push(await audit(engine));
  if (values.json) console.log(JSON.stringify(results));
  else for (const { tamperings, ...figures } of results) [[figures], tamperings].forEach((rows) => console.table(rows));
  process.exitCode = results.every(keepsAuditPromise) ? 0 : 1;
} else if (drill === "overload") {
  const results = await runOverload({ seconds: Number(values.seconds ?? 10), times: Number(values.times), url: values.url, tell });
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results);
  process.exitCode = results.every(keepsPromise) ? 0 : 1;
} else if (drill === "rotate") {
  const results = [];
  for (const source of ["embedded", "mounted"] as const) results.push(await runRotation({ source, seconds: Number(values.seconds ?? 10), clients: 8, restMs: 0, tell }));
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results.map(({ unexpected, ...counts }) => ({ ...counts, unexpected: unexpected.length })));
  process.exitCode = results.every(keepsRotatePromise) ? 0 : 1;
} else if (drill === "collectors") {
  const unknown = values.collector.filter((name) => !collectorNames.includes(name));
  if (unknown.length > 0) {
    tell(`there is no collector "${unknown.join('", "')}": they are "${collectorNames.join('", "')}"`);
    process.exit(2);
  }
  const results = await runCollectors({ seconds: Number(values.seconds ?? 0.75), pairs: Number(values.rounds), ratePerSecond: Number(values.rate ?? 2_000), tell }, values.collector);
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results.map(({ p99OfWithout: { high, low, median }, ...result }) => ({ ...result, p99OfWithout: median, low, high })));
  process.exitCode = results.every(keepsCollectorsPromise) ? 0 : 1;
} else if (drill === "limits") {
  const result = await runLimits({ redisUrl: values.redis, seconds: Number(values.seconds ?? 10), ratePerSecond: Number(values.rate ?? 5_000), tell });
  if (values.json) console.log(JSON.stringify(result));
  else console.table([result]);
  process.exitCode = keepsLimitsPromise(result) ? 0 : 1;
} else if (drill === "kill-jobs") {
  await killJobs();
} else if (drill === "shop") {
  await shop();
} else if (drill === "telemetry-soak") {
  await telemetrySoak();
} else {
  tell(`${drill === undefined ? "which drill?" : `there is no drill "${drill}"`}\n\n${usage}`);
  process.exitCode = 2;
}
