/** What an erasure does in one service, and how it ends: the same for whoever asks, the command line or a service of the app. */
import { type Database, quoteName, type RunStatement, schemaOf, type Session, withSession } from "../data/index.ts";
import { RecordSeals } from "./record-seals.ts";
import { eraseRows, type ServiceTables, type TableOutcome } from "./subject-rows.ts";
import { eraseRuns, lockErasure, type RunsOutcome } from "./subject-runs.ts";
import { findTraces, type KeptTrace } from "./subject-traces.ts";
import type { Vault } from "./vault.ts";

export interface ServiceReport {
  readonly service: string;
  readonly tables: readonly TableOutcome[];
  /** Runs of workflows that tell of the person; left out where there is none. */
  readonly runs?: RunsOutcome | undefined;
  /** What the platform keeps for the service and cannot be read any more, by its table: how many. */
  readonly unreadable: Readonly<Record<string, number>>;
}

export interface ErasureParts {
  readonly subject: string;
  readonly vault: Vault;
}

const keyIdsText = "select id from tenon_privacy.keys where purpose = 'subject' and subject = $1 and wrapped is not null";
const destroyText = "update tenon_privacy.keys set wrapped = null, destroyed_at = now() where purpose = 'subject' and subject = $1 and wrapped is not null";

/** Removes rows and runs of a person in one service. @param session  In a transaction, with the rights of an administrator. */
export async function eraseFrom(session: Session, service: ServiceTables, { subject, vault }: ErasureParts): Promise<ServiceReport> {
  const { rows } = await session.query(keyIdsText, [subject]);
  return inSchema(session, service.name, async (run) => {
    const traces = await findTraces(rows.map((row) => row["id"] as string), run);
    const runs = await eraseRuns(subject, { run, seals: new RecordSeals(vault, service.name) });
    const tables = await eraseRows(service, subject, run);
    return { service: service.name, tables, ...(runs.found === 0 ? {} : { runs }), unreadable: countByTable(traces) };
  });
}

/**
 * Destroys the keys of a person, once no run is left that they are needed for.
 *
 * @param session  In a transaction, with the rights of an administrator. @returns How many keys there were.
 */
export async function destroyKeys(session: Session, services: readonly ServiceTables[], { subject, vault }: ErasureParts): Promise<number> {
  await lockErasure(subject, runIn(session));
  for (const { name } of services) await inSchema(session, name, (run) => eraseRuns(subject, { run, seals: new RecordSeals(vault, name) }));
  return (await session.query(destroyText, [subject])).affected;
}

export async function inAdminTransaction<T>(database: Database, service: string, task: (session: Session) => Promise<T>): Promise<T> {
  return withSession(database, { service, mode: "admin" }, async (session) => {
    await session.query("begin", []);
    try {
      const result = await task(session);
      await session.query("commit", []);
      return result;
    } catch (thrown) {
      await session.query("rollback", []);
      throw thrown;
    }
  });
}

/** Statements name tables of a service without its schema; at the end of the transaction the path is what it was. */
export async function inSchema<T>(session: Session, service: string, task: (run: RunStatement) => Promise<T>): Promise<T> {
  await session.query("select set_config('search_path', $1, true)", [`${quoteName(schemaOf(service))}, public`]);
  return task(runIn(session));
}

function runIn(session: Session): RunStatement {
  return ({ parameters, text }) => session.query(text, parameters);
}

function countByTable(traces: readonly KeptTrace[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { table } of traces) counts[table] = (counts[table] ?? 0) + 1;
  return counts;
}
