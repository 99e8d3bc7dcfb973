/**
 * The unit of work of one attempt at a command: one transaction, opened at the first statement.
 *
 *     fresh ──first statement──► open ──commit──► ended
 *                                 │                 ▲
 *                                 └──rollback, or the call is canceled
 *
 * BEGIN travels with the first statement and the platform's own last statements with COMMIT, so a command of n
 * statements costs n + 1 trips to the server. When the call is canceled, the running statement is stopped and the
 * session given back at once, also when the handler does not notice.
 */
import type { TransactionSettings } from "kysely";
import { type Call, Touched } from "../calls/index.ts";
import type { Operation } from "../contract/index.ts";
import { Fault } from "../kernel/index.ts";
import { isStandby, outOfReach, toFailure, unknownCommit } from "./failures.ts";
import { DatabaseError, type Rows, type Session, type Statement } from "./ports.ts";
import { Reader, type ServiceParts } from "./reader.ts";
import type { HeldTarget, StatementTarget } from "./service-kysely.ts";
import { outcomeOf } from "./statement-spans.ts";
import { streamByCursor } from "./stream.ts";
import type { AnyDb } from "./tables.ts";
import { countTrip } from "./watch-trip.ts";

const beginning: Readonly<Record<Operation["isolation"], Statement>> = {
  "read committed": { text: "begin isolation level read committed", parameters: [] },
  "repeatable read": { text: "begin isolation level repeatable read", parameters: [] },
  serializable: { text: "begin isolation level serializable", parameters: [] },
};
const commitStatement: Statement = { text: "commit", parameters: [] };
const rollbackStatement: Statement = { text: "rollback", parameters: [] };

/** What became of a transaction. `unknown`: the connection was lost on the way to the server's answer. */
export type WorkEnd = "kept" | "undone" | "unknown";

export class Work implements StatementTarget {
  readonly #call: Call;
  readonly #parts: ServiceParts;
  #db: AnyDb | undefined = undefined;
  #reader: Reader | undefined = undefined;
  #state: "fresh" | "open" | "ended" = "fresh";
  /** The session once there is one; the promise of it while it is waited for. */
  #session: Session | undefined = undefined;
  #opening: Promise<Session> | undefined = undefined;
  #hasBegun = false;
  /** Statements sent: with the first one alone, a dead session can be replaced without anybody noticing. */
  #sent = 0;
  #last: (Statement | (() => Statement))[] = [];
  #openListeners: (() => unknown)[] | undefined = undefined;
  #commitListeners: (() => void)[] | undefined = undefined;
  #endListeners: ((end: WorkEnd) => void)[] | undefined = undefined;
  #locks: Set<bigint> | undefined = undefined;
  #failure: DatabaseError | undefined = undefined;
  #savepoints = 0;
  #cursors = 0;

  constructor(call: Call, parts: ServiceParts) {
    this.#call = call;
    this.#parts = parts;
  }

