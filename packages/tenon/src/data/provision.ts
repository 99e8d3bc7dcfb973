/**
 * Makes the schema and the two roles of a service, and says what each may do. Repeatable, and safe when several
 * processes do it at once.
 *
 * The writer may read and change every row of its own schema, and cannot make, alter or drop anything: that is what
 * migrations are for. The reader may read. Neither can see into another service's schema. What the login of the
 * database makes from now on in the schema gets the same grants.
 */
import { Fault } from "../kernel/index.ts";
import { namesOf, quoteName, quoteText, type ServiceNames } from "./names.ts";
import { type Database, DatabaseError, type Session } from "./ports.ts";

/** Two sessions that change one row of the catalog at once: PostgreSQL refuses one of them, and means "try again". */
const triesMax = 5;

/** How long to wait for another process that migrates, in ms. */
const aloneWaitMs = 120_000;

/**
 * Runs `task` while no other process of this database migrates or provisions.
 *
 * @throws {Fault} `unavailable` when another one did not finish in time.
 */
export async function alone<T>(session: Session, task: () => Promise<T>): Promise<T> {
  // Any number that nobody else uses; the lock belongs to this database alone, not to the cluster.
  const key = "7266391144";
  await session.query("select set_config('lock_timeout', $1, false)", [String(aloneWaitMs)]);
  try {
    await session.query(`select pg_advisory_lock(${key})`, []);
  } catch (error) {
    if (error instanceof DatabaseError && error.sqlState === "55P03") {
      throw new Fault("unavailable", "another process has been migrating this database for too long", { cause: error });
    }
    throw error;
  }
  await session.query("select set_config('lock_timeout', '0', false)", []);
  try {
    return await task();
  } finally {
    // A session that was lost has lost its lock with it, and what it failed with is what counts.
    await session.query(`select pg_advisory_unlock(${key})`, []).catch(ignoreLostSession);
  }
}

function ignoreLostSession(error: unknown): void {
  if (!(error instanceof DatabaseError) || !error.isConnectionLost) throw error;
}

/**
 * @param services   Names.
 * @param timeoutMs  How long to wait for a session, in ms.
 * @throws {DatabaseError} the login may not create roles or schemas, among others.
 */
export async function provision(database: Database, services: readonly string[], timeoutMs = 10_000): Promise<void> {
  for (const service of services) {
    const session = await database.acquire({ service, mode: "admin", timeoutMs });
    let isBroken = true;
    try {
      await alone(session, async () => {
        await provisionService(session, service);
      });
      isBroken = false;
    } finally {
      session.release(isBroken ? "broken" : undefined);
    }
  }
}

/** One service, in a session that is alone. */
export async function provisionService(session: Session, service: string): Promise<ServiceNames> {
  const { rows } = await session.query("select current_database() as database, current_user as login, rolsuper as is_super from pg_roles where rolname = current_user", []);
  const { database, is_super: isSuper, login } = rows[0] as { readonly database: string; readonly login: string; readonly is_super: boolean };
  const names = namesOf(database, service);
  const { reader, writer } = names;
  for (const role of [writer, reader]) await again(() => createRole(session, role, isSuper ? undefined : login));
  await again(() => session.script(grantsTo(names)));
  const { rows: shared } = await session.query("select to_regnamespace('tenon_privacy') is not null as is_there", []);
  if (shared[0]?.["is_there"] === true) await again(() => session.script(keyGrants({ writer: quoteName(writer), reader: quoteName(reader) })));
  return names;
}

async function createRole(session: Session, role: string, member: string | undefined): Promise<void> {
  const { rows } = await session.query("select 1 from pg_roles where rolname = $1", [role]);
  if (rows.length === 0) await createUnlessThere(session, `create role ${quoteName(role)} nologin`);
  // A login that is no superuser can take a role only as its member.
  if (member !== undefined && !(await isMember(session, role))) await session.script(`grant ${quoteName(role)} to ${quoteName(member)}`);
}

async function isMember(session: Session, role: string): Promise<boolean> {
  // Being a member is enough before PostgreSQL 16; from 16 on, being allowed to SET ROLE is a right of its own.
  const { rows } = await session.query(
    `select case when current_setting('server_version_num')::int >= 160000 then pg_has_role(current_user, ${quoteText(role)}, 'SET') else pg_has_role(current_user, ${quoteText(role)}, 'MEMBER') end as is_member`,
    [],
  );
  return rows[0]?.["is_member"] === true;
}

/** The statements that make a service's schema and say what its roles may do there. */
export function grantsTo(names: ServiceNames): string {
  const [reader, schema, writer] = [names.reader, names.schema, names.writer].map(quoteName) as [string, string, string];
  const rows = "select, insert, update, delete, truncate";
  return `
    create schema if not exists ${schema};
    revoke all on schema ${schema} from public;
    grant usage on schema ${schema} to ${writer}, ${reader};
    grant ${rows} on all tables in schema ${schema} to ${writer};
    grant select on all tables in schema ${schema} to ${reader};
    grant usage, select, update on all sequences in schema ${schema} to ${writer};
    grant select on all sequences in schema ${schema} to ${reader};
    alter default privileges in schema ${schema} grant ${rows} on tables to ${writer};
    alter default privileges in schema ${schema} grant select on tables to ${reader};
    alter default privileges in schema ${schema} grant usage, select, update on sequences to ${writer};
    alter default privileges in schema ${schema} grant select on sequences to ${reader};
  `;
}

/** Keys of subjects are common to the services of a database. They are wrapped, so a service may read all of them. */
function keyGrants({ reader, writer }: { readonly writer: string; readonly reader: string }): string {
  return `
    grant usage on schema tenon_privacy to ${writer}, ${reader};
    grant select on tenon_privacy.keys, tenon_privacy.subjects to ${writer}, ${reader};
    grant insert on tenon_privacy.keys to ${writer};
  `;
}

/** Roles belong to the cluster: a process of another database is not kept out by the lock of this one. */
async function createUnlessThere(session: Session, text: string): Promise<void> {
  try {
    await session.script(text);
  } catch (error) {
    const isThere = error instanceof DatabaseError && (error.sqlState === "42710" || error.sqlState === "23505");
    if (!isThere) throw error;
  }
}

async function again(task: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await task();
      return;
    } catch (error) {
      // "tuple concurrently updated" has no state of its own.
      const isRace = error instanceof DatabaseError && (error.sqlState === "XX000" || error.sqlState === "40P01" || error.sqlState === "23505");
      if (!isRace || attempt === triesMax) throw error;
    }
  }
}
