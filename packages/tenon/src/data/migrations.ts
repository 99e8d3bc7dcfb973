/**
 * Migrations: numbered files of SQL, `0001_orders.sql`, that build a service's schema step by step. Forward only.
 *
 * Each file runs in a transaction of its own, by the login of the database, with the service's schema first on the
 * search path; its checksum is written down in the same transaction. A file that was applied is never edited: that is
 * refused by name. One process at a time migrates a database; a second one waits and then finds the work done.
 *
 * A file that runs what PostgreSQL allows only outside of a transaction (CREATE INDEX CONCURRENTLY) starts with the
 * line `-- tenon: no transaction`. If such a file fails half-way, its first half stays.
 */
import { hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { namesOf, quoteName, schemaOf, type ServiceNames } from "./names.ts";
import { platformMigrations } from "./platform-migrations.ts";
import { type Database, DatabaseError, type Session } from "./ports.ts";
import { alone, grantsTo, provisionService } from "./provision.ts";
import { lineAt, type ScriptStatement, splitScript } from "./sql-script.ts";

export interface Migration {
  /** `0001_orders.sql`. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, with line ends as Unix has them. */
  readonly checksum: string;
}

export interface ServiceMigrations {
  /** The service's name. */
  readonly service: string;
  readonly migrations: readonly Migration[];
  /**
   * Puts right what follows from the tables: behind each statement that may have altered one (`within`), so that nobody ever
   * writes to a table that has changed without it, and when all are applied (`end`).
   */
  readonly follow?: (session: Session, step: "within" | "end") => Promise<unknown>;
}

export interface AppliedMigration {
  readonly service: string;
  readonly name: string;
}

/** The files are wrong, or do not fit what was applied. The message says which, and what to do. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

/** How long `migrate` waits for a session, in ms. */
const sessionWaitMs = 10_000;

/**
 * The files of a directory, in order.
 *
 * @param directory  `new URL("migrations/", import.meta.url)`.
 * @throws {MigrationError} a name that is not `NNNN_name.sql`, a gap, two of one number.
 */
export async function readMigrations(directory: URL): Promise<readonly Migration[]> {
  const base = directory.href.endsWith("/") ? directory : new URL(`${directory.href}/`);
  const names = (await namesIn(base)).toSorted();
  checkNames(base, names);
  return Promise.all(names.map(async (name) => toMigration(name, await readFile(new URL(name, base), "utf8"))));
}

/** A migration from its text: for those that are not files. */
export function toMigration(name: string, text: string): Migration {
  return { name, text, checksum: hash("sha256", text.replaceAll("\r\n", "\n"), "hex") };
}

/**
 * Brings every service's schema up to date, and makes schema and roles where they are missing. Repeatable.
 *
 * @returns What was applied, in order; empty when nothing was pending.
 * @throws {MigrationError} a statement failed (file, line and the database's words), or an applied file was edited.
 */
export async function migrate(database: Database, services: readonly ServiceMigrations[]): Promise<readonly AppliedMigration[]> {
  const applied: AppliedMigration[] = [];
  for (const { follow, migrations, service } of services) {
    await asAdmin(database, service, (session) =>
      alone(session, async () => {
        await provisionService(session, service);
        for (const set of setsOf(migrations)) {
          await createRecord(session, service, set.record);
          for (const migration of await pendingOf(session, service, set)) {
            await apply(session, { service, migration, record: set.record, ...(set.isOwn && follow !== undefined ? { follow } : {}) });
            if (set.isOwn) applied.push({ service, name: migration.name });
          }
        }
        await protectRecords(session, await provisionService(session, service)); // rights on what was made
        if (follow !== undefined) await inTransaction(session, () => follow(session, "end"));
      }),
    );
  }
  return applied;
}

/**
 * What {@link migrate} would apply, without doing it. Looks only.
 *
 * @throws {MigrationError} an applied file was edited or is gone.
 */
export async function pendingMigrations(database: Database, services: readonly ServiceMigrations[]): Promise<readonly AppliedMigration[]> {
  const pending: AppliedMigration[] = [];
  for (const { migrations, service } of services) {
    await asAdmin(database, service, async (session) => {
      const found = await pendingOf(session, service, { record: ownRecord, migrations, isOwn: true });
      pending.push(...found.map(({ name }) => ({ service, name })));
    });
  }
  return pending;
}

/**
 * Changes with everything that {@link migrate} makes of an empty database: two databases that begin with the same one can
 * begin as copies.
 */
export function fingerprintOf(services: readonly ServiceMigrations[]): string {
  const made = services.map(({ migrations, service }) => {
    const names = namesOf("", service);
    return [grantsTo(names), addOnly, setsOf(migrations).map((set) => set.migrations.map(({ checksum, name }) => [name, checksum]))];
  });
  return hash("sha256", JSON.stringify(made), "hex");
}

interface MigrationSet {
  /** The table in which applied files are written down. */
  readonly record: string;
  readonly migrations: readonly Migration[];
  /** Of the service itself, not of the platform. */
  readonly isOwn: boolean;
}

const ownRecord = "tenon_migrations";
const platformRecord = "tenon_platform_migrations";

function setsOf(migrations: readonly Migration[]): readonly MigrationSet[] {
  return [
    { record: platformRecord, migrations: platformMigrations.map(({ name, text }) => toMigration(name, text)), isOwn: false },
    { record: ownRecord, migrations, isOwn: true },
  ];
}

async function namesIn(directory: URL): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith(".sql"));
  } catch (error) {
    throw new MigrationError(`the directory of migrations cannot be read: ${directory.href}`, { cause: error });
  }
}

