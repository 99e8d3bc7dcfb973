/**
 * What is said in one trip to the server and back: a batch of statements, a script, a question about parameters.
 *
 * The statements of a batch travel in one write and end with one Sync, so that when one fails the server skips those
 * after it: BEGIN and the first statement, or the last statement and COMMIT, cost one trip and cannot come apart.
 */
import { affectedBy, type DatabaseError, type Field, RowReader, type Rows, type Statement, toParameter } from "../data/index.ts";
import { toDatabaseError } from "./errors.ts";
import type { Prepared, PreparedStatements } from "./prepared.ts";
import type { Exchange, Wire } from "./wire.ts";

export type Settle = (error: DatabaseError | undefined, outcome: Rows) => void;

const noRows: readonly Record<string, unknown>[] = Object.freeze([]);
export const nothing: Rows = Object.freeze({ rows: noRows, affected: 0, tag: "" });

abstract class BaseExchange implements Exchange {
  readonly #settle: Settle;
  protected outcome: Rows = nothing;

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  protected abstract send(wire: Wire): void;

  submit(wire: Wire): void {
    wire.stream.cork();
    try {
      this.send(wire);
    } finally {
      wire.stream.uncork();
    }
  }

  parseComplete(): void {}
  parameterDescription(_types: readonly number[]): void {}
  handleRowDescription(_message: { readonly fields: readonly Field[] }): void {}
  handleDataRow(_message: { readonly fields: readonly (string | null)[] }): void {}
  handleCommandComplete(_message: { readonly text: string }): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFail("COPY FROM STDIN is not supported here");
  }
  handleCopyData(): void {}

  handleReadyForQuery(): void {
    this.#settle(undefined, this.outcome);
  }

  handleError(error: Error): void {
    this.#settle(toDatabaseError(error), nothing);
  }
}

/** Statements with parameters. The outcome is that of the last. */
export class Batch extends BaseExchange {
  readonly #prepared: readonly Prepared[];
  readonly #values: readonly (readonly (string | Buffer | null)[])[];
  readonly #store: PreparedStatements;
  readonly #parsing: Prepared[] = [];
  #parsed = 0;
  #at = 0;
  #rows: Record<string, unknown>[] | undefined = undefined;

  /** @throws {TypeError} a parameter that JSON cannot hold; nothing has been sent then. */
  constructor(statements: readonly Statement[], plan: { readonly prepared: readonly Prepared[]; readonly store: PreparedStatements }, settle: Settle) {
    super(settle);
    this.#prepared = plan.prepared;
    this.#store = plan.store;
    this.#values = statements.map(({ parameters }, i) => toValues(parameters, plan.prepared[i]?.types));
  }

  protected override send(wire: Wire): void {
    for (const name of this.#store.takeClosing()) wire.close({ type: "S", name });
    for (let i = 0; i < this.#prepared.length; i++) {
      const prepared = this.#prepared[i] as Prepared;
      if (prepared.state === "new") {
        wire.parse({ name: prepared.name, text: prepared.text, types: [] });
        prepared.state = "sent";
        this.#parsing.push(prepared);
      }
      wire.bind({ portal: "", statement: prepared.name, values: this.#values[i] ?? [] });
      if (prepared.reader === undefined) wire.describe({ type: "P", name: "" });
      wire.execute({ portal: "", rows: 0 });
    }
    wire.sync();
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
  readonly #text: string;

  constructor(text: string, settle: Settle) {
    super(settle);
    this.#text = text;
  }

  protected override send(wire: Wire): void {
    wire.query(this.#text);
  }
}

/** Asks for the types of a statement's parameters. */
export class Describe extends BaseExchange {
  readonly #prepared: Prepared;
  readonly #store: PreparedStatements;

  constructor(prepared: Prepared, store: PreparedStatements, settle: Settle) {
    super(settle);
    this.#prepared = prepared;
    this.#store = store;
  }

  protected override send(wire: Wire): void {
    const { name, state, text } = this.#prepared;
    if (state === "new") {
      wire.parse({ name, text, types: [] });
      this.#prepared.state = "sent";
    }
    wire.describe({ type: "S", name });
    wire.sync();
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

function toValues(parameters: readonly unknown[], types: readonly number[] | undefined): (string | Buffer | null)[] {
  const values: (string | Buffer | null)[] = [];
  for (let i = 0; i < parameters.length; i++) {
    const value = toParameter(parameters[i], types?.[i]);
    // The wire knows bytes by the class Buffer alone.
    values.push(value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value);
  }
  return values;
}
