/** Statements of the platform itself, each in a session that is held no longer than it runs. */
import { outOfReach } from "./failures.ts";
import { type Database, DatabaseError, type Rows, type SessionMode, type Statement } from "./ports.ts";

/** The longest wait for a free session, in ms: who works in the background can come again. */
const sessionWaitMs = 5_000;

export interface PlatformStatement extends Statement {
  /** The service whose database is meant, and whose rights are taken. */
  readonly service: string;
  readonly mode: SessionMode;
}

/**
 * Runs one statement by itself.
 *
 * @throws {Fault} `unavailable`: no session was free, or the connection was lost.
 * @throws {DatabaseError}
 */
export async function runStatement(database: Database, { mode, parameters, service, text }: PlatformStatement): Promise<Rows> {
  return withSession(database, { mode, service }, (session) => session.query(text, parameters));
}

/** A session for as long as `task` runs. */
export async function withSession<T>(
  database: Database,
  { mode, purpose = "work", service }: { readonly service: string; readonly mode: SessionMode; readonly purpose?: "work" | "watch" },
  task: (session: Awaited<ReturnType<Database["acquire"]>>) => Promise<T>,
): Promise<T> {
  const session = await database.acquire({ service, mode, purpose, timeoutMs: sessionWaitMs });
  try {
    const result = await task(session);
    session.release();
    return result;
  } catch (thrown) {
    const isLost = thrown instanceof DatabaseError && thrown.isConnectionLost;
    session.release(thrown instanceof DatabaseError && !isLost ? undefined : "broken");
    throw isLost ? outOfReach(thrown) : thrown;
  }
}
