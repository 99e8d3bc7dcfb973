/**
 * A database in which nothing is kept: work goes to the real one, in real transactions, and every way to end one by
 * keeping it is refused. For trying what a handler would do.
 *
 * It cannot take back what is outside of transactions: numbers that a sequence gave, locks of a session, what a function
 * of an extension did elsewhere. While a transaction is open it holds the locks of the rows that it changed, so it has
 * limits of time, shorter than those of usual work.
 */
import { type Database, DatabaseError, type Rows, type Session, type SessionRequest, type Statement } from "./ports.ts";

/** How long it waits for rows that somebody else has locked, in ms. */
const lockTimeoutMs = 2_000;
/** How long the server leaves a transaction open in which nothing happens: whoever tried may have died, in ms. */
const idleTimeoutMs = 15_000;

/** Made local to the transaction, so that the session is as before when it is given back. */
const limits: readonly Statement[] = [
  { text: `set local lock_timeout = ${lockTimeoutMs}`, parameters: [] },
  { text: `set local idle_in_transaction_session_timeout = ${idleTimeoutMs}`, parameters: [] },
];

/** Closing it is left to whoever opened the real one. */
export function createRehearsal(database: Database): Database {
  return {
    label: database.label,
    sessions: database.sessions,
    async acquire(request: SessionRequest): Promise<Session> {
      const session = await database.acquire(request);
      return request.mode === "read" ? session : new RehearsalSession(session);
    },
    close: async () => undefined,
  };
}

class RehearsalSession implements Session {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  query(text: string, parameters: readonly unknown[]) {
    return this.batch([{ text, parameters }]);
  }

  async batch(statements: readonly Statement[]): Promise<Rows> {
    for (const { text } of statements) assertKeepsNothing(text);
    const sent = statements.filter(({ text }) => !isRelease(text));
    const [first, ...rest] = sent;
    if (first === undefined) return released;
    const rows = await this.#session.batch(/^begin\b/i.test(commandOf(first.text)) ? [first, ...limits, ...rest] : sent);
    return sent.at(-1) === statements.at(-1) ? rows : released;
  }

  async script(text: string): Promise<void> {
    throw refused(text);
  }

  release(how?: "broken"): void {
    this.#session.release(how);
  }

  cancel(): void {
    this.#session.cancel();
  }
}

/**
 * A savepoint that is released stays open instead: it comes to the same, and its number stays known, by which what was
 * changed in it is found (`row-changes.ts`).
 */
function isRelease(text: string): boolean {
  return /^release\b/i.test(commandOf(text));
}

const released: Rows = { rows: [], affected: 0, tag: "RELEASE" };

function assertKeepsNothing(text: string): void {
  if (/^(?:commit|end|prepare\s+transaction)\b/i.test(commandOf(text))) throw refused(text);
}

/** A statement has one command, since each goes by itself: what it is stands in front, behind comments at most. */
function commandOf(text: string): string {
  return text.replace(/^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, "");
}

function refused(text: string): DatabaseError {
  const error = new DatabaseError("nothing is kept in a dry run, and this statement would end its transaction", "25000");
  error.statement = text;
  return error;
}
