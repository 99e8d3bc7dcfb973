/**
 * Throughput scenarios: a closed loop from one process against servers in others, load and servers each on a core.
 *
 * In a round every server is started afresh and warmed, one after another. Then they take turns in short windows, A B C
 * A B C: so what is compared is seconds apart, not minutes, and a slow spell of the machine falls on all alike. A server
 * is read before and after its window while it is idle, so the CPU time belongs to the requests that were counted, to the
 * last one. Servers that wait for their turn do nothing.
 *
 * CPU per request is what the server's whole process spent, kernel time included, divided by the answers. It moves less
 * than throughput on a machine that is shared, because time in which somebody else had the core is not in it.
 */
import { fileURLToPath } from "node:url";
import type { LoadOrder, LoadReport } from "../load/load-process.ts";
import type { ClosedLoopResult } from "../load/closed-loop.ts";
import { type Bench, type Outcome, type Scenario, type Skipped, type Subject, withChosenSubjects } from "./bench.ts";
import { type Child, ChildFailed } from "./children.ts";
import { onCore, readCoreTimes } from "./cores.ts";
import { Collector } from "./collector.ts";
import { ServerDatabase } from "./database.ts";
import { Issuer } from "./issuer.ts";
import { type Figure, type Pair, ratioOf, type Spread, spreadOf, spreadOfSubject } from "./ratio.ts";
import { SubjectProcess } from "./subject-process.ts";

/** Enough to keep one server core busy without a queue that is all latency. */
const defaultConnections = 50;
/**
 * Under load for this long before its first window, or for twice the windows when that is less: until then the code is being
 * compiled, on the same core, and CPU per request still falls (by half between the first second and the fifth).
 */
const warmUpMs = 5_000;
/** What is compiled goes by calls. Where each waits for a database, so many take longer, and it is loaded for up to four times as long. */
const warmUpAnswers = 40_000;
const warmUpsMax = 4;
/** Into how many windows a round's time is cut. */
const windowsPerRound = 4;
/** Under load for this long before each window. */
const settleMs = 200;
/** How much longer than asked a run may take: the answers that are owed. */
const runGraceMs = 10_000;

export interface ThroughputOptions {
  readonly name: string;
  readonly about: string;
  readonly workload: string;
  readonly subjects: readonly ThroughputSubject[];
  readonly pairs: readonly Pair[];
  /** Callers at once. Default 50. */
  readonly connections?: number;
  /** Every server gets an empty database of its own in `DATABASE_URL`. */
  readonly database?: boolean;
  /** Every server gets a collector of its own in `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly collector?: boolean;
}

export interface ThroughputSubject extends Subject {
  /** One number, asked of the subject's database after the round: it has to equal the number of answers. */
  readonly countSql?: string;
  /** A span has to come to the collector for each answer. */
  readonly exports?: boolean;
}

interface ThroughputFigure extends Figure {
  readonly requestsPerSecond: number;
  /** Server CPU, user and system, in µs a request. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of the window in which the server was on a CPU: near 1, it was the server that set the pace. */
  readonly serverBusy: number;
  readonly loadBusy: number;
  /** Share of the server's core that others took in the window, other processes and the hypervisor together. 0 where it cannot be known. */
  readonly serverForeign: number;
  /** The same of the load's core. */
  readonly loadForeign: number;
  readonly answers: number;
  /** Share of requests that were refused as too much. They are not counted as answers, but their CPU time is. */
  readonly refusedShare: number;
  readonly rssMb: number;
  /** What a request allocated on the server's heap; 0 where V8 does not tell. */
  readonly allocatedBytes: number;
  readonly windows: readonly { readonly requestsPerSecond: number; readonly cpuUs: number; readonly p99Ms: number }[];
}

export function throughputScenario(options: ThroughputOptions): Scenario {
  const { name, about, subjects, pairs } = options;
  return { name, about, subjects, pairs, run: (bench) => run(withChosenSubjects(options, bench.settings), bench) };
}

