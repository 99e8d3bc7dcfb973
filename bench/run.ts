/**
 * The benchmarks, side by side: `npm run bench -- [scenario…] [--rounds N] [--seconds S] [--subjects A,B] [--json]`.
 *
 * Progress goes to standard error. Standard output has a table, or, with `--json`, one JSON object on its last line.
 * README.md beside this file says what is measured and how it is meant to be read.
 */
import { fileURLToPath } from "node:url";
import { type BenchArguments, parseBenchArguments, WrongArguments } from "./harness/arguments.ts";
import type { Bench, Outcome, Scenario, Skipped } from "./harness/bench.ts";
import { Children } from "./harness/children.ts";
import { chooseCores } from "./harness/cores.ts";
import { toServerUrl } from "./harness/database.ts";
import { describeMachine, keepResults } from "./harness/results.ts";
import { toText } from "./harness/table.ts";
import { scenarios } from "./scenarios.ts";

const interrupted = new AbortController();
const children = new Children();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    interrupted.abort(new Error(`interrupted by ${signal}`));
    children.killAll(); // whoever waits for one of them now hears of it, and the run unwinds
  });
}

try {
  await main(parseBenchArguments(process.argv.slice(2), scenarios.map(({ name }) => name)));
} catch (error) {
  const expected = error instanceof WrongArguments || interrupted.signal.aborted;
  process.stderr.write(`${interrupted.signal.aborted ? String(interrupted.signal.reason) : expected ? String(error) : formatted(error)}\n`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
} finally {
  children.killAll();
}

async function main(options: BenchArguments): Promise<void> {
  if (options.wantsHelp) {
    process.stdout.write(help());
    return;
  }
  const bench: Bench = {
    settings: {
      rounds: options.rounds,
      seconds: options.seconds,
      subjects: options.subjects,
      databaseUrl: toServerUrl(process.env["BENCH_DATABASE_URL"] ?? "postgres://127.0.0.1:5432/postgres"),
      natsUrl: process.env["BENCH_NATS_URL"] ?? "nats://127.0.0.1:4222",
      events: options.events,
    },
    cores: chooseCores(),
    children,
    signal: interrupted.signal,
    say: (line) => process.stderr.write(`${line}\n`),
  };
  bench.say(`node ${process.version}, ${bench.cores.note}`);
  if (options.rounds < 5) bench.say(`${options.rounds} rounds: a look, not a result; five are the least for a ratio`);

  const known = new Set(scenarios.flatMap(({ subjects }) => subjects.map(({ name }) => name)));
  const unknown = options.subjects.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new WrongArguments(`there is no subject ${unknown.join(", ")}; there are ${[...known].join(", ")}`);
  const chosen = scenarios.filter(({ name }) => options.scenarios.length === 0 || options.scenarios.includes(name));
  const outcomes: Record<string, Omit<Outcome, "figures" | "facts"> | Skipped> = {};
  for (const scenario of chosen) outcomes[scenario.name] = await runScenario(scenario, bench, options);
  if (options.wantsJson) process.stdout.write(`${JSON.stringify(toJson(outcomes, bench))}\n`);
}

async function runScenario(scenario: Scenario, bench: Bench, options: BenchArguments): Promise<Omit<Outcome, "figures" | "facts"> | Skipped> {
  const startedAt = new Date();
  const machine = describeMachine(bench);
  const outcome = await scenario.run(bench);
  if ("skipped" in outcome) {
    bench.say(`${scenario.name} skipped: ${outcome.skipped}`);
    return outcome;
  }
  const folder = options.resultsFolder ?? fileURLToPath(new URL("results", import.meta.url));
  const path = await keepResults({ folder, scenario, outcome, settings: bench.settings, machine, startedAt });
  bench.say(`raw results in ${path}`);
  if (!options.wantsJson) process.stdout.write(`${toText(scenario.name, outcome)}\n`);
  return { ratios: outcome.ratios, subjects: outcome.subjects };
}

/** One scenario: its ratios at the top. Several: by name. */
function toJson(outcomes: Readonly<Record<string, object>>, bench: Bench): object {
  const { rounds, seconds } = bench.settings;
  const names = Object.keys(outcomes);
  const [only = ""] = names;
  const common = { rounds, windowSeconds: seconds, node: process.version, placement: bench.cores.note };
  return names.length === 1 ? { scenario: only, ...common, ...outcomes[only] } : { ...common, scenarios: outcomes };
}

function help(): string {
  const list = scenarios.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join("\n");
  return `npm run bench -- [scenario…] [--rounds N] [--seconds S] [--subjects A,B] [--json] [--results FOLDER]\n  events: [--jobs N] [--backlog N] [--measures A,B]\n\n${list}\n`;
}

function formatted(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