function checkNames(directory: URL, names: readonly string[]): void {
  names.forEach((name, index) => {
    const number = /^(\d{4})_[a-z0-9][a-z0-9_-]*\.sql$/.exec(name)?.[1];
    if (number === undefined) {
      throw new MigrationError(`${directory.href}${name} is not a name for a migration: four digits, _, and what it does in lower case, such as 0001_orders.sql`);
    }
    const expected = String(index + 1).padStart(4, "0");
    if (number === expected) return;
    const before = names[index - 1];
    const why = before?.startsWith(number) === true ? `has the same number as ${before}` : `stands where ${expected} is missing`;
    throw new MigrationError(`${directory.href}${name} ${why}: number the files 0001, 0002, ... without gaps`);
  });
}

async function asAdmin<T>(database: Database, service: string, task: (session: Session) => Promise<T>): Promise<T> {
  const session = await database.acquire({ service, mode: "admin", timeoutMs: sessionWaitMs });
  try {
    const result = await task(session);
    session.release();
    return result;
  } catch (error) {
    session.release("broken");
    throw error;
  }
}

async function createRecord(session: Session, service: string, record: string): Promise<void> {
  await session.script(`create table if not exists ${quoteName(schemaOf(service))}.${record} (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
  )`);
}

/** What the service itself may add to and never change, and where it may not even add. */
const addOnly = [
  ["tenon_audit", "update, delete, truncate"],
  ["tenon_audit_seals", "update, delete, truncate"],
  ["tenon_audit_archives", "insert, update, delete, truncate"],
] as const;

/** What was applied is told by the platform alone. */
async function protectRecords(session: Session, { schema, writer }: ServiceNames): Promise<void> {
  for (const record of [ownRecord, platformRecord]) {
    await session.script(`revoke insert, update, delete, truncate on ${quoteName(schema)}.${record} from ${quoteName(writer)}`);
  }
  for (const [table, rights] of addOnly) await session.script(`revoke ${rights} on ${quoteName(schema)}.${table} from ${quoteName(writer)}`);
}

async function pendingOf(session: Session, service: string, set: MigrationSet): Promise<readonly Migration[]> {
  const table = `${quoteName(schemaOf(service))}.${set.record}`;
  const { rows: found } = await session.query("select to_regclass($1) is not null as exists", [table]);
  if (found[0]?.["exists"] !== true) return set.migrations;

  const { rows } = await session.query(`select name, checksum from ${table} order by name`, []);
  const applied = new Map(rows.map((row) => [row["name"] as string, row["checksum"] as string]));
  const known = new Set(set.migrations.map(({ name }) => name));
  for (const name of applied.keys()) {
    if (!known.has(name)) {
      throw new MigrationError(`${service}: ${name} was applied to this database and is not among the files any more: bring it back, or run the version of the code that has it`);
    }
  }
  for (const { checksum, name } of set.migrations) {
    const before = applied.get(name);
    if (before !== undefined && before !== checksum) {
      throw new MigrationError(`${service}: ${name} was edited after it was applied: undo the edit and write what is to change into a new file`);
    }
  }
  const pending = set.migrations.filter(({ name }) => !applied.has(name));
  const last = [...applied.keys()].at(-1);
  const late = pending.find(({ name }) => last !== undefined && name < last);
  if (late !== undefined) {
    throw new MigrationError(`${service}: ${late.name} comes before ${last}, which was applied already: give it the next free number`);
  }
  return pending;
}

interface Application {
  readonly service: string;
  readonly migration: Migration;
  readonly record: string;
  readonly follow?: NonNullable<ServiceMigrations["follow"]>;
}

async function inTransaction(session: Session, task: () => Promise<unknown>): Promise<void> {
  await session.script("begin");
  try {
    await task();
    await session.script("commit");
  } catch (error) {
    if (!isLost(error)) await session.script("rollback");
    throw error;
  }
}

async function apply(session: Session, { follow, migration, record, service }: Application): Promise<void> {
  const schema = quoteName(schemaOf(service));
  const hasTransaction = !/^\s*--\s*tenon:\s*no transaction\b/.test(migration.text);
  const remember = { text: `insert into ${schema}.${record} (name, checksum) values ($1, $2)`, parameters: [migration.name, migration.checksum] };
  await session.script(`set search_path = ${schema}, public`);
  if (hasTransaction) await session.script("begin");
  try {
    for (const statement of splitScript(migration.text)) {
      await runStatement(session, { service, migration }, statement);
      if (/\b(?:alter|do)\b/i.test(statement.text)) await follow?.(session, "within");
    }
    await session.query(remember.text, remember.parameters);
    if (hasTransaction) await session.script("commit");
  } catch (error) {
    if (hasTransaction && !isLost(error)) await session.script("rollback");
    throw error;
  } finally {
    await session.script("set search_path = public").catch(ignoreLost);
  }
}

async function runStatement(session: Session, where: { readonly service: string; readonly migration: Migration }, statement: ScriptStatement): Promise<void> {
  try {
    await session.script(statement.text);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const line = statement.line + (error.position === undefined ? 0 : lineAt(statement.text, error.position - 1) - 1);
    const words = [error.message, error.detail, error.hint].filter((each) => each !== undefined).join("; ");
    throw new MigrationError(`${where.service}: ${where.migration.name}, line ${line}: ${words}\n\n    ${excerpt(statement.text)}\n`, { cause: error });
  }
}

function excerpt(statement: string): string {
  const lines = statement.split("\n");
  return lines.slice(0, 6).join("\n    ") + (lines.length > 6 ? "\n    ..." : "");
}

function isLost(error: unknown): boolean {
  const cause = error instanceof MigrationError ? error.cause : error;
  return cause instanceof DatabaseError && cause.isConnectionLost;
}

function ignoreLost(error: unknown): void {
  if (!isLost(error)) throw error;
}
