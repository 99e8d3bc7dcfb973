/**
 * PostgreSQL in this process, compiled to WebAssembly: nothing to install, the same SQL.
 *
 * For development and tests. It has one session, so transactions run one after the other; a statement holds up the
 * whole process while it runs and cannot be canceled; and it never asks the disk to keep anything, so a database in a
 * directory outlives a killed process but not a loss of power.
 */
import { access, readFile, rm, writeFile } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import type { PGlite as PGliteInstance, PGliteInterface } from "@electric-sql/pglite";
import { type Database, DatabaseError, namesOf, type PoolFigures, quoteName, type Session, type SessionRequest, valueSettings } from "../data/index.ts";
import { Fault, type Log } from "../kernel/index.ts";
import { type DirectoryLock, lockDirectory } from "./directory-lock.ts";
import { Protocol } from "./protocol.ts";
import { PgliteSession } from "./session.ts";
import { SnapshotCache } from "./snapshot.ts";
import { Turns } from "./turns.ts";

export interface PgliteOptions {
  /** Where the rows are kept; left out, they live as long as the process. Made when missing. */
  readonly dataDir?: string;
  /** Where new databases are kept for the next start, such as `.tenon/cache`. Left out, each new one is made anew, in seconds. */
  readonly cacheDir?: string;
  /** What a new database is going to hold: one that was kept under this text is taken instead of an empty one. */
  readonly contents?: string;
  /** Extensions of PostgreSQL that `create extension` may name: those under `@electric-sql/pglite/contrib`. */
  readonly extensions?: readonly string[];
  /** How long the process before this one may take to let go of `dataDir`. Default 5 000 ms: a restart overlaps with its end. */
  readonly lockWaitMs?: number;
  readonly log?: Log;
}

type PgliteModule = typeof import("@electric-sql/pglite");

/**
 * Settings of the server. Small buffers: the default of 128 MiB costs a third of the start and of the memory, and the
 * operating system has the files in memory anyway.
 */
const serverSettings = ["-c", "shared_buffers=16MB"];
/** Of a new database. Small log segments load faster; the locale knows upper and lower case of every script. */
const newDatabaseSettings = ["--wal-segsize=1", "--locale-provider=builtin", "--locale=C.UTF-8"];
/** How long keeping a copy waits for the session, in ms: nobody else uses a database that is still being made. */
const keepWaitMs = 10_000;
/** The one database that PGlite has. */
const databaseName = "postgres";
/** Those that others would be made from, which PGlite cannot: two thirds of the files of a new one. */
const withoutTemplates = ["alter database template0 is_template false", "drop database template0", "alter database template1 is_template false", "drop database template1"];

/** A database that can be kept for the next one that begins alike. */
export interface EmbeddedDatabase extends Database {
  /**
   * Keeps what a new database holds now, under the `contents` that it was opened for, the second time that they are wanted.
   * Does nothing where there are none, or the database is not new, or came from such a copy. Never fails: what cannot be
   * kept costs time at the next start.
   */
  keep(): Promise<void>;
}