  /** The rows of the service in this transaction. */
  get db(): AnyDb {
    return (this.#db ??= this.#parts.kysely.over(this));
  }

  get met(): Touched {
    return (this.#call.touched ??= new Touched());
  }

  /** The rows as last committed, outside of this transaction. On a database with one session, inside of it once it is open. */
  get reader(): Reader {
    return (this.#reader ??= new Reader(this.#call, this.#parts, this));
  }

  /** Whether the transaction has been opened and not yet ended. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether there is nothing to commit or to undo. */
  get isUntouched(): boolean {
    return this.#state === "fresh" && this.#last.length === 0;
  }

  /** The statement that spoiled the transaction, where one did. */
  get failure(): DatabaseError | undefined {
    return this.#failure;
  }

  /** Waits for `listener` before the transaction is opened. */
  onOpen(listener: () => unknown): void {
    (this.#openListeners ??= []).push(listener);
  }

  /** Calls `listener` when what was done has been kept. Whoever waits for the commit hears of it in the same turn. */
  onCommit(listener: () => void): void {
    (this.#commitListeners ??= []).push(listener);
  }

  /** Calls `listener` once, when it is known what became of the transaction, or that it will not be known. */
  onEnd(listener: (end: WorkEnd) => void): void {
    (this.#endListeners ??= []).push(listener);
  }

  /** How many statements are to travel with COMMIT so far: a place to return to. */
  get lastMark(): number {
    return this.#last.length;
  }

  /** Takes back what was to travel with COMMIT since `mark`: the part of the transaction that asked for it was undone. */
  returnTo(mark: number): void {
    this.#last.length = Math.min(this.#last.length, mark);
  }

  /**
   * Takes an advisory lock just before the statements that travel with COMMIT, and holds it until the transaction is
   * over: whoever takes the same one commits in the same order.
   */
  lockAtCommit(lock: bigint): void {
    (this.#locks ??= new Set()).add(lock);
  }

  /** Adds a statement that travels with COMMIT, before it; a function is asked for it then. When it fails, nothing is kept. */
  atCommit(statement: Statement | (() => Statement)): void {
    this.#assertNotEnded();
    this.#last.push(statement);
  }

  /**
   * Runs one statement in the transaction.
   *
   * @throws {DatabaseError} a broken constraint and the like.
   * @throws {Fault} the database is out of reach or too slow, the call was canceled, or the transaction has ended.
   */
  async run(statement: Statement): Promise<Rows> {
    this.#assertNotEnded();
    this.#sent++;
    const span = this.#parts.spans.start(this.#call, statement.text);
    try {
      const result = await this.#send([statement]);
      span?.end();
      if (result.rows.length > 0) this.#call.saw(result.rows);
      return result;
    } catch (thrown) {
      span?.end(outcomeOf(thrown));
      if (thrown instanceof DatabaseError) {
        this.#failure ??= thrown;
        if (isStandby(thrown)) throw outOfReach(thrown);
      }
      throw toFailure(thrown, this.#call);
    }
  }

  hold<T>(task: (held: HeldTarget) => Promise<T>): Promise<T> {
    return task(new Savepoint(this, () => `tenon_${++this.#savepoints}`));
  }

  stream(statement: Statement, portion: number): AsyncIterable<Rows> {
    return streamByCursor((each) => this.run(each), statement, { name: `tenon_cursor_${++this.#cursors}`, portion });
  }

  /** A savepoint was returned to: what had failed since then has not happened. */
  forgive(): void {
    this.#failure = undefined;
  }

  /**
   * Keeps what was done. Does nothing when nothing was.
   *
   * @throws {DatabaseError} a serialization failure or a deferred constraint, among others; nothing is kept then.
   * @throws {Fault} `unavailable` when the connection was lost, so that it is not known whether anything is.
   */
  async commit(): Promise<void> {
    if (this.#call.canceled !== undefined) throw this.#call.canceled;
    if (this.#state === "ended") throw endedFault();
    if (this.#state === "fresh" && this.#last.length === 0) {
      this.#state = "ended";
      return;
    }
    const span = this.#parts.spans.start(this.#call, commitStatement.text);
    const last = this.#last.map((each) => (typeof each === "function" ? each() : each));
    const statements = [...this.#lockStatements(), ...last, commitStatement];
    if (span !== undefined && statements.length > 1) span.details = { attributes: { "db.operation.batch.size": statements.length } };
    const sending = this.#send(statements);
    this.#state = "ended"; // from here on a cancellation comes too late
    try {
      const { tag } = await sending;
      // The server answers COMMIT in a failed transaction with ROLLBACK, and no error.
      if (tag !== "COMMIT") throw this.#notKept();
      span?.end();
      this.#release();
      for (const listener of this.#commitListeners ?? []) listener();
      this.#tellEnd("kept");
    } catch (thrown) {
      span?.end(outcomeOf(thrown));
      this.#tellEnd(thrown instanceof DatabaseError && thrown.isConnectionLost ? "unknown" : "undone");
      await this.#discard();
      if (thrown instanceof DatabaseError && thrown.isConnectionLost) throw unknownCommit(thrown);
      throw toFailure(thrown, this.#call);
    }
  }

  /**
   * In one order for everybody, so that nobody waits in a circle. And the transaction gets its number here, before the
   * rows behind it get theirs, so that whoever sees a later row knows it for open or over.
   */
  #lockStatements(): readonly Statement[] {
    if (this.#locks === undefined) return [];
    const locks = [...this.#locks].toSorted((a, b) => (a < b ? -1 : 1));
    return [{ text: "select pg_advisory_xact_lock(lock), pg_current_xact_id() from unnest($1::bigint[]) as lock", parameters: [`{${locks.join(",")}}`] }];
  }

  /** Undoes what was done. Never fails: a session that cannot do it is closed, which does it. */
  async rollback(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#tellEnd("undone");
    await this.#discard();
  }

  #tellEnd(end: WorkEnd): void {
    const listeners = this.#endListeners;
    this.#endListeners = undefined;
    for (const listener of listeners ?? []) listener(end);
  }

  /** Sends statements in the transaction, after BEGIN where it has not begun. */
  async #send(statements: readonly Statement[]): Promise<Rows> {
    const session = this.#session ?? (await (this.#opening ??= this.#open()));
    if (this.#hasBegun) return this.#trip(session, statements);
    this.#hasBegun = true;
    const begun = [beginning[this.#call.operation.isolation], ...statements];
    try {
      return await this.#trip(session, begun);
    } catch (thrown) {
      // The session may have died while it lay in the pool. Nothing was committed, so nothing can be done twice.
      const isStale = thrown instanceof DatabaseError && thrown.isConnectionLost && this.#sent === 1 && this.#state === "open";
      if (!isStale || this.#call.canceled !== undefined) throw thrown;
      session.release("broken");
      this.#session = undefined;
      const fresh = await this.#parts.sessions.take("write", this.#call);
      if (this.#state !== "open") {
        fresh.release(); // rolled back in the meantime
        throw endedFault();
      }
      this.#session = fresh;
      return this.#trip(fresh, begun);
    }
  }

  #trip(session: Session, statements: readonly Statement[]): Promise<Rows> {
    return countTrip(this.#call, this.#parts.sessions.service, () => session.batch(statements));
  }

  async #open(): Promise<Session> {
    this.#state = "open";
    for (const listener of this.#openListeners ?? []) await listener();
    const session = await this.#parts.sessions.take("write", this.#call);
    this.#session = session;
    this.#call.onCancel(() => this.#cancel());
    return session;
  }

  /** Nobody waits any more: stops what runs, and undoes the rest without waiting for the handler. */
  #cancel(): void {
    if (this.#state !== "open") return;
    this.#session?.cancel();
    void this.rollback();
  }

  async #discard(): Promise<void> {
    const session = this.#session ?? (await this.#opening?.catch(() => undefined));
    if (session === undefined) return;
    try {
      if (this.#hasBegun) await session.query(rollbackStatement.text, rollbackStatement.parameters);
      // A connection to a standby is of no use: the next one is made to whoever takes writes by then.
      this.#release(this.#failure !== undefined && isStandby(this.#failure) ? "broken" : undefined);
    } catch {
      this.#release("broken"); // the server undoes what a lost connection had open
    }
  }

  #release(how?: "broken"): void {
    const session = this.#session;
    this.#session = undefined;
    session?.release(how);
  }

  #assertNotEnded(): void {
    if (this.#call.canceled !== undefined) throw this.#call.canceled;
    if (this.#state === "ended") throw endedFault();
  }

  #notKept(): DatabaseError {
    const why = "a statement in this transaction had failed and the handler went on, so nothing was kept: put what may fail into db.transaction()";
    return new DatabaseError(why, "25P02", { cause: this.#failure });
  }
}

function endedFault(): Fault {
  const why = new RangeError("a statement came after the transaction of its call had ended: await every statement before the handler returns");
  return new Fault("internal", "internal error", { cause: why });
}

/** `db.transaction()` inside of a command: a part that can be undone by itself. */
class Savepoint implements HeldTarget {
  readonly #work: Work;
  readonly #nextName: () => string;
  #name = "";
  #mark = 0;

  constructor(work: Work, nextName: () => string) {
    this.#work = work;
    this.#nextName = nextName;
  }

  get met(): Touched {
    return this.#work.met;
  }

  run(statement: Statement): Promise<Rows> {
    return this.#work.run(statement);
  }

  stream(statement: Statement, portion: number): AsyncIterable<Rows> {
    return this.#work.stream(statement, portion);
  }

  async begin(settings: TransactionSettings): Promise<void> {
    if (settings.isolationLevel !== undefined || settings.accessMode !== undefined) {
      throw new TypeError("a command is one transaction already: its isolation is said in the contract, and a part of it has none of its own");
    }
    this.#name = this.#nextName();
    this.#mark = this.#work.lastMark;
    await this.#control(`savepoint ${this.#name}`);
  }

  async commit(): Promise<void> {
    await this.#control(`release savepoint ${this.#name}`);
  }

  async rollback(): Promise<void> {
    await this.#control(`rollback to savepoint ${this.#name}`);
    this.#work.forgive();
    this.#work.returnTo(this.#mark);
  }

  async #control(text: string): Promise<void> {
    await this.#work.run({ text, parameters: [] });
  }
}
