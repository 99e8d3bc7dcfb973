/**
 * Kysely for a service. Everything that does not depend on a call (compiler, dialect, driver) is made once; a Kysely
 * for one call is then two small objects on top.
 *
 * Statements do not pass through Kysely's own pool or plugins: a {@link StatementTarget} says where they run.
 */
import {
  type CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type IdentifierNode,
  Kysely,
  type KyselyProps,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import type { ClassifiedRows } from "./classified-rows.ts";
import { NameCache, toCamelCase, toCamelRows, toSnakeCase } from "./column-case.ts";
import type { MetData, RunStatement } from "./field-vault.ts";
import { quoteName } from "./names.ts";
import type { Rows, Statement } from "./ports.ts";
import type { Noted, SealedHere } from "./sealed-values.ts";
import type { QueryFacts, WrittenRows } from "./sealing-compiler.ts";
import type { AnyDb } from "./tables.ts";

/** Where statements go: the transaction of a command, or sessions for reading. */
export interface StatementTarget {
  /** Is told whose data statements meet; left out, nobody is. */
  readonly met?: MetData;
  /** Runs one statement, wherever that may be. */
  run(statement: Statement): Promise<Rows>;
  /** Runs `task` with several statements in one session. */
  hold<T>(task: (held: HeldTarget) => Promise<T>): Promise<T>;
  /** Rows in portions of `portion` at most. */
  stream(statement: Statement, portion: number): AsyncIterable<Rows>;
}

/** One session, held for several statements. */
export interface HeldTarget {
  readonly met?: MetData;
  run(statement: Statement): Promise<Rows>;
  stream(statement: Statement, portion: number): AsyncIterable<Rows>;
  begin(settings: TransactionSettings): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

type AnyRow = Record<string, unknown>;

/** What stands around the statements of a service with encrypted columns. */
export interface Sealing {
  compiler(quoted: NameCache): QueryCompiler;
  factsOf(query: CompiledQuery): QueryFacts;
  /** Answers at once where the keys are at hand. @param noted  Is told what was sealed. */
  prepare(statement: Statement, run: RunStatement, noted?: Noted): Statement | Promise<Statement>;
  /** @param where.here  What need not be opened. */
  open(rows: readonly AnyRow[], run: RunStatement, where?: Noted & { readonly columns?: readonly string[] | undefined }): void | Promise<void>;
  assertNoneSealed(rows: readonly AnyRow[]): void;
  /** For one Kysely over a target: what it has sealed it need not open. */
  remember(): SealedHere;
}

export class ServiceKysely {
  readonly #names = { quoted: new NameCache((name) => quoteName(toSnakeCase(name))), camel: new NameCache(toCamelCase) };
  readonly #compiler: QueryCompiler;
  readonly #sealing: Sealing | undefined;
  readonly #classified: ClassifiedRows | undefined;
  readonly #adapter: DialectAdapter = new PostgresAdapter();
  readonly #base: Omit<KyselyProps, "executor">;

  /** @param around.sealing  For a service with encrypted columns. @param around.classified  For one with classified columns. */
  constructor({ classified, sealing }: { readonly sealing?: Sealing | undefined; readonly classified?: ClassifiedRows | undefined } = {}) {
    this.#sealing = sealing;
    this.#classified = classified;
    this.#compiler = sealing?.compiler(this.#names.quoted) ?? new CamelCaseCompiler(this.#names.quoted);
    const dialect: Dialect = {
      createAdapter: () => this.#adapter,
      createDriver: () => heldDriver,
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => this.#compiler,
    };
    this.#base = { config: { dialect }, dialect, driver: heldDriver };
  }

  /** A Kysely whose statements run where `target` says. */
  over(target: StatementTarget): AnyDb {
    const sealing = this.#sealing === undefined ? undefined : new SealingOver(this.#sealing);
    const executor = new TargetExecutor({ adapter: this.#adapter, camel: this.#names.camel, classified: this.#classified, compiler: this.#compiler, sealing, target });
    return new Kysely({ ...this.#base, executor });
  }
}

class CamelCaseCompiler extends PostgresQueryCompiler {
  readonly #quoted: NameCache;

  constructor(quoted: NameCache) {
    super();
    this.#quoted = quoted;
  }

  protected override visitIdentifier(node: IdentifierNode): void {
    this.append(this.#quoted.get(node.name));
  }
}

interface ExecutorParts {
  readonly compiler: QueryCompiler;
  readonly adapter: DialectAdapter;
  readonly camel: NameCache;
  readonly sealing: SealingOver | undefined;
  readonly classified: ClassifiedRows | undefined;
  readonly target: StatementTarget;
}

/** What stands around each statement. */
type Around = Pick<ExecutorParts, "classified" | "sealing">;

/** Sealing as one Kysely over a target uses it. */
class SealingOver {
  readonly #sealing: Sealing;
  #here: SealedHere | undefined = undefined;

  constructor(sealing: Sealing) {
    this.#sealing = sealing;
  }

  factsOf(query: CompiledQuery): QueryFacts {
    return this.#sealing.factsOf(query);
  }

  prepare(query: CompiledQuery, facts: QueryFacts, target: QueryTarget): Statement | Promise<Statement> {
    if (!facts.seals) return toStatement(query);
    return this.#sealing.prepare(toStatement(query), (statement) => target.run(statement), { here: (this.#here ??= this.#sealing.remember()), met: target.met });
  }

  open({ rows }: Rows, facts: QueryFacts, target: QueryTarget): void | Promise<void> {
    if (facts.isRaw) this.#sealing.assertNoneSealed(rows);
    return facts.opens ? this.#sealing.open(rows, (statement) => target.run(statement), { columns: facts.columns, here: this.#here, met: target.met }) : undefined;
  }
}

/**
 * Runs a statement straight on its target. What Kysely derives from it (a plugin, a transaction) goes the longer way
 * over a connection, to the same place.
 */
class TargetExecutor extends DefaultQueryExecutor {
  readonly #parts: ExecutorParts;

  constructor(parts: ExecutorParts) {
    super(parts.compiler, parts.adapter, connectionsOf(parts));
    this.#parts = parts;
  }

  override async executeQuery<R>(query: CompiledQuery, options?: Parameters<DefaultQueryExecutor["executeQuery"]>[1]): Promise<QueryResult<R>> {
    if (options?.signal !== undefined) return super.executeQuery<R>(query, options);
    const { camel, target } = this.#parts;
    return toResult(await runQuery(query, this.#parts, target), camel);
  }

  override stream<R>(query: CompiledQuery, portion: number, options?: Parameters<DefaultQueryExecutor["stream"]>[2]): AsyncIterableIterator<QueryResult<R>> {
    if (options?.signal !== undefined) return super.stream<R>(query, portion, options);
    const { camel, classified, sealing, target } = this.#parts;
    return resultsOf<R>(target, { camel, classified, portion, query, sealing });
  }
}

/** Where one query runs. */
type QueryTarget = Pick<HeldTarget, "run" | "met">;

/** Runs a query, with what it writes sealed and what it brings opened. */
async function runQuery(query: CompiledQuery, { classified, sealing }: Around, target: QueryTarget): Promise<Rows> {
  const rows = sealing === undefined ? await target.run(toStatement(query)) : await runSealed(query, sealing, target);
  if (classified !== undefined) noteMet(rows, query, { classified, met: target.met });
  return rows;
}

async function runSealed(query: CompiledQuery, sealing: SealingOver, target: QueryTarget): Promise<Rows> {
  const facts = sealing.factsOf(query);
  const prepared = sealing.prepare(query, facts, target);
  const ran = await target.run(prepared instanceof Promise ? await prepared : prepared);
  const rows = facts.writes === undefined ? ran : noteWritten(ran, facts.writes, target.met);
  const opening = sealing.open(rows, facts, target);
  if (opening !== undefined) await opening;
  return rows;
}

/** Where any rows came, or were changed, the statement has met those that it is about. */
function noteMet({ affected, rows }: Rows, query: CompiledQuery, { classified, met }: { readonly classified: ClassifiedRows; readonly met: MetData | undefined }): void {
  if (met === undefined || (affected === 0 && rows.length === 0)) return;
  for (const { place, subject } of classified.metBy(query)) met.meet(place, subject);
}

/** @returns The rows that the query itself has asked for. */
function noteWritten(rows: Rows, { key, subject, table }: WrittenRows, met: MetData | undefined): Rows {
  const given = subject === "asked" ? rows.rows[0]?.["tenon_subject"] : subject?.is;
  if (rows.affected > 0) met?.meet({ column: table, key: key ?? ["*"] }, typeof given === "string" ? given : undefined);
  return subject === "asked" ? { ...rows, rows: [] } : rows;
}

function connectionsOf({ camel, classified, sealing, target }: ExecutorParts): ConnectionProvider {
  return {
    provideConnection: (consumer) => target.hold((held) => consumer(new HeldConnection(held, { camel, classified, sealing }))),
  };
}

interface Streaming extends Around {
  readonly query: CompiledQuery;
  readonly portion: number;
  readonly camel: NameCache;
}

async function* resultsOf<R>(target: QueryTarget & Pick<HeldTarget, "stream">, { camel, classified, portion, query, sealing }: Streaming): AsyncGenerator<QueryResult<R>> {
  // A statement that changes rows runs once and whole; only a select can be read in portions.
  if (query.query.kind !== "SelectQueryNode") {
    yield toResult<R>(await runQuery(query, { classified, sealing }, target), camel);
    return;
  }
  const facts = sealing?.factsOf(query);
  const statement = sealing === undefined || facts === undefined ? toStatement(query) : await sealing.prepare(query, facts, target);
  for await (const rows of target.stream(statement, portion)) {
    if (facts !== undefined) await sealing?.open(rows, facts, target);
    if (classified !== undefined) noteMet(rows, query, { classified, met: target.met });
    yield toResult<R>(rows, camel);
  }
}

class HeldConnection implements DatabaseConnection {
  readonly held: HeldTarget;
  readonly #parts: Around & Pick<ExecutorParts, "camel">;

  constructor(held: HeldTarget, parts: Around & Pick<ExecutorParts, "camel">) {
    this.held = held;
    this.#parts = parts;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return toResult(await runQuery(query, this.#parts, this.held), this.#parts.camel);
  }

  streamQuery<R>(query: CompiledQuery, portion: number): AsyncIterableIterator<QueryResult<R>> {
    return resultsOf<R>(this.held, { ...this.#parts, portion, query });
  }
}

const heldDriver: Driver = {
  init: async () => undefined,
  acquireConnection: () => Promise.reject(new TypeError("sessions of a service are taken by its calls")),
  beginTransaction: (connection, settings) => heldOf(connection).begin(settings),
  commitTransaction: (connection) => heldOf(connection).commit(),
  rollbackTransaction: (connection) => heldOf(connection).rollback(),
  savepoint: (connection, name) => control(connection, `savepoint ${quoteName(name)}`),
  rollbackToSavepoint: (connection, name) => control(connection, `rollback to savepoint ${quoteName(name)}`),
  releaseSavepoint: (connection, name) => control(connection, `release savepoint ${quoteName(name)}`),
  releaseConnection: async () => undefined,
  destroy: () => Promise.reject(new TypeError("a handler does not close its database: the platform does")),
};

function heldOf(connection: DatabaseConnection): HeldTarget {
  return (connection as HeldConnection).held;
}

async function control(connection: DatabaseConnection, text: string): Promise<void> {
  await heldOf(connection).run({ text, parameters: [] });
}

function toStatement(query: CompiledQuery): Statement {
  return { text: query.sql, parameters: query.parameters };
}

function toResult<R>(result: Rows, camel: NameCache): QueryResult<R> {
  const rows = toCamelRows(result.rows, camel) as readonly AnyRow[];
  return { rows: rows as unknown as R[], numAffectedRows: BigInt(result.affected) };
}
