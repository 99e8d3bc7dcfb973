/**
 * Fault drills on real processes and real engines:
 *
 *     npm run faults -- kill [--engine pglite|postgresql] [--kills 200] [--json]
 *     npm run faults -- overload [--seconds 10] [--times 3] [--json]
 *
 * Exits with 1 when a promise was broken.
 */
import { parseArgs } from "node:util";
import { type KillResult, runKills } from "./kill.ts";
import { pgliteLedger, postgresLedger } from "./ledger/rows.ts";
import { keepsPromise, runOverload } from "./overload.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: "string", multiple: true, default: ["pglite", "postgresql"] },
    kills: { type: "string", default: "200" },
    seconds: { type: "string", default: "10" },
    times: { type: "string", default: "3" },
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
    kills: Number(values.kills),
    clients: 8,
    lifeMaxMs: 1_000,
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
  for (const engine of values.engine) results.push(await kill(engine));
  const isBroken = results.some((each) => each.lost + each.appliedTwice + each.halfWritten + each.wrongAnswers + each.unexpected.length > 0);
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results.map(({ unexpected, ...counts }) => ({ ...counts, unexpected: unexpected.length })));
  process.exitCode = isBroken ? 1 : 0;
} else if (drill === "overload") {
  const results = await runOverload({ seconds: Number(values.seconds), times: Number(values.times), url: values.url, tell });
  if (values.json) console.log(JSON.stringify(results));
  else console.table(results);
  process.exitCode = results.every(keepsPromise) ? 0 : 1;
} else {
  tell(drill === undefined ? "which drill? kill or overload" : `there is no drill "${drill}": kill or overload`);
  process.exitCode = 2;
}
