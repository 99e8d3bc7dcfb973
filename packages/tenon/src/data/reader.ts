/**
 * Rows as last committed, for one call: every statement takes a session for reading and gives it back at once. Only
 * `db.transaction()`, `db.connection()` and a stream hold one for longer.
 *
 * The server refuses to write in such a session, twice over: the role may not, and the transaction is read-only. On a
 * database with one session, a command that has opened its transaction reads inside of it, because there is no other.
 */
import type { TransactionSettings } from "kysely";
import { type Call, Touched } from "../calls/index.ts";
import type { RecordedSpan } from "../telemetry/index.ts";
import { toFailure } from "./failures.ts";
import { DatabaseError, type Rows, type Session, type Statement } from "./ports.ts";
import type { HeldTarget, ServiceKysely, StatementTarget } from "./service-kysely.ts";
import type { SessionSource } from "./session-source.ts";
import { outcomeOf, type StatementSpans } from "./statement-spans.ts";
import { streamByCursor } from "./stream.ts";
import type { AnyDb } from "./tables.ts";
import { countTrip } from "./watch-trip.ts";

/** What the units of a service's calls are made of. */
export interface ServiceParts {
  readonly kysely: ServiceKysely;
  readonly sessions: SessionSource;
  readonly spans: StatementSpans;
}

/** The transaction of the same call. */
interface OwnTransaction extends StatementTarget {
  readonly isOpen: boolean;
}

/** Tries of one statement. */
const attemptsMax = 3;

export class Reader implements StatementTarget {
  readonly #call: Call;
  readonly #parts: ServiceParts;
  readonly #own: OwnTransaction | undefined;
  readonly #active = new Set<Session>();
  #db: AnyDb | undefined = undefined;
  #isListening = false;

  constructor(call: Call, parts: ServiceParts, own?: OwnTransaction) {
    this.#call = call;
    this.#parts = parts;
    this.#own = own;
  }

  get db(): AnyDb {
    return (this.#db ??= this.#parts.kysely.over(this));
  }

  get met(): Touched {
    return (this.#call.touched ??= new Touched());
  }

  async run(statement: Statement): Promise<Rows> {
    const within = this.#within;
    if (within !== undefined) return within.run(statement);
    return spanned(this.#start(statement), () => this.#runAttempts(statement));
  }

  async #runAttempts(statement: Statement): Promise<Rows> {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await this.#runOnce(statement);
        if (result.rows.length > 0) this.#call.saw(result.rows);
        return result;
      } catch (thrown) {
        // It read, and nothing else: a session that died in the pool, or that knew a table as it was, is no matter.
        const isPassing = thrown instanceof DatabaseError && (thrown.isConnectionLost || thrown.isStalePlan);
        if (!isPassing || attempt === attemptsMax || this.#call.canceled !== undefined) throw this.#toFailure(thrown, statement);
      }
    }
  }

  async hold<T>(task: (held: HeldTarget) => Promise<T>): Promise<T> {
    const within = this.#within;
    if (within !== undefined) return within.hold(task);
    return this.#withSession((session) => task(this.#held(session)));
  }

  async *stream(statement: Statement, portion: number): AsyncGenerator<Rows> {
    // Whoever reads the stream sets the pace, and must not keep everybody else out for so long.
    if (this.#parts.sessions.database.sessions === "one") {
      yield this.run(statement);
      return;
    }
    const session = await this.#take();
    let isDone = false;
    try {
      yield* this.#held(session).stream(statement, portion);
      isDone = true;
    } finally {
      // Whoever reads may stop early, and the session is as good as before once its transaction is over.
      if (!isDone) await session.query("rollback", []).catch(() => undefined);
      this.#giveBack(session);
    }
  }

  get #within(): OwnTransaction | undefined {
    return this.#parts.sessions.database.sessions === "one" && this.#own?.isOpen === true ? this.#own : undefined;
  }

