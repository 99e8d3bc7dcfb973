/**
 * The database of an app: the engine that the configuration names, migrated and seeded as asked, and the data of each
 * service that has tables. Engines are loaded only when they are used.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { eventsOf } from "../contract/index.ts";
import type { Database, ServiceData, ServiceMigrations } from "../data/index.ts";
import { type Clock, Fault, type Log, type Part, type Random } from "../kernel/index.ts";
import type { EmbeddedDatabase } from "../pglite/index.ts";
import type { Vault } from "../privacy/index.ts";
import { type App, hasData, type Service } from "../service/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import type { Config } from "./config.ts";
import type { OpenedPrivacy, PrivacyOptions } from "./open-privacy.ts";
import { changeWatchOf, serviceMigrations } from "./service-migrations.ts";

/** Answers are kept for hours: looking for expired ones once a minute is early enough. */
const answersSweepEveryMs = 60_000;

/** What is kept for days: looking once in ten minutes is early enough. */
const retentionSweepEveryMs = 600_000;

/** From when on migrations took so long that a copy of the new database is worth making, in ms: that takes about 200. */
const keepFromMs = 250;

/** When migrations are applied: before the first call, or by `tenon migrate` alone. */
export type MigrateWhen = "always" | "never";

export interface OpenDataOptions {
  readonly config: Config;
  /** DATABASE_URL as it is now, for new connections: its password may change while the app runs. Default: as at the start. */
  readonly databaseUrl?: () => string | undefined;
  /** VAULT_TOKEN as it is now, where the master key is in Vault. Default: as at the start. */
  readonly vaultToken?: () => string | undefined;
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
  /** Keeps what is encrypted; missing where nothing is. */
  readonly vault?: Vault | undefined;
  /** What runs in the background. */
  readonly parts: readonly Part[];
  close(): Promise<void>;
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
  const { clock, log, metrics } = options;
  const { fingerprintOf, measureDatabase } = await import("../data/index.ts");
  const migrations = await Promise.all(app.services.filter(hasData).map(serviceMigrations));
  // A copy comes with its migrations applied, which is not for a start that may apply none.
  const contents = options.migrate === "always" ? fingerprintOf(migrations) : undefined;
  const embedded = await openEmbedded(options.config, log, contents);
  const opened = embedded ?? (await openServer(options.config, options.databaseUrl));
  const database = metrics === undefined ? opened : measureDatabase(opened, { clock, metrics });
  try {
    if (options.migrate === "always") await migrateAll(database, { migrations, embedded, clock, log });
    return await prepare(app, database, { ...options, migrations });
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The database that the configuration names. */
export async function openDatabase(config: Config, log: Log, currentUrl?: () => string | undefined): Promise<Database> {
  return (await openEmbedded(config, log)) ?? openServer(config, currentUrl);
}

/** Where new embedded databases are kept for the next one. */
export function cacheDirectoryOf({ cacheDirectory, dataDirectory }: Pick<Config, "cacheDirectory" | "dataDirectory">): string {
  return cacheDirectory === "" ? join(dataDirectory, "cache") : cacheDirectory;
}

/** `undefined` where the configuration names a server. @param contents  What a new one is going to hold, if that is known. */
async function openEmbedded(config: Config, log: Log, contents?: string): Promise<EmbeddedDatabase | undefined> {
  const url = config.databaseUrl === "" ? `pglite:${join(config.dataDirectory, "database")}` : config.databaseUrl;
  if (!url.startsWith("pglite:")) return undefined;
  const { openPglite } = await import("../pglite/index.ts");
  const dataDir = url.slice("pglite:".length);
  if (config.mode === "production") log.warn("the embedded database does not survive a loss of power and runs one transaction at a time: it is for development and tests");
  return openPglite({ cacheDir: cacheDirectoryOf(config), log, ...(dataDir === "memory" ? {} : { dataDir }), ...(contents === undefined ? {} : { contents }) });
}

async function openServer(config: Config, currentUrl?: () => string | undefined): Promise<Database> {
  const { openPostgres } = await import("../postgres/index.ts");
  return openPostgres({ url: config.databaseUrl, ...(currentUrl === undefined ? {} : { currentUrl }), poolMax: config.databasePoolMax, statementTimeoutMs: config.databaseStatementTimeoutMs });
}

/** A database for one test: in memory, or fresh on the server of `url`; gone when it is closed. */
export async function openTestData(app: App, options: OpenDataOptions, url: string | undefined): Promise<OpenedData> {
  if (url === undefined || url === "") return openData(app, { ...options, config: { ...options.config, databaseUrl: "pglite:memory" } });
  const { createTestDatabase } = await import("../postgres/index.ts");
  const own = await createTestDatabase(url);
  try {
    const masterKey = options.config.masterKey === "" ? randomBytes(32).toString("base64") : options.config.masterKey;
    const data = await openData(app, { ...options, config: { ...options.config, masterKey, databaseUrl: own.url, databasePoolMax: 2 } });
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

interface Migrating {
  readonly migrations: readonly ServiceMigrations[];
  readonly embedded: EmbeddedDatabase | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A new embedded database is kept as it is now, before it has rows, where that saves the next one more than it costs. */
async function migrateAll(database: Database, { clock, embedded, log, migrations }: Migrating): Promise<void> {
  const { migrate } = await import("../data/index.ts");
  const startedMs = clock.elapsedMs();
  const applied = await migrate(database, migrations);
  if (applied.length === 0) return;
  log.info(`applied ${applied.length} migrations`, { migrations: applied.map(({ service, name }) => `${service}/${name}`).join(",") });
  if (clock.elapsedMs() - startedMs > keepFromMs) await embedded?.keep();
}

async function prepare(app: App, database: Database, options: OpenDataOptions & { readonly migrations: readonly ServiceMigrations[] }): Promise<OpenedData> {
  const { clock, config, log, migrate: when, migrations, random } = options;
  const { answerSweep, createSeedWork, openServiceData, pendingMigrations, Sweeper } = await import("../data/index.ts");
  const owners = app.services.filter(hasData);

  if (when === "never") {
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
  const privacy = await openVaultOf(app, { clock, config, database, vaultToken: options.vaultToken });
  const vault = privacy?.vault;
  if (options.seed === "yes") {
    for (const { name, seed, tables } of owners) {
      if (seed === undefined) continue;
      const startedMs = clock.elapsedMs();
      const wasEmpty = await createSeedWork({ database, service: name, tables, vault }, (db) => seed({ db: db, log }));
      if (wasEmpty) log.info(`filled ${name} with example data`, { ms: Math.round(clock.elapsedMs() - startedMs) });
    }
  }

  const services = new Map<string, ServiceData>();
  const answersKeepMs = config.idempotencyKeepH * 3_600_000;
  for (const { name, tables } of owners) services.set(name, await openServiceData({ database, service: name, tables, clock, random, answersKeepMs, vault }));
  const sweeper = new Sweeper({ what: "first answers", database, services: owners.map((service) => service.name), sweeps: [answerSweep], everyMs: answersSweepEveryMs, clock, log });
  const retention = await retentionSweepers(owners, { database, clock, log });
  return {
    database,
    services,
    vault,
    parts: [{ name: "database", start: () => undefined, stop: () => database.close() }, ...(privacy === undefined ? [] : [privacy.part]), sweeper, ...retention],
    async close() {
      for (const each of [sweeper, ...retention]) await each.stop();
      await privacy?.part.stop();
      await database.close();
    },
  };
}

/** Rows that their tables keep for so long and no longer are removed by each process; nothing is loaded where no table says so. */
async function retentionSweepers(owners: readonly Service[], common: { readonly database: Database; readonly clock: Clock; readonly log: Log }): Promise<readonly Part[]> {
  const withRetention = owners.filter(({ tables }) => Object.values(tables).some(({ retention, retentionFrom }) => retention !== undefined && retentionFrom !== undefined));
  if (withRetention.length === 0) return [];
  const { Sweeper } = await import("../data/index.ts");
  const { retentionSweeps } = await import("../privacy/index.ts");
  return withRetention.map(({ name, tables }) => new Sweeper({ ...common, what: `rows of ${name}`, services: [name], sweeps: retentionSweeps(tables), everyMs: retentionSweepEveryMs }));
}

/** The vault of an app in which anything is encrypted. Else nothing of it is loaded. */
export async function openVaultOf(app: App, options: PrivacyOptions): Promise<OpenedPrivacy | undefined> {
  const { hasSealedColumns } = await import("../data/index.ts");
  const isNeeded = app.subjectRights !== undefined || app.services.some(({ contract, tables }) => hasSealedColumns(tables) || eventsOf(contract).some(({ subject }) => subject !== undefined));
  if (!isNeeded) return undefined;
  const { openPrivacy } = await import("./open-privacy.ts");
  return openPrivacy(options);
}
