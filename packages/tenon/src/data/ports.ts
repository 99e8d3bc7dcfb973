/**
 * What the data room asks of a database engine. Two adapters keep it: `pglite/` in process, `postgres/` over the wire.
 * `testing.ts` beside this file is the suite that both pass.
 */
export interface Rows {
  /** By column name, as the database has it. */
  readonly rows: readonly Record<string, unknown>[];
  /** Rows that a command touched; 0 for a select. */
  readonly affected: number;
  /** The database's word for what was done: `INSERT 0 1`, `COMMIT`. */
  readonly tag: string;
}

export interface Statement {
  readonly text: string;
  /** For `$1`, `$2`, ... in the text. */
  readonly parameters: readonly unknown[];
}

/**
 * One conversation with the database, held by one user at a time. Statements run in the order in which they were sent;
 * a statement may be sent before the one ahead of it has answered.
 *
 * Values come back as JSON has them: `bigint` and `int8` as number where safe and text beyond, `numeric` as text,
 * `timestamptz` and `timestamp` as ISO 8601 text (in UTC), `date` likewise, `interval` as an ISO 8601 duration,
 * `bytea` as Uint8Array, `json` parsed, arrays as arrays. Any other type is the text that the database prints.
 *
 * Parameters go the same way, and besides: `Date` as an instant, a plain object as JSON, an array as JSON where the
 * parameter is JSON and as an array elsewhere, `undefined` as null.
 */
export interface Session {
  /** One statement with `$1`-style parameters. @throws {DatabaseError} */
  query(text: string, parameters: readonly unknown[]): Promise<Rows>;
  /**
   * Statements that travel together, such as BEGIN and the first of a transaction. When one fails, those after it are
   * not run. Answers what the last one gave. @throws {DatabaseError}
   */
  batch(statements: readonly Statement[]): Promise<Rows>;
  /** Several statements without parameters, in one text. @throws {DatabaseError} */
  script(text: string): Promise<void>;
  /**
   * Gives the session back. Must be called exactly once. `broken`: it is in an unknown state and is closed. A session
   * that is given back inside a transaction is treated as broken.
   */
  release(how?: "broken"): void;
  /** Asks the server to stop the running statement, which then fails with `57014`. Does nothing when idle. */
  cancel(): void;
}

/** Which rights a session has. */
export type SessionMode =
  /** Read-only, in the service's role for reading. */
  | "read"
  /** The service's own role: its schema and nothing else. */
  | "write"
  /** The owner of all schemas: migrations and the platform's own set-up. */
  | "admin";

export interface SessionRequest {
  /** The service's name. For `admin` it says which service's database is meant, where services have databases apart; empty is the common one. */
  readonly service: string;
  readonly mode: SessionMode;
  /** How long to wait for a free session, in ms. */
  readonly timeoutMs: number;
  /**
   * `watch`: to see how the service does, and to write that down, which has to go on where its sessions have run out: an engine
   * with many of them keeps one beyond the others for it. Default `work`.
   */
  readonly purpose?: "work" | "watch";
}

export interface Database {
  /** `pglite` or `postgresql`, and where: for messages. Holds no password. */
  readonly label: string;
  /**
   * `one`: a session is held alone, and whoever wants another waits for it, so nobody may ask for a second while
   * holding the first. Such an engine cannot cancel either.
   */
  readonly sessions: "one" | "many";
  /** Waits for a free session. @throws {Fault} `unavailable` when there is none in time or the database is out of reach. */
  acquire(request: SessionRequest): Promise<Session>;
  /**
   * Hears what others tell by `pg_notify(channel, payload)`. Missing where there are no others: one process has the
   * engine to itself. Resolves at once, and connects, and connects again, in the background.
   *
   * @param onNotice  Gets the payload; `undefined` after a time in which some may have been missed.
   */
  listen?(channel: string, onNotice: (payload: string | undefined) => void): Listening;
  /** What it holds at present, for metrics. Missing where there is nothing to tell. */
  pools?(): readonly PoolFigures[];
  /** Waits for sessions to be given back, then closes them. Idempotent. */
  close(): Promise<void>;
}

/** One pool of sessions at this moment. */
export interface PoolFigures {
  /** The service whose sessions they are; empty where services share them. */
  readonly service: string;
  /** Empty where all modes share them. */
  readonly mode: SessionMode | "";
  /** Sessions that somebody holds. */
  readonly inUse: number;
  /** Sessions that are open and held by nobody. */
  readonly idle: number;
  /** Sessions there may be. */
  readonly max: number;
  /** Who waits for one. */
  readonly waiting: number;
}

export interface Listening {
  /** Idempotent. */
  close(): Promise<void>;
}

export interface DatabaseErrorMore {
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** Where in the statement, in characters from 1. */
  readonly position?: number | undefined;
  readonly isStalePlan?: boolean;
  readonly cause?: unknown;
}

/** A failure that the database reported, with its SQLSTATE (PostgreSQL manual, appendix A). */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  /** `08006` where the connection was lost, whatever the network said. */
  readonly sqlState: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;
  readonly hint: string | undefined;
  /** Where in the statement, in characters from 1. */
  readonly position: number | undefined;
  /** A prepared statement met a table that a migration had changed since. The next attempt prepares it anew. */
  readonly isStalePlan: boolean;
  /** The statement that failed, without its parameters. */
  statement: string | undefined = undefined;
  /** Private, so that no log shows it: it may quote values of rows. */
  readonly #detail: string | undefined;

  constructor(message: string, sqlState: string, more: DatabaseErrorMore = {}) {
    super(sqlState.startsWith("22") ? withoutValue(message) : message, "cause" in more ? { cause: more.cause } : undefined);
    this.sqlState = sqlState;
    this.constraint = more.constraint;
    this.table = more.table;
    this.hint = more.hint;
    this.position = more.position;
    this.isStalePlan = more.isStalePlan ?? false;
    this.#detail = more.detail;
  }

  /** The database's second sentence. May quote values of rows: not for logs or callers. */
  get detail(): string | undefined {
    return this.#detail;
  }

  /** The server was lost, or is going away: whether what was sent has been done is not known. */
  get isConnectionLost(): boolean {
    return this.sqlState.startsWith("08") || this.sqlState.startsWith("57P");
  }
}

/** What class 22, data exceptions, quotes is a value: `invalid input syntax for type uuid: "…"`. A value may hold quotes. */
function withoutValue(message: string): string {
  return message.replace(/"[\s\S]*"/, '"…"');
}
