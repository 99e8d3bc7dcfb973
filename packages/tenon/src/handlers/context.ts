/**
 * What a handler takes apart in its parameter list. Everything that costs something is made when it is first taken.
 */
import { anonymous, type Bytes, type Caller, type Operation } from "../contract/index.ts";
import { type Call, type CallOperation, Outgoing } from "../calls/index.ts";
import { Fault, type Log, type LogFields } from "../kernel/index.ts";
import type { AnyDb, ServiceData, Work } from "../data/index.ts";
import type { SubjectRequests } from "../privacy/index.ts";
import { ServiceLog } from "../telemetry/index.ts";
import type { AnyWorkflow, Dependency, Emit, Measure, Metric, Runs, StartOptions, StartRun } from "../service/index.ts";
import { dependencyOf } from "./dependency.ts";
import type { FailFunctions, Query, RunsAtHand, ServiceEnvironment } from "./environment.ts";

export class Context {
  readonly fail: FailFunctions;
  readonly #call: Call;
  readonly #environment: ServiceEnvironment;
  #outgoing: Outgoing | undefined = undefined;

  constructor(call: Call, environment: ServiceEnvironment, fail: FailFunctions) {
    this.#call = call;
    this.#environment = environment;
    this.fail = fail;
  }

  get input(): unknown {
    return this.#call.input;
  }

  get caller(): Caller {
    return this.#call.caller ?? anonymous;
  }

  get id(): string {
    return this.#call.id;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get remainingMs(): number {
    return Math.max(0, this.#call.deadlineAtMs - this.#environment.clock.elapsedMs());
  }

  get config(): unknown {
    return this.#environment.config;
  }

  get log(): Log {
    const { log, privacy, service } = this.#environment;
    const call = this.#call;
    return new ServiceLog(log, { service, privacy, knower: call, traceIds: call.traceIds, fields: { operation: call.operation.id, call: call.id, ...this.logFields } });
  }

  get measure(): Measure {
    const call = this.#call;
    const { metrics } = this.#environment;
    return (metric: Metric, value: number, labels?: Readonly<Record<string, string>>) => {
      if (call.isRecorded) metrics.measure(metric, value, labels);
      else (call.measured ??= []).push({ metric, value, labels });
    };
  }

  /** What lines tell besides the call. */
  protected get logFields(): LogFields {
    return {};
  }

  get body(): Bytes | undefined {
    return this.#call.body;
  }

  get idempotencyKey(): string {
    return this.#call.idempotencyKey ?? this.#call.id;
  }

  get read(): AnyDb {
    return this.#data.reader(this.#call);
  }

  get db(): AnyDb {
    if (this.#call.operation.kind === "query") return this.#data.reader(this.#call);
    return this.#work.db;
  }

  get call(): CallOperation {
    this.#outgoing ??= this.#createOutgoing();
    const outgoing = this.#outgoing;
    const call = (operation: Operation, input?: unknown, options?: object) => outgoing.call(operation, input, options);
    return call as CallOperation;
  }

  get dependency(): Dependency {
    return dependencyOf(this.#call, this.#environment);
  }

  get emit(): Emit {
    const call = this.#call;
    const { emitter } = this.#environment;
    const work = this.#work;
    return ((event, data) => (emitter as NonNullable<typeof emitter>).emit(call, work, event, data));
  }

  get start(): StartRun {
    const call = this.#call;
    const runs = this.#runs;
    const work = this.#work;
    return (workflow: AnyWorkflow, input?: unknown, options?: StartOptions) => runs.start(call, work, { workflow, input, options });
  }

  get runs(): Runs {
    const runs = this.#runs;
    const query: Query = (text, parameters) => this.#data.readerOf(this.#call).run({ text, parameters });
    const made = {
      get: (workflow: AnyWorkflow, id: string) => runs.get(query, workflow, id),
      cancel: async (workflow: AnyWorkflow, id: string, reason: string) => runs.cancel(this.#work, { workflow, id, reason }),
      answer: (workflow: AnyWorkflow, id: string, question: string, answer: unknown) => runs.answer(this.#work, { workflow, id, question, answer, query }),
    };
    return made as Runs;
  }

  /** For the platform's own handlers of `subjectRights`. */
  get subjectRequests(): SubjectRequests {
    const { subjectRequests } = this.#environment;
    if (subjectRequests !== undefined) return subjectRequests;
    throw new Fault("internal", "internal error", { cause: new RangeError("the rights of persons are served where app() was given subjectRights") });
  }

  get #runs(): RunsAtHand {
    const { runs, service } = this.#environment;
    if (runs !== undefined) return runs;
    throw new Fault("internal", "internal error", { cause: new RangeError(`the service "${service}" has no workflows: give service() its \`workflows\``) });
  }

  get #data(): ServiceData {
    const { data, service } = this.#environment;
    if (data === undefined) {
      throw new Fault("internal", "internal error", { cause: new RangeError(`the service "${service}" has no tables: give service() its tables and migrations`) });
    }
    return data;
  }

  get #work(): Work {
    const data = this.#data;
    return data.workOf(this.#call);
  }

  #createOutgoing(): Outgoing {
    const call = this.#call;
    const { clock, data, directory, ids, service } = this.#environment;
    const work = data === undefined || call.operation.kind === "query" ? undefined : data.workOf(call);
    const outgoing: Outgoing = new Outgoing(call, {
      directory,
      clock,
      ids,
      service,
      guard: (operation) => {
        if (work?.isOpen === true) throw transactionIsOpen(call.operation, operation);
      },
    });
    // The other order of the same mistake: a transaction must not open while a call is under way.
    work?.onOpen(() => outgoing.settled());
    return outgoing;
  }
}

/**
 * A transaction held over a call keeps its locks for as long as the other service takes, and what the other service
 * did is not undone with it. On an embedded database, which runs one transaction at a time, it would wait for itself.
 */
function transactionIsOpen(from: Operation, to: Operation): Fault {
  const why = `${from.id} called ${to.id} while its own transaction was open: make the call before the first use of \`db\`, and read what the call needs through \`read\``;
  return new Fault("internal", "internal error", { cause: new TransactionHeldError(why) });
}

/** A handler called another operation while holding its transaction. */
export class TransactionHeldError extends Error {
  override readonly name = "TransactionHeldError";
}