  #start(statement: Statement): RecordedSpan | undefined {
    return this.#parts.spans.start(this.#call, statement.text);
  }

  #trip(session: Session, statement: Statement): Promise<Rows> {
    return countTrip(this.#call, this.#parts.sessions.service, () => session.query(statement.text, statement.parameters));
  }

  #held(session: Session): HeldReader {
    const { saw, start, trip } = { saw: (rows: readonly unknown[]) => this.#call.saw(rows), start: (statement: Statement) => this.#start(statement), trip: (statement: Statement) => this.#trip(session, statement) };
    return new HeldReader({ saw, start, trip, met: () => this.met, toFailure: (thrown, statement) => this.#toFailure(thrown, statement) });
  }

  #runOnce(statement: Statement): Promise<Rows> {
    return this.#withSession((session) => this.#trip(session, statement));
  }

  async #withSession<T>(task: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#take();
    try {
      const result = await task(session);
      this.#giveBack(session);
      return result;
    } catch (error) {
      this.#giveBack(session, error instanceof DatabaseError && error.isConnectionLost ? "broken" : undefined);
      throw error;
    }
  }

  async #take(): Promise<Session> {
    const session = await this.#parts.sessions.take("read", this.#call);
    this.#active.add(session);
    if (!this.#isListening) {
      this.#isListening = true;
      this.#call.onCancel(() => {
        for (const active of this.#active) active.cancel();
      });
    }
    return session;
  }

  #giveBack(session: Session, how?: "broken"): void {
    this.#active.delete(session);
    session.release(how);
  }

  #toFailure(thrown: unknown, statement: Statement): unknown {
    if (thrown instanceof DatabaseError && isRefusedWrite(thrown, statement)) {
      return new DatabaseError(`${thrown.message}. A query only reads: make the operation a command`, thrown.sqlState, { cause: thrown });
    }
    return toFailure(thrown, this.#call);
  }
}

/** 25006: the transaction is read-only. 42501: the role may not. */
function isRefusedWrite(error: DatabaseError, statement: Statement): boolean {
  return error.sqlState === "25006" || (error.sqlState === "42501" && /^\s*(?:insert|update|delete|merge|truncate)\b/i.test(statement.text));
}

/** Ends a span as its task ends. */
async function spanned(span: RecordedSpan | undefined, task: () => Promise<Rows>): Promise<Rows> {
  if (span === undefined) return task();
  try {
    const rows = await task();
    span.end();
    return rows;
  } catch (thrown) {
    span.end(outcomeOf(thrown));
    throw thrown;
  }
}

interface HeldParts {
  readonly met: () => Touched;
  readonly saw: (rows: readonly unknown[]) => void;
  readonly toFailure: (thrown: unknown, statement: Statement) => unknown;
  /** Begins the span of a statement. */
  readonly start: (statement: Statement) => RecordedSpan | undefined;
  /** Sends it in the session that is held. */
  readonly trip: (statement: Statement) => Promise<Rows>;
}

/** One session for reading, held: `db.transaction()` in a query sees one state of the database throughout. */
class HeldReader implements HeldTarget {
  readonly #parts: HeldParts;
  #hasBegun = false;

  constructor(parts: HeldParts) {
    this.#parts = parts;
  }

  get met(): Touched {
    return this.#parts.met();
  }

  async run(statement: Statement): Promise<Rows> {
    try {
      const result = await spanned(this.#parts.start(statement), () => this.#parts.trip(statement));
      if (result.rows.length > 0) this.#parts.saw(result.rows);
      return result;
    } catch (thrown) {
      throw this.#parts.toFailure(thrown, statement);
    }
  }

  async *stream(statement: Statement, portion: number): AsyncGenerator<Rows> {
    const isOwn = !this.#hasBegun; // a cursor lives in a transaction
    if (isOwn) await this.begin({});
    yield* streamByCursor((each) => this.run(each), statement, { name: "tenon_cursor", portion });
    if (isOwn) await this.commit();
  }

  async begin(settings: TransactionSettings): Promise<void> {
    // One state throughout is what a transaction that only reads is for.
    const level = settings.isolationLevel ?? "repeatable read";
    await this.run({ text: `begin isolation level ${level} read only`, parameters: [] });
    this.#hasBegun = true;
  }

  async commit(): Promise<void> {
    await this.run({ text: "commit", parameters: [] });
  }

  async rollback(): Promise<void> {
    await this.run({ text: "rollback", parameters: [] });
  }
}
