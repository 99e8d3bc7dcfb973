/**
 * What the data room asks of a database engine. Two adapters keep it: `pglite/` in process, `postgres/` over the wire.
 * `testing.ts` beside this file is the suite that both pass.
 */

export interface Rows {
  readonly rows: readonly Record<string, unknown>[];
  /** Rows that a command touched; 0 for a select. */
  readonly affected: number;
}

/**
 * One conversation with the database, held by one user at a time. Statements run in the order in which they were sent.
 *
 * Values come back as JSON has them: `bigint` and `int8` as number where safe and text beyond, `numeric` as text,
 * `timestamptz`, `timestamp` and `date` as ISO 8601 text, `bytea` as Uint8Array, `json` parsed.
 */
export interface Session {
  /** One statement with `$1`-style parameters. @throws {DatabaseError} */
  query(text: string, parameters: readonly unknown[]): Promise<Rows>;
  /** Several statements without parameters. @throws {DatabaseError} */
  script(text: string): Promise<void>;
  /** Gives the session back. Must be called exactly once. `broken`: it is in an unknown state and is closed. */
  release(how?: "broken"): void;
  /** Asks the server to stop the running statement; the statement then fails with `57014`. Does nothing when idle. */
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
  /** The service's name; ignored for `admin`. */
  readonly service: string;
  readonly mode: SessionMode;
  /** How long to wait for a free session, in ms. */
  readonly timeoutMs: number;
}

export interface Database {
  /** `pglite` or `postgresql`, and where: for messages. Holds no password. */
  readonly label: string;
  /** Waits for a free session. @throws {Fault} `unavailable` when there is none in time or the database is out of reach. */
  acquire(request: SessionRequest): Promise<Session>;
  close(): Promise<void>;
}

/** A failure that the database reported, with its SQLSTATE (PostgreSQL manual, appendix A). */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly sqlState: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;

  constructor(message: string, sqlState: string, more: { readonly constraint?: string | undefined; readonly table?: string | undefined; readonly cause?: unknown }) {
    super(message, { cause: more.cause });
    this.sqlState = sqlState;
    this.constraint = more.constraint;
    this.table = more.table;
  }
}
