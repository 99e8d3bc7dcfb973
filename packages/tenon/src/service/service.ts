/**
 * A service: a contract and how its promise is kept. A plain value; nothing is opened or registered by making one.
 */
import type {
  AnyContract,
  AnyOutput,
  Bytes,
  Caller,
  ErrorSpecs,
  Operation,
  OperationKind,
  OutputOf,
  Returned,
  Schema,
} from "../contract/index.ts";
import { describe, MistakeList, operationsOf, relationProblems, relationsIn } from "../contract/index.ts";
import type { CallOperation } from "../calls/index.ts";
import type { Db } from "../data/index.ts";
import type { Log } from "../kernel/index.ts";
import { checkReactions } from "./check-reactions.ts";
import { checkRunbooks } from "./check-runbooks.ts";
import { checkTriggers } from "./check-triggers.ts";
import { checkWorkflows } from "./check-workflows.ts";
import type { Measure } from "./measures.ts";
import type { Dependency, Emit, Fail, NoConfig, NoTables, Tables } from "./needs.ts";
import type { Subscription } from "./reactions.ts";
import type { Runbook } from "./runbooks.ts";
import type { Trigger } from "./triggers.ts";
import type { ReadRuns, Runs, StartRun, Workflow } from "./workflows.ts";

/** What every handler gets. Take it apart in the parameter list; what is not taken costs nothing. */
export interface HandlerContext<I extends Schema, E extends ErrorSpecs, T extends Tables, C extends Schema> {
  /** The validated input. */
  readonly input: OutputOf<I>;
  /** Who is calling, or `anonymous`. */
  readonly caller: Caller;
  /** Calls another operation. Not while this call's own transaction is open: call first, then write. */
  readonly call: CallOperation;
  readonly fail: Fail<E>;
  /** Lines with this call's id. */
  readonly log: Log;
  /** Counts with a metric of the service's own: `measure(placed, 1, { tier })`. */
  readonly measure: Measure;
  /** Does something outside of the app where it can be seen: `dependency("payment provider", () => fetch(url))`. */
  readonly dependency: Dependency;
  /** Aborted when the caller goes away or the deadline passes. Hand it to whatever waits. */
  readonly signal: AbortSignal;
  /** Milliseconds until the deadline, 0 when it has passed. */
  readonly remainingMs: number;
  /** Unique to this call; also the `x-request-id` of its answer. */
  readonly id: string;
  /** The service's settings. */
  readonly config: OutputOf<C>;
  /** Read-only rows: in a query the same as `db`; in a command outside of its transaction, as last committed. */
  readonly read: Db<T>;
}

export interface QueryContext<I extends Schema, E extends ErrorSpecs, T extends Tables, C extends Schema> extends HandlerContext<I, E, T, C> {
  /** The service's rows, read-only: the database refuses a write. */
  readonly db: Db<T>;
  /** Runs of the service's workflows. */
  readonly runs: ReadRuns;
}

export interface CommandContext<I extends Schema, E extends ErrorSpecs, T extends Tables, C extends Schema> extends HandlerContext<I, E, T, C> {
  /** The service's rows in this command's one transaction, opened at first use and committed when the handler returns. */
  readonly db: Db<T>;
  /** Tells of something that happened, if and only if this command commits: an event of the service's own contract. */
  readonly emit: Emit;
  /** Starts a run of one of the service's workflows, if and only if this command commits. */
  readonly start: StartRun;
  readonly runs: Runs;
  /** The uploaded bytes, for an operation with a `body`. */
  readonly body: Bytes;
  /** The same for every repeat of this command: to be passed on to systems outside that take such a key. */
  readonly idempotencyKey: string;
}

/** The handler of one operation, for one that has a file of its own: `HandlerOf<typeof orders.place, typeof tables>`. */
export type HandlerOf<Op, T extends Tables = NoTables, C extends Schema = NoConfig> = Op extends Operation<infer K, infer I, infer O, infer E>
  ? HandlerFunction<K, I, O, E, T, C>
  : never;

type HandlerFunction<K extends OperationKind, I extends Schema, O extends AnyOutput, E extends ErrorSpecs, T extends Tables, C extends Schema> = (
  context: K extends "command" ? CommandContext<I, E, T, C> : QueryContext<I, E, T, C>,
) => Returned<O> | Promise<Returned<O>>;

type OperationNames<P> = { [K in keyof P & string]: P[K] extends Operation ? K : never }[keyof P & string];

/** One handler for each operation of the contract. */
export type Handlers<P extends AnyContract, T extends Tables, C extends Schema> = {
  readonly [K in OperationNames<P>]: HandlerOf<P[K], T, C>;
};

export interface SeedContext<T extends Tables> {
  /** One transaction over the service's rows. */
  readonly db: Db<T>;
  readonly log: Log;
}