/** @throws {Fault} `unavailable` when the directory is in use by another process. */
export async function openPglite(options: PgliteOptions = {}): Promise<EmbeddedDatabase> {
  const dataDir = options.dataDir === undefined || isAbsolute(options.dataDir) ? options.dataDir : resolve(options.dataDir);
  const lock = dataDir === undefined ? undefined : await lockDirectory(dataDir, options.lockWaitMs ?? 5_000);
  try {
    const module = await import("@electric-sql/pglite"); // 30 ms and 8 MB that an app on a server does not pay
    const { keepIn, pglite } = await openInstance(module, { ...options, ...(dataDir === undefined ? {} : { dataDir }) });
    const database = new PgliteDatabase(pglite, new Protocol(pglite), { dataDir, lock, keepIn, log: options.log });
    await database.prepare();
    return database;
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

interface OpenedInstance {
  readonly pglite: PGliteInstance;
  /** Where a copy belongs as soon as the database holds its contents; `undefined` where none is wanted. */
  readonly keepIn?: SnapshotCache;
}

async function openInstance(module: PgliteModule, options: PgliteOptions): Promise<OpenedInstance> {
  const { dataDir } = options;
  const settings: Settings = {
    ...(dataDir === undefined ? {} : { dataDir }),
    startParams: [...module.PGlite.defaultStartParams, ...serverSettings],
    initDbStartParams: newDatabaseSettings,
    extensions: await loadExtensions(options.extensions ?? []),
  };
  if (dataDir === undefined) return create(module, settings, options);
  const unfinished = `${dataDir}.new`;
  if (await exists(unfinished)) await rm(dataDir, { recursive: true, force: true }); // its maker was killed half-way
  else if (await exists(join(dataDir, "PG_VERSION"))) return { pglite: await module.PGlite.create(settings) };
  await writeFile(unfinished, "");
  const made = await create(module, settings, options);
  await rm(unfinished);
  return made;
}

type Settings = NonNullable<Parameters<PgliteModule["PGlite"]["create"]>[1]>;

/** A new database: from the kept one with its contents, or from the kept empty one, where there is one. */
async function create(module: PgliteModule, settings: Settings, options: PgliteOptions): Promise<OpenedInstance> {
  const { cacheDir, contents, extensions = [] } = options;
  if (cacheDir === undefined) return { pglite: await createEmpty(module, settings) };
  const version = await versionOf();
  const parts = [...newDatabaseSettings, ...withoutTemplates];
  const empty = new SnapshotCache(cacheDir, { version, parts });
  const keepIn = contents === undefined ? undefined : new SnapshotCache(cacheDir, { version, parts: [...parts, ...extensions, contents] });
  const copy = keepIn === undefined ? undefined : await load(module, settings, { cache: keepIn, options });
  if (copy !== undefined) return { pglite: copy };
  const more = keepIn === undefined ? {} : { keepIn };
  const emptyCopy = await load(module, settings, { cache: empty, options });
  if (emptyCopy !== undefined) return { pglite: emptyCopy, ...more };
  const pglite = await createEmpty(module, settings);
  await keep(pglite, empty, { log: options.log, when: "always" });
  return { pglite, ...more };
}

async function createEmpty({ PGlite }: PgliteModule, settings: Settings): Promise<PGliteInstance> {
  const pglite = await PGlite.create(settings);
  for (const statement of withoutTemplates) await pglite.exec(statement);
  return pglite;
}

/** `undefined` where none is kept, or it cannot be loaded. */
async function load({ PGlite }: PgliteModule, settings: Settings, from: { readonly cache: SnapshotCache; readonly options: PgliteOptions }): Promise<PGliteInstance | undefined> {
  const { cache, options } = from;
  try {
    const snapshot = await cache.read();
    return snapshot === undefined ? undefined : await PGlite.create({ ...settings, loadDataDir: snapshot });
  } catch (error) {
    options.log?.warn("a kept database could not be loaded; a new one is made", { error });
    await cache.remove();
    if (options.dataDir !== undefined) await rm(options.dataDir, { recursive: true, force: true });
    return undefined;
  }
}

/** A cache that cannot be written costs time at the next start, nothing else. */
async function keep(pglite: PGliteInterface, cache: SnapshotCache, { log, when }: { readonly log: Log | undefined; readonly when: "always" | "wanted again" }): Promise<void> {
  try {
    if (when === "wanted again" && !(await cache.isWantedAgain())) return;
    await pglite.exec("checkpoint");
    await cache.write(await pglite.dumpDataDir("none"));
  } catch (error) {
    log?.warn("the new database could not be kept for the next start", { error });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

async function versionOf(): Promise<string> {
  const manifest = new URL("../package.json", import.meta.resolve("@electric-sql/pglite"));
  return (JSON.parse(await readFile(manifest, "utf8")) as { readonly version: string }).version;
}

async function loadExtensions(names: readonly string[]): Promise<Record<string, never>> {
  const extensions: Record<string, unknown> = {};
  for (const name of names) {
    try {
      const module = (await import(`@electric-sql/pglite/contrib/${name}`)) as Readonly<Record<string, unknown>>;
      extensions[name] = module[name];
    } catch (error) {
      throw new Fault("invalid_argument", `the embedded database has no extension "${name}"`, { cause: error });
    }
  }
  return extensions as Record<string, never>;
}

interface Place {
  readonly dataDir: string | undefined;
  readonly lock: DirectoryLock | undefined;
  readonly keepIn: SnapshotCache | undefined;
  readonly log: Log | undefined;
}

class PgliteDatabase implements EmbeddedDatabase {
  readonly label: string;
  readonly sessions = "one";
  readonly #pglite: PGliteInstance;
  readonly #protocol: Protocol;
  readonly #place: Place;
  readonly #turns = new Turns();
  /** Whose rights the session has at present; `undefined` when that is not known. */
  #rights: string | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;

  constructor(pglite: PGliteInstance, protocol: Protocol, place: Place) {
    this.#pglite = pglite;
    this.#protocol = protocol;
    this.#place = place;
    this.label = `pglite ${place.dataDir ?? "in memory"}`;
  }

  /** Settings under which values read as the port says. */
  async prepare(): Promise<void> {
    await this.#protocol.script(Object.entries(valueSettings).map(([name, value]) => `set ${name} = '${value}'`).join(";"));
  }

  async acquire(request: SessionRequest): Promise<Session> {
    await this.#turns.take(request.timeoutMs);
    const rights = request.mode === "admin" ? "admin" : `${request.mode} ${request.service}`;
    if (rights !== this.#rights) await this.#switchTo(request, rights);
    return new PgliteSession(this.#protocol, rights, (how) => this.#takeBack(how));
  }

  pools(): readonly PoolFigures[] {
    const inUse = Number(this.#turns.isTaken);
    return [{ service: "", mode: "", inUse, idle: 1 - inUse, max: 1, waiting: this.#turns.waiting }];
  }

  async keep(): Promise<void> {
    const { keepIn, log } = this.#place;
    if (keepIn === undefined) return;
    const session = await this.acquire({ service: "", mode: "admin", timeoutMs: keepWaitMs });
    try {
      await keep(this.#pglite, keepIn, { log, when: "wanted again" });
    } finally {
      session.release();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#turns.close();
    await this.#pglite.close();
    await this.#place.lock?.release();
  }

  async #switchTo(request: SessionRequest, rights: string): Promise<void> {
    this.#rights = undefined;
    try {
      await this.#protocol.script(toSettings(request));
      this.#rights = rights;
    } catch (error) {
      this.#turns.give();
      if (!(error instanceof DatabaseError)) throw error;
      throw new Fault("unavailable", "the database is out of reach", { cause: error, facts: { database: this.label, code: error.sqlState } });
    }
  }

  #takeBack(how: "broken" | undefined): void {
    if (how === undefined && !this.#pglite.isInTransaction()) {
      this.#turns.give();
      return;
    }
    this.#rights = undefined; // whatever was set in it may have been undone
    this.#protocol.script("rollback").then(
      () => this.#turns.give(),
      () => this.#turns.give(),
    );
  }
}

function toSettings({ mode, service }: SessionRequest): string {
  if (mode === "admin") return "reset role; set search_path = public; set default_transaction_read_only = off";
  const { reader, schema, writer } = namesOf(databaseName, service);
  const role = quoteName(mode === "read" ? reader : writer);
  const readOnly = mode === "read" ? "on" : "off";
  return `set role ${role}; set search_path = ${quoteName(schema)}, public; set default_transaction_read_only = ${readOnly}`;
}