async function run(options: ThroughputOptions, bench: Bench): Promise<Outcome | Skipped> {
  if (options.database === true) {
    const problem = await ServerDatabase.problemWith(bench.settings.databaseUrl);
    if (problem !== undefined) return { skipped: problem };
  }
  await using issuer = await Issuer.open();
  await using load = bench.children.spawn("load", loadCommand(bench));
  const figures: ThroughputFigure[] = [];
  for (let round = 0; round <= bench.settings.rounds; round += 1) {
    const measured = await measureRound({ options, bench, issuer, load, round });
    for (const figure of measured) bench.say(lineOf(options.name, figure));
    if (round > 0) figures.push(...measured);
  }
  warnOfOthers(figures, bench);
  return summarize(options, figures);
}

/** Above this share of a core, what others did is no longer small beside the differences that are looked for. */
const foreignMax = 0.1;

function warnOfOthers(figures: readonly ThroughputFigure[], bench: Bench): void {
  const worst = Math.max(...(["serverForeign", "loadForeign"] as const).map((core) => spreadOf(figures.map((figure) => figure[core])).median));
  if (worst <= foreignMax) return;
  bench.say(`others took ${percent(worst)} of a core in the middle round: go by the CPU ratios, or run again when the machine is quiet`);
}

function loadCommand({ cores }: Bench): readonly string[] {
  const file = fileURLToPath(new URL("../load/load-process.ts", import.meta.url));
  return onCore(cores.load, [process.execPath, file]);
}

interface Round {
  readonly options: ThroughputOptions;
  readonly bench: Bench;
  readonly issuer: Issuer;
  readonly load: Child;
  /** 0 is not counted. */
  readonly round: number;
}

/** A server that is up, and the windows it has had. */
interface Contender {
  readonly subject: ThroughputSubject;
  readonly server: SubjectProcess;
  readonly database: ServerDatabase | undefined;
  readonly collector: Collector | undefined;
  readonly windows: Window[];
  /** All answers since its start, counted or not. */
  answers: number;
}

interface Window {
  readonly ran: ClosedLoopResult;
  readonly serverCpuMs: number;
  readonly allocatedBytes: number;
  readonly loadCpuMs: number;
  /** Time that others took of the core. */
  readonly serverForeignMs: number;
  readonly loadForeignMs: number;
}

async function measureRound(round: Round): Promise<readonly ThroughputFigure[]> {
  const { options, bench } = round;
  const windowMs = (bench.settings.seconds * 1_000) / windowsPerRound;
  await using stack = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const subject of rotate(options.subjects, round.round)) {
    bench.signal.throwIfAborted();
    const contender = await openContender(round, subject, stack);
    const sliceMs = Math.min(warmUpMs, bench.settings.seconds * 2_000);
    for (let slice = 0; slice < warmUpsMax && (slice === 0 || contender.answers < warmUpAnswers); slice += 1) await loadFor(round, contender, sliceMs);
    contenders.push(contender);
  }
  for (let pass = 0; pass < windowsPerRound; pass += 1) {
    for (const contender of rotate(contenders, pass)) {
      bench.signal.throwIfAborted();
      contender.windows.push(await measureWindow(round, contender, windowMs));
    }
  }
  for (const { subject, collector, database, answers } of contenders) {
    if (subject.exports === true) await collector?.assertSpans(subject.name, answers);
    if (database !== undefined && subject.countSql !== undefined) await database.assertCount(subject.countSql, answers);
  }
  return await Promise.all(contenders.map((contender) => figureOf(contender, round.round)));
}

