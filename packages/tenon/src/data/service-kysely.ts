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
import { NameCache, toCamelCase, toCamelRows, toSnakeCase } from "./column-case.ts";
import { quoteName } from "./names.ts";
import type { Rows, Statement } from "./ports.ts";
import type { AnyDb } from "./tables.ts";

/** Where statements go: the transaction of a command, or sessions for reading. */
export interface StatementTarget {
  /** Runs one statement, wherever that may be. */
  run(statement: Statement): Promise<Rows>;
  /** Runs `task` with several statements in one session. */
  hold<T>(task: (held: HeldTarget) => Promise<T>): Promise<T>;
  /** Rows in portions of `portion` at most. */
  stream(statement: Statement, portion: number): AsyncIterable<Rows>;
}

/** One session, held for several statements. */
export interface HeldTarget {
  run(statement: Statement): Promise<Rows>;
  stream(statement: Statement, portion: number): AsyncIterable<Rows>;
  begin(settings: TransactionSettings): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

type AnyRow = Record<string, unknown>;

export class ServiceKysely {
  readonly #names = { quoted: new NameCache((name) => quoteName(toSnakeCase(name))), camel: new NameCache(toCamelCase) };
  readonly #compiler: QueryCompiler = new CamelCaseCompiler(this.#names.quoted);
  readonly #adapter: DialectAdapter = new PostgresAdapter();
  readonly #base: Omit<KyselyProps, "executor">;

  constructor() {
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
    const executor = new TargetExecutor({ adapter: this.#adapter, camel: this.#names.camel, compiler: this.#compiler, target });
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
  readonly target: StatementTarget;
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
    return toResult(await target.run(toStatement(query)), camel);
  }

  override stream<R>(query: CompiledQuery, portion: number, options?: Parameters<DefaultQueryExecutor["stream"]>[2]): AsyncIterableIterator<QueryResult<R>> {
    if (options?.signal !== undefined) return super.stream<R>(query, portion, options);
    return resultsOf<R>(this.#parts.target, { camel: this.#parts.camel, portion, query });
  }
}

function connectionsOf({ camel, target }: ExecutorParts): ConnectionProvider {
  return {
    provideConnection: (consumer) => target.hold((held) => consumer(new HeldConnection(held, camel))),
  };
}

interface Streaming {
  readonly query: CompiledQuery;
  readonly portion: number;
  readonly camel: NameCache;
}

async function* resultsOf<R>(target: Pick<HeldTarget, "run" | "stream">, { camel, portion, query }: Streaming): AsyncGenerator<QueryResult<R>> {
  const statement = toStatement(query);
  // A statement that changes rows runs once and whole; only a select can be read in portions.
  if (query.query.kind !== "SelectQueryNode") yield toResult<R>(await target.run(statement), camel);
  else for await (const rows of target.stream(statement, portion)) yield toResult<R>(rows, camel);
}

class HeldConnection implements DatabaseConnection {
  readonly held: HeldTarget;
  readonly #camel: NameCache;

  constructor(held: HeldTarget, camel: NameCache) {
    this.held = held;
    this.#camel = camel;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return toResult(await this.held.run(toStatement(query)), this.#camel);
  }

  streamQuery<R>(query: CompiledQuery, portion: number): AsyncIterableIterator<QueryResult<R>> {
    return resultsOf<R>(this.held, { camel: this.#camel, portion, query });
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
