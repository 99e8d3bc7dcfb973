/**
 * The database of an app: the engine that the configuration names, migrated and seeded as asked, and the data of each
 * service that has tables. Engines are loaded only when they are used.
 */
import { join } from "node:path";
import type { Database, ServiceData } from "../data/index.ts";
import { type Clock, Fault, type Log, type Part, type Random } from "../kernel/index.ts";
import type { App, Service } from "../service/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import type { Config } from "./config.ts";
import { changeWatchOf, serviceMigrations } from "./service-migrations.ts";

/** Answers are kept for hours: looking for expired ones once a minute is early enough. */
const answersSweepEveryMs = 60_000;

/** When migrations are applied: before the first call, or by `tenon migrate` alone. */
export type MigrateWhen = "always" | "never";

export interface OpenDataOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly migrate: MigrateWhen;
  readonly seed: "yes" | "no";
  /** What the database is counted in. Left out, it is not counted. */
  readonly metrics?: Metrics;
}

export interface OpenedData {
  readonly database: Database;
  /** By service name; services without tables have none. */
  readonly services: ReadonlyMap<string, ServiceData>;
  /** What runs in the background. */
  readonly parts: readonly Part[];
  close(): Promise<void>;
}

export function hasData(service: Service): boolean {
  return service.migrations !== undefined;
}

/** Whether any service of the app has rows of its own. */
export function needsData(app: App): boolean {
  return app.services.some(hasData);
}

/**
 * @throws {Fault} `unavailable`: the database is out of reach, or has pending migrations that may not be applied now.
 * @throws {MigrationError} a migration failed, or an applied one was edited.
 */
export async function openData(app: App, options: OpenDataOptions): Promise<OpenedData> {
  const opened = await openDatabase(options.config, options.log);
  const { clock, metrics } = options;
  const database = metrics === undefined ? opened : (await import("../data/index.ts")).measureDatabase(opened, { clock, metrics });
  try {
    return await prepare(app, database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The database that the configuration names. */
export async function openDatabase(config: Config, log: Log): Promise<Database> {
  const cacheDir = join(config.dataDirectory, "cache");
  const url = config.databaseUrl === "" ? `pglite:${join(config.dataDirectory, "database")}` : config.databaseUrl;
  if (url.startsWith("pglite:")) {
    const { openPglite } = await import("../pglite/index.ts");
    const dataDir = url.slice("pglite:".length);
    if (config.mode === "production") log.warn("the embedded database does not survive a loss of power and runs one transaction at a time: it is for development and tests");
    return openPglite({ cacheDir, log, ...(dataDir === "memory" ? {} : { dataDir }) });
  }
  const { openPostgres } = await import("../postgres/index.ts");
  return openPostgres({ url, poolMax: config.databasePoolMax, statementTimeoutMs: config.databaseStatementTimeoutMs });
}

/** A database for one test: in memory, or fresh on the server of `url`; gone when it is closed. */
export async function openTestData(app: App, options: OpenDataOptions, url: string | undefined): Promise<OpenedData> {
  if (url === undefined || url === "") return openData(app, { ...options, config: { ...options.config, databaseUrl: "pglite:memory" } });
  const { createTestDatabase } = await import("../postgres/index.ts");
  const own = await createTestDatabase(url);
  try {
    const data = await openData(app, { ...options, config: { ...options.config, databaseUrl: own.url, databasePoolMax: 2 } });
    return {
      ...data,
      async close() {
        await data.close();
        await own.drop();
      },
    };
  } catch (error) {
    await own.drop();
    throw error;
  }
}

async function prepare(app: App, database: Database, options: OpenDataOptions): Promise<OpenedData> {
  const { clock, config, log, migrate: when, random } = options;
  const { answerSweep, createSeedWork, migrate, openServiceData, pendingMigrations, Sweeper } = await import("../data/index.ts");
  const owners = app.services.filter(hasData);
  const migrations = await Promise.all(owners.map(serviceMigrations));

  if (when === "always") {
    const applied = await migrate(database, migrations);
    if (applied.length > 0) log.info(`applied ${applied.length} migrations`, { migrations: applied.map(({ service, name }) => `${service}/${name}`).join(",") });
  } else {
    const pending = await pendingMigrations(database, migrations);
    if (pending.length > 0) {
      const names = pending.map(({ service, name }) => `${service}/${name}`).join(", ");
      throw new Fault("unavailable", `the database is behind: ${names}. Run \`tenon migrate\` first, or start with --migrate`);
    }
    for (const service of owners) {
      const done = await (await changeWatchOf(service)).mendIn(database);
      if (done.length > 0) log.info("triggers that tell of changes were put right", { service: service.name, triggers: done.join(",") });
    }
  }
  if (options.seed === "yes") {
    for (const { name, seed, tables } of owners) {
      if (seed === undefined) continue;
      const startedMs = clock.elapsedMs();
      const wasEmpty = await createSeedWork({ database, service: name, tables }, (db) => seed({ db: db, log }));
      if (wasEmpty) log.info(`filled ${name} with example data`, { ms: Math.round(clock.elapsedMs() - startedMs) });
    }
  }

  const services = new Map<string, ServiceData>();
  const answersKeepMs = config.idempotencyKeepH * 3_600_000;
  for (const { name, tables } of owners) services.set(name, await openServiceData({ database, service: name, tables, clock, random, answersKeepMs }));
  const sweeper = new Sweeper({ what: "first answers", database, services: owners.map((service) => service.name), sweeps: [answerSweep], everyMs: answersSweepEveryMs, clock, log });
  return {
    database,
    services,
    parts: [{ name: "database", start: () => undefined, stop: () => database.close() }, sweeper],
    async close() {
      await sweeper.stop();
      await database.close();
    },
  };
}
