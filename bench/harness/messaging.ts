/**
 * Events through NATS JetStream: one process publishes in batches of 500 and consumes the same events, for a window, and
 * then until the last of them was acknowledged. Every turn has streams of its own on a server that is there already.
 */
import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { TurnOrder, TurnReport } from "../subjects/broker/turn.ts";
import { type Bench, type Outcome, type Scenario, type Skipped, type Subject, withChosenSubjects } from "./bench.ts";
import { onCore } from "./cores.ts";
import { type Figure, type Pair, ratioOf, spreadOfSubject } from "./ratio.ts";
import { runRounds } from "./rounds.ts";
import { subjectFlags } from "./subject-process.ts";

const startTimeoutMs = 20_000;
/** Beyond its window, a turn has to consume what it has published. */
const drainMaxMs = 60_000;
/** Uncounted, until the code is compiled. */
const warmUpSeconds = 1;

export interface MessagingOptions {
  readonly name: string;
  readonly about: string;
  readonly subjects: readonly Subject[];
  readonly pairs: readonly Pair[];
}

interface MessagingFigure extends Figure {
  readonly eventsPerSecond: number;
  /** Of the subject's process, for one event published and consumed. */
  readonly cpuUs: number;
}

export function messagingScenario(options: MessagingOptions): Scenario {
  const { name, about, subjects, pairs } = options;
  return { name, about, subjects, pairs, run: (bench) => run(withChosenSubjects(options, bench.settings), bench) };
}

async function run(options: MessagingOptions, bench: Bench): Promise<Outcome | Skipped> {
  const problem = await problemWith(bench.settings.natsUrl);
  if (problem !== undefined) return { skipped: problem };
  const figures = await runRounds<Subject, MessagingFigure>({
    subjects: options.subjects,
    rounds: bench.settings.rounds,
    signal: bench.signal,
    measure: (subject, round) => measure(subject, round, bench),
    onFigure: ({ round, subject, eventsPerSecond, cpuUs }) =>
      bench.say(`${options.name} ${round === 0 ? "warm-up" : `round ${round}`}  ${subject.padEnd(22)} ${eventsPerSecond.toFixed(0)} events/s, ${cpuUs.toFixed(1)} µs CPU each`),
  });
  return summarize(options, figures);
}

async function measure(subject: Subject, round: number, bench: Bench): Promise<MessagingFigure> {
  const command = onCore(bench.cores.server, [process.execPath, ...subjectFlags, fileURLToPath(new URL(`../${subject.file}`, import.meta.url))]);
  const child = bench.children.spawn(subject.name, command);
  await using ended = child;
  await ended.next(startTimeoutMs);
  const turn = async (seconds: number): Promise<TurnReport> => {
    const prefix = `bench-${crypto.randomUUID().slice(0, 8)}`;
    const order: TurnOrder = { url: bench.settings.natsUrl, prefix, seconds };
    try {
      return await child.ask<TurnReport>(order, seconds * 1_000 + drainMaxMs);
    } finally {
      await removeStreams(bench.settings.natsUrl, prefix);
    }
  };
  await turn(warmUpSeconds);
  const { events, ms, cpuUs } = await turn(bench.settings.seconds);
  return { round, subject: subject.name, eventsPerSecond: (events / ms) * 1_000, cpuUs: cpuUs / events };
}

async function problemWith(url: string): Promise<string | undefined> {
  try {
    const connection = await connect({ servers: url, timeout: 2_000, reconnect: false });
    await jetstreamManager(connection);
    await connection.close();
    return undefined;
  } catch (error) {
    return `no NATS with JetStream at ${url} (set BENCH_NATS_URL): ${String(error)}`;
  }
}

async function removeStreams(url: string, prefix: string): Promise<void> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  for await (const name of manager.streams.names()) if (name.startsWith(`${prefix}-`)) await manager.streams.delete(name);
  await connection.close();
}

function summarize({ subjects, pairs }: MessagingOptions, figures: readonly MessagingFigure[]): Outcome {
  const rate = (figure: MessagingFigure) => figure.eventsPerSecond;
  const cpuUs = (figure: MessagingFigure) => figure.cpuUs;
  return {
    subjects: Object.fromEntries(
      subjects.map(({ name }) => [name, { eventsPerSecond: spreadOfSubject(figures, name, rate), cpuUs: spreadOfSubject(figures, name, cpuUs) }]),
    ),
    ratios: Object.fromEntries(
      pairs.map((pair) => [`${pair.subject}/${pair.peer}`, { throughput: ratioOf(figures, pair, rate), cpu: ratioOf(figures, pair, (figure) => 1 / figure.cpuUs) }]),
    ),
    figures,
  };
}