async function openContender({ options, bench, issuer }: Round, subject: ThroughputSubject, stack: AsyncDisposableStack): Promise<Contender> {
  const database = options.database === true ? stack.use(await ServerDatabase.open(bench.settings.databaseUrl)) : undefined;
  const collector = options.collector === true ? stack.use(await Collector.open(bench)) : undefined;
  const env = { ...issuer.env, ...collector?.env, ...(database === undefined ? {} : { DATABASE_URL: database.url }) };
  const server = stack.use(await SubjectProcess.open(subject, bench, env));
  return { subject, server, database, collector, windows: [], answers: 0 };
}

async function measureWindow(round: Round, contender: Contender, windowMs: number): Promise<Window> {
  const { cores } = round.bench;
  const { server } = contender;
  await loadFor(round, contender, Math.min(settleMs, windowMs)); // opens the connections and finds the caches again
  const serverCore = watchCore(cores.server);
  const loadCore = watchCore(cores.load);
  const before = await server.readUsage();
  const { ran, cpuMs: loadCpuMs } = await runLoad(round, contender, windowMs);
  const after = await server.readUsage();
  const serverCpuMs = (after.cpuUs - before.cpuUs) / 1_000;
  const allocatedBytes = after.allocatedBytes - before.allocatedBytes;
  return { ran, serverCpuMs, allocatedBytes, loadCpuMs, serverForeignMs: serverCore(serverCpuMs), loadForeignMs: loadCore(loadCpuMs) };
}

async function figureOf({ subject, server, windows }: Contender, round: number): Promise<ThroughputFigure> {
  const answers = sumOf(windows, ({ ran }) => ran.answers);
  const elapsedMs = sumOf(windows, ({ ran }) => ran.elapsedMs);
  const refused = sumOf(windows, ({ ran }) => ran.refused);
  const serverCpuMs = sumOf(windows, (window) => window.serverCpuMs);
  const { rssBytes } = await server.readUsage();
  return {
    round,
    subject: subject.name,
    requestsPerSecond: (answers / elapsedMs) * 1_000,
    cpuUs: (serverCpuMs * 1_000) / answers,
    p50Ms: spreadOf(windows.map(({ ran }) => ran.latency.p50Ms)).median,
    p99Ms: spreadOf(windows.map(({ ran }) => ran.latency.p99Ms)).median,
    serverBusy: serverCpuMs / elapsedMs,
    loadBusy: sumOf(windows, (window) => window.loadCpuMs) / elapsedMs,
    serverForeign: sumOf(windows, (window) => window.serverForeignMs) / elapsedMs,
    loadForeign: sumOf(windows, (window) => window.loadForeignMs) / elapsedMs,
    answers,
    refusedShare: refused / (answers + refused),
    rssMb: rssBytes / 1024 / 1024,
    allocatedBytes: sumOf(windows, (window) => window.allocatedBytes) / answers,
    windows: windows.map(({ ran, serverCpuMs }) => ({
      requestsPerSecond: (ran.answers / ran.elapsedMs) * 1_000,
      cpuUs: (serverCpuMs * 1_000) / ran.answers,
      p99Ms: ran.latency.p99Ms,
    })),
  };
}

function sumOf(windows: readonly Window[], read: (window: Window) => number): number {
  return windows.reduce((sum, window) => sum + read(window), 0);
}

/** The same in another order: `by` places on. */
function rotate<T>(values: readonly T[], by: number): readonly T[] {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}

/** The time in ms that others took of a core from now until the call. The core's clock ticks in 10 ms. */
function watchCore(core: number | undefined): (ownMs: number) => number {
  const before = readCoreTimes(core);
  return (ownMs) => {
    const after = readCoreTimes(core);
    if (before === undefined || after === undefined) return 0;
    return Math.max(0, after.busyMs + after.stolenMs - before.busyMs - before.stolenMs - ownMs);
  };
}

