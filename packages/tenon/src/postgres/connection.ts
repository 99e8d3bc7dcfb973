/**
 * One connection to the server: runs exchanges one after the other, in the order in which they were asked for.
 *
 * It is  idle → busy → idle …  and in the end  lost,  from which nothing leads back.
 */
import type { Client } from "pg";
import { DatabaseError, needsType, type Rows, type Statement } from "../data/index.ts";
import { Batch, Describe, nothing, Script, type Settle } from "./exchanges.ts";
import { type Prepared, PreparedStatements } from "./prepared.ts";
import { type Exchange, type WireClient, wireOf } from "./wire.ts";

export interface ConnectionOptions {
  readonly preparedMax: number;
  /** Asks the server to stop what the client runs. */
  readonly requestCancel: (client: WireClient) => Promise<void>;
  readonly onLost: (connection: Connection) => void;
}

/** Makes the exchange once it is its turn. */
interface Job {
  readonly start: (settle: Settle) => void;
  readonly settle: Settle;
}

export class Connection {
  readonly #client: Client;
  readonly #wire: WireClient;
  readonly #options: ConnectionOptions;
  readonly #statements: PreparedStatements;
  readonly #waiting: Job[] = [];
  #exchange: Exchange | undefined = undefined;
  #isBusy = false;
  #isLost = false;
  #canceling: Promise<void> | undefined = undefined;
  /** When the running exchange began, and when it was asked to stop, in ms of `performance.now()`. */
  busySinceMs: number | undefined = undefined;
  canceledAtMs: number | undefined = undefined;
  /** When it was last given back. */
  idleSinceMs = 0;
  /** Whether it was used before: it may have died unnoticed since. */
  wasUsed = false;

  /** @param client  Connected. */
  constructor(client: Client, options: ConnectionOptions) {
    this.#client = client;
    this.#wire = wireOf(client);
    this.#options = options;
    this.#statements = new PreparedStatements(options.preparedMax);
    this.#wire.connection.on("parseComplete", () => this.#exchange?.parseComplete());
    this.#wire.connection.on("parameterDescription", (message) => this.#exchange?.parameterDescription(message.dataTypeIDs));
    // After the client's own listener: its state is that of this answer by then.
    this.#wire.connection.on("readyForQuery", () => this.#exchange?.settleFailure());
    // Errors between statements, such as a server that shuts down. One without a listener would end the process.
    client.on("error", () => this.#lose());
    client.on("end", () => this.#lose());
  }

  get isUsable(): boolean {
    return !this.#isLost;
  }

  /** Nothing is running, nothing waits, no transaction is open. */
  get isClean(): boolean {
    return !this.#isBusy && this.#waiting.length === 0 && this.#client.getTransactionStatus() === "I";
  }

  /** Whether a cancel request may still be on its way to the server. */
  get isCanceling(): boolean {
    return this.#canceling !== undefined;
  }

  run(statements: readonly Statement[]): Promise<Rows> {
    return this.#ask((settle) => this.#startBatch(statements, settle));
  }

  script(text: string): Promise<Rows> {
    return this.#ask((settle) => this.#send(new Script(text, settle)));
  }

  cancel(): void {
    if (!this.#isBusy || this.#canceling !== undefined) return;
    this.canceledAtMs = performance.now();
    const request = this.#options.requestCancel(this.#wire).then(() => {
      if (this.#canceling === request) this.#canceling = undefined;
    });
    this.#canceling = request;
  }

  /**
   * Waits until a cancel request can hit nothing any more. The server signals before it closes the request's
   * connection, so one empty statement after that takes a signal that came too late for its own.
   */
  async settleCancel(): Promise<void> {
    await this.#canceling;
    await this.script("").catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || error.sqlState !== "57014") throw error;
    });
  }

  /** Says goodbye where the server still listens. */
  async close(): Promise<void> {
    if (this.#isLost) return;
    this.#isLost = true;
    await this.#client.end();
  }

  /** Cuts the line. Whatever runs fails with `08006`. */
  destroy(): void {
    this.#wire.connection.stream.destroy();
    this.#lose();
  }

  #ask(start: (settle: Settle) => void): Promise<Rows> {
    return new Promise((resolve, reject) => {
      const settle: Settle = (error, outcome) => (error === undefined ? resolve(outcome) : reject(error));
      this.#waiting.push({ start, settle });
      if (!this.#isBusy) this.#next();
    });
  }

  #next(): void {
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#isBusy = false;
      this.busySinceMs = undefined;
      return;
    }
    this.#isBusy = true;
    this.busySinceMs = performance.now();
    const settle: Settle = (error, outcome) => {
      this.#exchange = undefined;
      this.canceledAtMs = undefined;
      this.#next(); // before the answer is seen, so that a statement sent in reply to it stays in order
      job.settle(error, outcome);
    };
    guard(settle, () => job.start(settle));
  }

  #startBatch(statements: readonly Statement[], settle: Settle): void {
    const prepared = statements.map((statement) => this.#statements.find(statement.text));
    const unknown = prepared.filter((each, i) => each.types === undefined && statements[i]?.parameters.some(needsType) === true);
    const send = (): void => this.#send(new Batch(statements, { prepared, store: this.#statements }, settle));
    if (unknown.length === 0) send();
    else this.#describe(unknown, settle, send);
  }

  #describe(unknown: readonly Prepared[], settle: Settle, then: () => void): void {
    const [first, ...rest] = unknown;
    if (first === undefined) {
      guard(settle, then);
      return;
    }
    this.#send(
      new Describe(first, this.#statements, (error, outcome) => {
        if (error === undefined) this.#describe(rest, settle, then);
        else settle(error, outcome);
      }),
    );
  }

  #send(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#wire.query(exchange);
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#exchange?.settleFailure(); // a fatal one, after which no answer comes
    this.#options.onLost(this);
  }
}

/** Settles what cannot even be sent, such as a value that refers to itself. The line is still good then. */
function guard(settle: Settle, start: () => void): void {
  try {
    start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    settle(new DatabaseError(`a statement cannot be sent: ${reason}`, "22023", { cause: error }), nothing);
  }
}
