/**
 * What one subject of the scenario `events` does in one turn, in an empty database of its own: events are enqueued by one
 * process and handled by another, which is freshly started.
 *
 * A turn fails when an event is handled twice or not at all, or when its row is missing: nobody is killed here.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EventMoment } from "../subjects/events/event-process.ts";
import type { EventHandler } from "../subjects/events/event-subject.ts";
import { BackendCpu } from "./backend-cpu.ts";
import type { Bench, EventMeasure, Subject } from "./bench.ts";
import { ChildFailed } from "./children.ts";
import { RowsMissing, ServerDatabase } from "./database.ts";
import { EventChild } from "./event-child.ts";

export interface EventsSubject extends Subject {
  /** One number, asked of the subject's database: the events that the tool has not finished. */
  readonly waitingSql: string;
  /** One number: the rows that the handler `row` has inserted. */
  readonly rowsSql: string;
}

export interface EventTurn {
  readonly subject: EventsSubject;
  readonly bench: Bench;
}

/** Named figures: of `noop`, `noopPerSecond` and so on. */
export type EventValues = Readonly<Record<string, number>>;

/** Handled before the count begins, until the code is compiled: a fifth of what is counted, and no more than this. */
const warmUpMax = 2_000;
/** Slower than this a second, and the turn has failed. */
const slowestPerSecond = 20;
const graceMs = 30_000;
/** How long after the last handler a tool may take to write that it is done. */
const settleMaxMs = 5_000;
/** A worker is left alone for so long before it counts as idle. */
const restMs = 3_000;
const latencyPerSecond = 20;
/** In windows of `--seconds`: 5 s of latencies and 10 s of rest by default. */
const latencyWindows = 1.25;
const idleWindows = 2.5;

export async function measureTurn(measure: EventMeasure, turn: EventTurn): Promise<EventValues> {
  switch (measure) {
    case "noop":
    case "row":
      return named(measure, await drain(turn, { handler: measure, behind: 0 }));
    case "backlog": {
      const few = await drain(turn, { handler: "noop", behind: 0 });
      const many = await drain(turn, { handler: "noop", behind: turn.bench.settings.events.backlog });
      return { ...named("backlog", many), backlogOfFew: many.perSecond / few.perSecond, backlogCostOfFew: costUs(many) / costUs(few) };
    }
    case "latency":
      return latency(turn);
    case "idle":
      return idle(turn);
  }
}

interface DrainPlan {
  readonly handler: EventHandler;
  /** Events that still wait when the last of those that are counted has been handled. */
  readonly behind: number;
}

interface Drain {
  readonly perSecond: number;
  /** CPU of the whole worker process, in µs an event. */
  readonly cpuUs: number;
  /** CPU of PostgreSQL's backends, in µs an event. */
  readonly dbCpuUs: number | undefined;
}

async function drain(turn: EventTurn, { handler, behind }: DrainPlan): Promise<Drain> {
  const { jobs } = turn.bench.settings.events;
  const warmUp = Math.min(warmUpMax, Math.ceil(jobs / 5));
  const total = warmUp + jobs;
  await using database = await openFilled(turn, total + behind);
  await using worker = EventChild.toHandle({ ...turn, database });
  await worker.readUsage();
  await using backends = await BackendCpu.open(database.url);
  await worker.work(handler);
  const warm = await readAt(worker, backends, warmUp);
  const done = await readAt(worker, backends, total);
  if (behind === 0) await assertFinished(turn, database, { handler, total });
  await worker.readTimes();
  return {
    perSecond: (jobs / (done.atMs - warm.atMs)) * 1_000,
    cpuUs: ((done.cpuMs - warm.cpuMs) * 1_000) / jobs,
    dbCpuUs: backends === undefined ? undefined : ((done.dbCpuMs - warm.dbCpuMs) * 1_000) / jobs,
  };
}

