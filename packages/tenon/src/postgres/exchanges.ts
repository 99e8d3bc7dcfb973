/**
 * What is said in one trip to the server and back: a batch of statements, a script, a question about parameters.
 *
 * The statements of a batch travel in one write and end with one Sync, so that when one fails the server skips those
 * after it: BEGIN and the first statement, or the last statement and COMMIT, cost one trip and cannot come apart.
 */
import { affectedBy, type DatabaseError, type Field, MessageWriter, RowReader, type Rows, type Statement, toParameters } from "../data/index.ts";
import { toDatabaseError } from "./errors.ts";
import type { Prepared, PreparedStatements } from "./prepared.ts";
import type { Exchange, Wire } from "./wire.ts";

export type Settle = (error: DatabaseError | undefined, outcome: Rows) => void;

const noRows: readonly Record<string, unknown>[] = Object.freeze([]);
export const nothing: Rows = Object.freeze({ rows: noRows, affected: 0, tag: "" });

abstract class BaseExchange implements Exchange {
  readonly #settle: Settle;
  protected outcome: Rows = nothing;
  #failure: DatabaseError | undefined = undefined;

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  /** Written before it is this exchange's turn: what cannot be written must not leave half of it on the line. */
  protected abstract readonly bytes: Uint8Array;

  submit(wire: Wire): void {
    if (wire.stream.writable) wire.stream.write(this.bytes);
  }

  parseComplete(): void {}
  parameterDescription(_types: readonly number[]): void {}
  handleRowDescription(_message: { readonly fields: readonly Field[] }): void {}
  handleDataRow(_message: { readonly fields: readonly (string | null)[] }): void {}
  handleCommandComplete(_message: { readonly text: string }): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(wire: Wire): void {
    wire.stream.write(new MessageWriter().copyFail("COPY FROM STDIN is not supported here").finish());
  }
  handleCopyData(): void {}

  handleReadyForQuery(): void {
    this.#settle(undefined, this.outcome);
  }

  /** The server goes on after most failures, and only with ReadyForQuery says in which state. */
  handleError(error: Error): void {
    this.#failure = toDatabaseError(error);
    if (this.#failure.isConnectionLost) this.settleFailure();
  }

  settleFailure(): void {
    if (this.#failure === undefined) return;
    const failure = this.#failure;
    this.#failure = undefined;
    this.#settle(failure, nothing);
  }
}

/** Statements with parameters. The outcome is that of the last. */
export class Batch extends BaseExchange {
  protected override readonly bytes: Uint8Array;
  readonly #prepared: readonly Prepared[];
  readonly #store: PreparedStatements;
  readonly #parsing: Prepared[] = [];
  #parsed = 0;
  #at = 0;
  #rows: Record<string, unknown>[] | undefined = undefined;

  /** @throws {TypeError | RangeError} something that cannot be sent; nothing has been then. */
  constructor(statements: readonly Statement[], plan: { readonly prepared: readonly Prepared[]; readonly store: PreparedStatements }, settle: Settle) {
    super(settle);
    this.#prepared = plan.prepared;
    this.#store = plan.store;
    const writer = new MessageWriter();
    for (const name of plan.store.closing) writer.closeStatement(name);
    for (let i = 0; i < statements.length; i++) this.#write(writer, plan.prepared[i] as Prepared, (statements[i] as Statement).parameters);
    this.bytes = writer.sync().finish();
    for (const prepared of this.#parsing) prepared.state = "sent";
    plan.store.clearClosing();
  }

  #write(writer: MessageWriter, prepared: Prepared, parameters: readonly unknown[]): void {
    if (prepared.state === "new" && !this.#parsing.includes(prepared)) {
      writer.parse(prepared.name, prepared.text);
      this.#parsing.push(prepared);
    }
    writer.bind(prepared.name, toParameters(parameters, prepared.types));
    if (prepared.reader === undefined) writer.describePortal();
    writer.execute();
  }

  override parseComplete(): void {
    const prepared = this.#parsing[this.#parsed++];
    if (prepared !== undefined) prepared.state = "ready";
  }

  override handleRowDescription(message: { readonly fields: readonly Field[] }): void {
    const prepared = this.#prepared[this.#at];
    if (prepared !== undefined) prepared.reader = new RowReader(message.fields);
  }

  override handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
    const reader = this.#prepared[this.#at]?.reader;
    if (reader === null || reader === undefined) return;
    (this.#rows ??= []).push(reader.read(message.fields));
  }

  override handleCommandComplete(message: { readonly text: string }): void {
    const prepared = this.#prepared[this.#at++];
    if (prepared !== undefined) prepared.reader ??= null;
    this.outcome = { rows: this.#rows ?? noRows, affected: affectedBy(message.text), tag: message.text };
    this.#rows = undefined;
  }

  override handleEmptyQuery(): void {
    this.handleCommandComplete({ text: "" });
  }

  /** The server has ignored the Sync of this batch as it waited for rows, and needs another one to end it. */
  override handleCopyInResponse(wire: Wire): void {
    super.handleCopyInResponse(wire);
    wire.stream.write(new MessageWriter().sync().finish());
  }

  override handleError(error: Error): void {
    const failure = toDatabaseError(error);
    // Whatever was skipped or refused is not on the server.
    for (const prepared of this.#prepared) if (prepared.state === "sent") this.#store.forget(prepared);
    if (failure.isStalePlan) for (const prepared of this.#prepared) this.#store.forget(prepared);
    failure.statement = this.#prepared[this.#at]?.text;
    super.handleError(failure);
  }
}

/** Statements without parameters, in one text. */
export class Script extends BaseExchange {
  protected override readonly bytes: Uint8Array;

  constructor(text: string, settle: Settle) {
    super(settle);
    this.bytes = new MessageWriter().query(text).finish();
  }
}

/** Asks for the types of a statement's parameters. */
export class Describe extends BaseExchange {
  protected override readonly bytes: Uint8Array;
  readonly #prepared: Prepared;
  readonly #store: PreparedStatements;

  constructor(prepared: Prepared, store: PreparedStatements, settle: Settle) {
    super(settle);
    this.#prepared = prepared;
    this.#store = store;
    const writer = new MessageWriter();
    if (prepared.state === "new") writer.parse(prepared.name, prepared.text);
    this.bytes = writer.describeStatement(prepared.name).sync().finish();
    if (prepared.state === "new") prepared.state = "sent";
  }

  override parseComplete(): void {
    this.#prepared.state = "ready";
  }

  override parameterDescription(types: readonly number[]): void {
    this.#prepared.types = types;
  }

  override handleError(error: Error): void {
    if (this.#prepared.state === "sent") this.#store.forget(this.#prepared);
    const failure = toDatabaseError(error);
    failure.statement = this.#prepared.text;
    super.handleError(failure);
  }
}
