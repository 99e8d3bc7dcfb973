/** An app as one process of several on one database, which a test can kill. */
import { Call } from "../../src/calls/index.ts";
import { anonymous, type Operation } from "../../src/contract/index.ts";
import { type Database, migrate, openServiceData, readMigrations, type ServiceData } from "../../src/data/index.ts";
import type { Clock, Part } from "../../src/kernel/index.ts";
import { openApp, type OpenApp, parseConfig, systemClock } from "../../src/app/index.ts";
import { app, type Service } from "../../src/service/index.ts";
import { LogWriter, Metrics, noPrivacy } from "../../src/telemetry/index.ts";
import { createProgram } from "../../src/reactions/index.ts";
import { nextDueMs, RunDesk, shiftDue } from "../../src/workflows/index.ts";

export interface AppProcessOptions {
  readonly services: readonly Service[];
  readonly database: Database;
  readonly settings?: Readonly<Record<string, string>>;
  readonly logLevel?: "debug" | "warn" | "error";
}

const platform = { ...anonymous, kind: "system", subject: "platform" } as const;

export class AppProcess {
  readonly open: OpenApp;
  readonly #clock: StoppableClock;
  readonly #parts: readonly Part[];
  readonly #log: LogWriter;
  readonly #options: AppProcessOptions;

  private constructor(open: OpenApp, { clock, log, options }: { readonly clock: StoppableClock; readonly log: LogWriter; readonly options: AppProcessOptions }) {
    this.open = open;
    this.#clock = clock;
    this.#parts = open.eventParts;
    this.#log = log;
    this.#options = options;
  }

  static async start(options: AppProcessOptions): Promise<AppProcess> {
    const { database, logLevel = "error", services, settings = {} } = options;
    const clock = new StoppableClock();
    const { config } = parseConfig([{ name: "test", values: { DRAIN_MS: "2000", ...settings } }]);
    const lines: string[] = [];
    const log = new LogWriter({ write: (text) => void (logLevel === "debug" ? process.stderr.write(text) : lines.push(text)), clock, level: logLevel, format: "text" });
    const data = { database, services: new Map<string, ServiceData>(), parts: [], close: () => Promise.resolve() };
    for (const { name, tables } of services) data.services.set(name, await openServiceData({ database, service: name, tables, clock, random: Math.random }));
    const serviceConfigs = new Map<string, unknown>();
    const open = await openApp(app("test", { services }), { config, serviceConfigs, clock, random: Math.random, log, metrics: new Metrics({ clock }), verifier: undefined, data });
    const started = new AppProcess(open, { clock, log, options });
    for (const part of started.#parts) await part.start();
    return started;
  }

  call(operation: Operation, input: unknown, idempotencyKey?: string): Promise<unknown> {
    const handler = this.open.directory.find(operation.id);
    if (handler === undefined) throw new RangeError(operation.id);
    const call = new Call({ operation, id: this.open.ids(), startedAtMs: this.#clock.elapsedMs(), input, caller: platform, idempotencyKey: operation.kind === "command" ? idempotencyKey : undefined });
    return Promise.resolve(handler(call));
  }

  /** Runs of a service as an operator steers them. */
  desk(service: string): RunDesk {
    const { database, services } = this.#options;
    const workflows = services.find(({ name }) => name === service)?.workflows ?? [];
    const programs = new Map(workflows.map((workflow) => [workflow.name, createProgram(workflow, { service, log: this.#log, privacy: noPrivacy })]));
    return new RunDesk({ database, service, programs, clock: this.#clock, random: Math.random });
  }

  settled(): Promise<void> {
    return this.open.settled();
  }

  /** An orderly end; with a dead database an end without a word. */
  async stop(): Promise<void> {
    for (const part of this.#parts.toReversed()) await part.stop();
    this.#clock.stop();
    this.#log.flush();
  }
}

/** Its timers end with the process that they are part of. */
class StoppableClock implements Clock {
  #isStopped = false;

  nowMs(): number {
    return systemClock.nowMs();
  }

  elapsedMs(): number {
    return systemClock.elapsedMs();
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    return systemClock.after(delayMs, () => {
      if (!this.#isStopped) task();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** Builds the schemas of the services. */
export async function prepare(database: Database, services: readonly Service[]): Promise<void> {
  await migrate(database, await Promise.all(services.map(async ({ migrations, name }) => ({ service: name, migrations: await readMigrations(migrations as URL) }))));
}

/** Puts time forward to where the next thing is due. @returns Whether there was one. */
export async function toNextDue(database: Database, services: readonly Service[]): Promise<boolean> {
  const dueMs = Math.min(...(await Promise.all(services.map(({ name }) => nextDueMs(database, name)))));
  if (dueMs === Number.POSITIVE_INFINITY) return false;
  if (dueMs > 0) for (const { name } of services) await shiftDue(database, name, dueMs);
  return true;
}

/** The leases of processes that are gone have run out. */
export async function endLeases(database: Database, services: readonly Service[]): Promise<void> {
  for (const { name } of services) {
    const session = await database.acquire({ service: name, mode: "write", timeoutMs: 5_000 });
    await session.query("update tenon_lanes set holder = null, lease_until = null", []);
    await session.query("delete from tenon_members", []);
    session.release();
  }
}

/** One statement in the schema of a service. */
export async function readRows(database: Database, service: string, text: string, parameters: readonly unknown[] = []): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const session = await database.acquire({ service, mode: "write", timeoutMs: 5_000 });
  try {
    return (await session.query(text, parameters)).rows;
  } finally {
    session.release();
  }
}