/** Turns the load to a server, over new connections, and runs it. */
async function loadFor(round: Round, contender: Contender, forMs: number): Promise<void> {
  const { options, issuer, load } = round;
  const { connections = defaultConnections } = options;
  const order: LoadOrder = {
    ask: "open",
    workload: options.workload,
    target: { host: "127.0.0.1", port: contender.server.port },
    tokens: issuer.tokens(connections),
    connections,
  };
  const report = await load.ask<LoadReport>(order, 5_000);
  if ("failed" in report) throw new ChildFailed(report.failed);
  await runLoad(round, contender, forMs);
}

/** @throws {ChildFailed} a request was answered otherwise than it should. To be refused as too much is allowed, and told. */
async function runLoad({ load }: Round, contender: Contender, forMs: number): Promise<{ readonly ran: ClosedLoopResult; readonly cpuMs: number }> {
  const report = await load.ask<LoadReport>({ ask: "run", forMs } satisfies LoadOrder, forMs + runGraceMs);
  if (!("ran" in report)) throw new ChildFailed("failed" in report ? report.failed : "the load process answered out of turn");
  const { ran } = report;
  if (ran.errors > 0 || ran.answers === 0) {
    throw new ChildFailed(`${contender.subject.name}: ${ran.errors} requests failed beside ${ran.answers} answers and ${ran.refused} refusals\n${ran.firstErrors.join("\n")}`);
  }
  contender.answers += ran.answers;
  return report;
}

const measures = {
  requestsPerSecond: (figure: ThroughputFigure) => figure.requestsPerSecond,
  cpuUs: (figure: ThroughputFigure) => figure.cpuUs,
  p50Ms: (figure: ThroughputFigure) => figure.p50Ms,
  p99Ms: (figure: ThroughputFigure) => figure.p99Ms,
  serverBusy: (figure: ThroughputFigure) => figure.serverBusy,
  loadBusy: (figure: ThroughputFigure) => figure.loadBusy,
  serverForeign: (figure: ThroughputFigure) => figure.serverForeign,
  loadForeign: (figure: ThroughputFigure) => figure.loadForeign,
  refusedShare: (figure: ThroughputFigure) => figure.refusedShare,
  rssMb: (figure: ThroughputFigure) => figure.rssMb,
  allocatedBytes: (figure: ThroughputFigure) => figure.allocatedBytes,
};

function summarize({ subjects, pairs }: ThroughputOptions, figures: readonly ThroughputFigure[]): Outcome {
  return {
    subjects: Object.fromEntries(
      subjects.map(({ name }) => [
        name,
        Object.fromEntries(Object.entries(measures).map(([measure, read]) => [measure, spreadOfSubject(figures, name, read)])),
      ]),
    ),
    ratios: Object.fromEntries(pairs.map((pair) => [`${pair.subject}/${pair.peer}`, ratiosOf(figures, pair)])),
    figures,
  };
}

function ratiosOf(figures: readonly ThroughputFigure[], pair: Pair): Readonly<Record<string, Spread>> {
  return {
    throughput: ratioOf(figures, pair, (figure) => figure.requestsPerSecond),
    // Requests a second of CPU, so that more is better in both ratios.
    cpu: ratioOf(figures, pair, (figure) => 1 / figure.cpuUs),
  };
}

function lineOf(scenario: string, figure: ThroughputFigure): string {
  const { round, subject, requestsPerSecond, cpuUs, p50Ms, p99Ms, serverBusy, loadBusy, serverForeign, loadForeign, refusedShare, allocatedBytes } = figure;
  return (
    `${scenario} ${round === 0 ? "warm-up" : `round ${round}`}  ${subject.padEnd(22)} ${Math.round(requestsPerSecond).toString().padStart(7)} req/s ` +
    `${cpuUs.toFixed(1).padStart(7)} µs CPU  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms  ${(allocatedBytes / 1_024).toFixed(1)} KB  ` +
    `cores: server ${percent(serverBusy)} + others ${percent(serverForeign)}, load ${percent(loadBusy)} + others ${percent(loadForeign)}` +
    (refusedShare > 0 ? `, refused ${percent(refusedShare)}` : "")
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