type ServiceWorkflow<T extends Tables, C extends Schema = NoConfig> = Workflow<Schema, Schema | undefined, ErrorSpecs, T, C>;

export interface ServiceOptions<P extends AnyContract, T extends Tables, C extends Schema> {
  readonly tables?: T;
  /** Directory of numbered SQL files: `new URL("migrations/", import.meta.url)`. */
  readonly migrations?: URL;
  /** The service's settings: an object schema whose fields are names of environment variables. */
  readonly config?: C;
  /** Fills an empty database for development, once, in one transaction. */
  readonly seed?: (context: SeedContext<T>) => Promise<void>;
  readonly handlers: Handlers<P, T, C>;
  /** What the service does when events come: made by `on` and `onBatch` of `reactions(tables)`. */
  readonly subscriptions?: readonly (Subscription<NoInfer<T>, NoInfer<C>> | Subscription<NoInfer<T>>)[];
  /** What sets the service to work by itself: made by `every`, `onChange` and `webhook` of `reactions(tables)`. */
  readonly triggers?: readonly (Trigger<NoInfer<T>, NoInfer<C>> | Trigger<NoInfer<T>>)[];
  /** Work that takes longer than a call: made by `workflow` of `reactions(tables)`. */
  readonly workflows?: readonly (ServiceWorkflow<NoInfer<T>, NoInfer<C>> | ServiceWorkflow<NoInfer<T>>)[];
  /** What people do when something is wrong: made by `runbook` of `reactions(tables)`. */
  readonly runbooks?: readonly (Runbook<NoInfer<T>, NoInfer<C>> | Runbook<NoInfer<T>>)[];
}

/** A handler as the platform calls it, once its types have done their work. */
export type AnyHandler = (context: never) => unknown;

/** A service whose types are not known to the compiler: what an app is made of. */
export interface Service<P extends AnyContract = AnyContract> {
  readonly contract: P;
  readonly name: string;
  readonly tables: Tables;
  readonly migrations: URL | undefined;
  readonly config: Schema | undefined;
  readonly seed: ((context: SeedContext<NoTables>) => Promise<void>) | undefined;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  readonly subscriptions: readonly Subscription[];
  readonly triggers: readonly Trigger[];
  readonly workflows: readonly Workflow[];
  readonly runbooks: readonly Runbook[];
}

/** Whether a service has rows of its own. */
export function hasData(service: Pick<Service, "migrations">): boolean {
  return service.migrations !== undefined;
}

/**
 * Joins a contract and its handlers.
 *
 * @throws {ContractMistakes} a handler is missing or is of no operation, a relation in an access rule names no table or
 * column of the service, tables come without migrations, or a reaction cannot work. The compiler says the same of handlers; this is for callers that it does not check.
 */
export function service<P extends AnyContract, T extends Tables = NoTables, C extends Schema = NoConfig>(
  contract: P,
  options: ServiceOptions<P, T, C>,
): Service<P> {
  const { name } = describe(contract);
  const handlers = options.handlers as unknown as Readonly<Record<string, AnyHandler>>;
  const tables = options.tables ?? {};
  const mistakes = new MistakeList(`the service "${name}"`);
  const names = new Set(operationsOf(contract).map((operation) => operation.name));
  for (const operation of names) {
    if (typeof handlers[operation] !== "function") mistakes.add(`${name}.${operation}`, "has no handler", `add handlers.${operation}`);
  }
  for (const handler of Object.keys(handlers)) {
    if (!names.has(handler)) mistakes.add(`${name}.${handler}`, "is a handler of no operation", "take it out, or add the operation to the contract");
  }
  for (const { access, id } of operationsOf(contract)) {
    for (const problem of relationsIn(access).flatMap((relation) => relationProblems(relation, tables))) mistakes.add(id, problem, "name a table and its columns as `tables` has them");
  }
  if (Object.keys(tables).length > 0 && options.migrations === undefined) {
    mistakes.add(name, "has tables but no migrations", 'say where the SQL is: migrations: new URL("migrations/", import.meta.url)');
  }
  const subscriptions = (options.subscriptions ?? []) as unknown as readonly Subscription[];
  const triggers = (options.triggers ?? []) as unknown as readonly Trigger[];
  const checked = { service: name, hasRows: options.migrations !== undefined, mistakes };
  checkReactions(subscriptions, checked);
  checkTriggers(triggers, { ...checked, tables });
  const workflows = (options.workflows ?? []) as unknown as readonly Workflow[];
  checkWorkflows(workflows, checked);
  const runbooks = (options.runbooks ?? []) as unknown as readonly Runbook[];
  checkRunbooks(runbooks, { ...checked, contract, subscriptions });
  mistakes.assertNone();
  return Object.freeze({
    contract,
    name,
    tables,
    migrations: options.migrations,
    config: options.config,
    seed: options.seed as Service["seed"],
    handlers,
    subscriptions,
    triggers,
    workflows,
    runbooks,
  });
}

