/**
 * Fault drills on real processes and real engines:
 *
 *     npm run faults -- kill [--engine pglite|postgresql] [--kills 200] [--json]
 *     npm run faults -- kill-events [--engine pglite|postgresql|nats|nats-killed] [--kills 80] [--json]
 *     npm run faults -- overload [--seconds 10] [--times 3] [--json]
 *     npm run faults -- collectors [--seconds 10] [--rounds 5] [--rate 2000] [--json]
 *     npm run faults -- kill-jobs [--subject pg-boss] [--jobs 1500] [--kills 14] [--seed 1] [--json]
 *     npm run faults -- telemetry-soak [--spans 20000000] [--size 2048] [--json]
 *
 * Exits with 1 when a promise was broken: ours, or in `kill-jobs` that of the tool under test.
 */
import { parseArgs } from "node:util";
import { keepsCollectorsPromise, runCollectors } from "./collectors.ts";
import { pgliteDrillDatabase, postgresDrillDatabase } from "./drill-database.ts";
import { jobSubjects } from "./jobs/subjects.ts";
import { brokenPromises, runJobKills } from "./kill-jobs.ts";
import { type KillEventsResult, runKillEvents } from "./kill-events.ts";
import { type KillResult, runKills } from "./kill.ts";
import { pgliteLedger, postgresLedger } from "./ledger/rows.ts";
import { NatsServer } from "./nats-server.ts";
import { keepsPromise, runOverload } from "./overload.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { isFlat, runSoak } from "./telemetry-soak.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: "string", multiple: true },
    kills: { type: "string" },
    subject: { type: "string", multiple: true, default: jobSubjects.map(({ name }) => name) },
    jobs: { type: "string", default: "1500" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "5" },
    rate: { type: "string", default: "2000" },
    times: { type: "string", default: "3" },
    spans: { type: "string", default: "20000000" },
    size: { type: "string", default: "2048" },
    url: { type: "string", default: process.env["TENON_TEST_DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres" },
    json: { type: "boolean", default: false },
  },
});

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
    onLook: ({ cpuUsPerSpan, files, questionsMs, rssMib, spans, spansPerS, storeMib }) =>
      tell(`${spans} spans, ${spansPerS} a second, ${cpuUsPerSpan} µs of CPU each, ${rssMib} MiB of memory, ${storeMib} MiB in ${files} files; ${Object.entries(questionsMs).map(([name, ms]) => `${name} ${ms} ms`).join(", ")}`),
  });
  if (values.json) console.log(JSON.stringify(result));
  else console.table(result.looks.map(({ questionsMs, ...look }) => ({ ...look, ...questionsMs })));
  process.exitCode = result.failed + result.missing === 0 && isFlat(result) ? 0 : 1;
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
if (drill === "kill") {
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
} else if (drill === "overload") {
  const results = await runOverload({ seconds: Number(values.seconds), times: Number(values.times), url: values.url, tell });
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results);
  process.exitCode = results.every(keepsPromise) ? 0 : 1;
} else if (drill === "collectors") {
  const results = await runCollectors({ seconds: Number(values.seconds), rounds: Number(values.rounds), ratePerSecond: Number(values.rate), tell });
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results);
  process.exitCode = results.every(keepsCollectorsPromise) ? 0 : 1;
} else if (drill === "kill-jobs") {
  await killJobs();
} else if (drill === "telemetry-soak") {
  await telemetrySoak();
} else {
  const known = "kill, kill-events, kill-jobs, overload, collectors or telemetry-soak";
  tell(drill === undefined ? `which drill? ${known}` : `there is no drill "${drill}": ${known}`);
  process.exitCode = 2;
}