/** The process that enqueues is gone by the time the worker starts. */
async function openFilled(turn: EventTurn, count: number): Promise<ServerDatabase> {
  const database = await ServerDatabase.open(turn.bench.settings.databaseUrl);
  try {
    await using enqueuer = EventChild.toEnqueue({ ...turn, database });
    await enqueuer.prepare();
    await enqueuer.enqueue(0, count);
    await enqueuer.end();
    await database.analyze();
    return database;
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

async function readAt(worker: EventChild, backends: BackendCpu | undefined, handled: number): Promise<EventMoment & { readonly dbCpuMs: number }> {
  const moment = await worker.until(handled, (handled / slowestPerSecond) * 1_000 + graceMs);
  return { ...moment, dbCpuMs: (await backends?.readMs()) ?? 0 };
}

/** @throws {RowsMissing} the tool still holds events that were handled, or there are not as many rows as events. */
async function assertFinished({ subject }: EventTurn, database: ServerDatabase, { handler, total }: { readonly handler: EventHandler; readonly total: number }): Promise<void> {
  const untilMs = performance.now() + settleMaxMs;
  for (let waiting = await database.readCount(subject.waitingSql); waiting > 0; waiting = await database.readCount(subject.waitingSql)) {
    if (performance.now() > untilMs) throw new RowsMissing(`${subject.name}: ${waiting} events were handled and are not finished`);
    await sleep(50);
  }
  const rows = await database.readCount(subject.rowsSql);
  const expected = handler === "row" ? total : 0;
  if (rows !== expected) throw new RowsMissing(`${subject.name}: ${expected} rows should be there, and ${rows} are`);
}

async function latency(turn: EventTurn): Promise<EventValues> {
  const everyMs = 1_000 / latencyPerSecond;
  const count = Math.ceil(latencyPerSecond * latencyWindows * turn.bench.settings.seconds);
  await using database = await openFilled(turn, latencyPerSecond);
  await using worker = EventChild.toHandle({ ...turn, database });
  await worker.work("noop");
  await worker.until(latencyPerSecond, graceMs);
  await using enqueuer = EventChild.toEnqueue({ ...turn, database });
  // The first second is for connections and compilers.
  const enqueued = await enqueuer.trickle(latencyPerSecond, latencyPerSecond + count, everyMs);
  await worker.until(latencyPerSecond * 2 + count, graceMs);
  const handled = await worker.readTimes();
  const counted = [...enqueued].filter(([number]) => number >= latencyPerSecond * 2);
  const sorted = counted.map(([number, atMs]) => waitOf(turn, handled.get(number), atMs)).toSorted((a, b) => a - b);
  return { latencyP50Ms: quantile(sorted, 0.5), latencyP99Ms: quantile(sorted, 0.99) };
}

function waitOf({ subject }: EventTurn, handledAtMs: number | undefined, enqueuedAtMs: number): number {
  if (handledAtMs === undefined) throw new ChildFailed(`${subject.name} did not handle an event that it was given`);
  return handledAtMs - enqueuedAtMs;
}

/** What the share `q` did not exceed. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;
}

/** After it has worked: a worker that has never had a job has not opened its pool. */
async function idle(turn: EventTurn): Promise<EventValues> {
  const { signal, settings } = turn.bench;
  await using database = await openFilled(turn, 100);
  await using worker = EventChild.toHandle({ ...turn, database });
  await worker.work("noop");
  await worker.until(100, graceMs);
  await sleep(restMs, undefined, { signal });
  await using backends = await BackendCpu.open(database.url);
  const dbBeforeMs = await backends?.readMs();
  const before = await worker.readUsage();
  for (let second = 0; second < settings.seconds * idleWindows; second += 1) {
    await sleep(1_000, undefined, { signal });
    await backends?.readMs(); // a backend that ends loses no more than a second
  }
  const after = await worker.readUsage();
  const dbAfterMs = await backends?.readMs();
  const elapsedMs = after.atMs - before.atMs;
  const idleDb = dbBeforeMs === undefined || dbAfterMs === undefined ? {} : { idleDbCpuPercent: ((dbAfterMs - dbBeforeMs) / elapsedMs) * 100 };
  return { idleCpuPercent: ((after.cpuMs - before.cpuMs) / elapsedMs) * 100, ...idleDb };
}

/** CPU of both sides, which moves less than the rate when the machine is shared. */
function costUs({ cpuUs, dbCpuUs = 0 }: Drain): number {
  return cpuUs + dbCpuUs;
}

function named(name: string, { perSecond, cpuUs, dbCpuUs }: Drain): EventValues {
  return { [`${name}PerSecond`]: perSecond, [`${name}CpuUs`]: cpuUs, ...(dbCpuUs === undefined ? {} : { [`${name}DbCpuUs`]: dbCpuUs }) };
}
