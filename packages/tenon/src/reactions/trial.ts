/**
 * A dry run: the handler of a subscription runs for given events as it would, and nothing of it is kept.
 *
 *     deadline ─► read data ─► transaction ─► observe ─► the handler
 *
 * `observe` stands inside of the transaction: when the handler is done, it looks at what the transaction has changed, and
 * then ends it by an error, so that it is rolled back. The database is a rehearsal besides, which refuses every COMMIT.
 *
 * Calls to other operations are not made, since what they do would be kept: the handler is stopped at the first one, and
 * what it would have done with the answer is not known. What a handler does by other means (`fetch`, files, timers) happens.
 */
import type { Call, CallStart, Handler, Stage } from "../calls/index.ts";
import { compile, deadline, Directory } from "../calls/index.ts";
import { type Database, type FieldVault, type Footprint, openServiceData, readFootprint, readRowChanges, type RowChanges, type ServiceData, type Session, type Tables } from "../data/index.ts";
import { type Delivery, type EventRecord, failureText, GivenUp, type TrialEmitter } from "../events/index.ts";
import { type Clock, Fault, type IdSource, type Random } from "../kernel/index.ts";
import type { EventSeals } from "../privacy/index.ts";
import type { Subscription } from "../service/index.ts";
import { type LogWriter, type Metrics, parseTraceText, type Privacy } from "../telemetry/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";
import { systemCaller } from "../trust/index.ts";
import { DeliveryCall } from "./delivery-call.ts";
import { ReactionContext } from "./reaction-context.ts";
import type { TrialRuns, TrialStart } from "./service-runs.ts";
import { deliveryOperation, readData, readerOf } from "./subscription.ts";

export interface TrialParts {
  readonly service: string;
  readonly tables: Tables;
  /** Keeps encrypted columns and opens what is sealed in events, where anything of the app is encrypted. */
  readonly vault: FieldVault | undefined;
  readonly seals: EventSeals | undefined;
  /** The rehearsal of a database. */
  readonly database: Database;
  readonly emitter: TrialEmitter;
  /** Where the service has workflows. */
  readonly runs: TrialRuns | undefined;
  /** Operations that are answered in this app: a call of another one fails as it would. */
  readonly operations: ReadonlySet<string>;
  readonly config: unknown;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdSource;
  readonly log: LogWriter;
  /** What handlers count in; nobody reads it. */
  readonly metrics: Metrics;
  readonly privacy: Pick<Privacy, "hidingOf" | "clean">;
  /** The longest that one try may take, in ms: for so long it may hold the locks of rows. */
  readonly timeoutMs: number;
}

/** A call that was not made. */
export interface UnmadeCall {
  readonly operation: string;
  readonly input: unknown;
}

/** What the handler would do. */
export interface Trial {
  /** `stopped`: at a call to another operation. */
  readonly outcome: "done" | "failed" | "stopped";
  readonly changes: RowChanges;
  readonly emitted: readonly EventRecord[];
  readonly started: readonly TrialStart[];
  readonly error: string | undefined;
  /** It failed, and no further attempt would be made. */
  readonly isGivenUp: boolean;
  readonly call: UnmadeCall | undefined;
}

const none: RowChanges = { rows: [], cut: [] };
const nothing: Trial = { outcome: "done", changes: none, emitted: [], started: [], error: undefined, isGivenUp: false, call: undefined };

/** How long to wait for a session, in ms. */
const sessionWaitMs = 5_000;

/** Tries events together, as one batch: one event, where the subscription takes them one by one. */
export async function trySubscription(subscription: Subscription, events: readonly EventRecord[], parts: TrialParts): Promise<Trial> {
  const operation = deliveryOperation(parts.service, subscription);
  const handler = subscription.handler as (context: ReactionContext) => unknown;
  const call = createCall(subscription, events, { ...parts, operation });
  return tryCall(call, { first: (environment) => readData(readerOf(subscription.event, environment)), handle: (call, environment) => handler(new ReactionContext(call as DeliveryCall, environment)) }, parts);
}

export interface TriedHandler {
  /** Makes the input of the call what the handler takes. */
  readonly first: (environment: ServiceEnvironment) => Stage;
  readonly handle: (call: Call, environment: ServiceEnvironment) => unknown;
}

/** Tries what a command would do. */
export async function tryCall(call: Call, { first, handle }: TriedHandler, parts: TrialParts): Promise<Trial> {
  const { clock, database, random, service } = parts;
  const data = await openServiceData({ database, service, tables: parts.tables, vault: parts.vault, clock, random, sessionWaitMaxMs: sessionWaitMs });
  const directory = new UncalledDirectory(parts.operations);
  const environment: ServiceEnvironment = { ...parts, data, directory };
  const run = compile([deadline({ clock }), first(environment), data.transaction, observe(data, parts)], call.operation, (call) => handle(call, environment));
  try {
    await run(call);
  } catch (thrown) {
    if (thrown instanceof Observed) return { ...nothing, ...thrown.seen, changes: await thrown.changes() };
    if (directory.unmade !== undefined) return { ...nothing, outcome: "stopped", call: directory.unmade };
    const clean = parts.privacy.clean(thrown, call);
    const cause = clean instanceof Fault && clean.cause instanceof GivenUp ? clean.cause : clean;
    return { ...nothing, outcome: "failed", error: failureText(cause), isGivenUp: cause instanceof GivenUp };
  }
  throw new TypeError("a dry run ends with what was observed");
}

type CallParts = Pick<TrialParts, "clock" | "ids" | "service" | "timeoutMs"> & Pick<CallStart, "operation">;

function createCall(subscription: Subscription, events: readonly EventRecord[], { clock, ids, operation, service, timeoutMs }: CallParts): DeliveryCall {
  const receivedAtMs = clock.nowMs();
  const deliveries: readonly Delivery[] = events.map((event, seq) => ({ seq, subscription: subscription.name, lane: 0, attempts: 0, crashes: 0, receivedAtMs, event }));
  const [first] = events as readonly [EventRecord, ...EventRecord[]];
  const start = {
    operation,
    id: ids(),
    startedAtMs: clock.elapsedMs(),
    input: deliveries,
    caller: systemCaller(service, subscription.name), // it calls nobody
    from: service,
    idempotencyKey: `${first.id}/${subscription.name}`,
    continues: parseTraceText(first.trace),
    timeoutMs,
  };
  return new DeliveryCall(start, deliveries);
}

/** Not a failure: the way out of a transaction that is not to be kept. */
class Observed extends Error {
  override readonly name = "Observed";
  readonly changes: () => Promise<RowChanges>;
  readonly seen: Pick<Trial, "emitted" | "started">;

  constructor(changes: () => Promise<RowChanges>, seen: Pick<Trial, "emitted" | "started">) {
    super("a dry run is over");
    this.changes = changes;
    this.seen = seen;
  }
}

function observe(data: ServiceData, { database, emitter, runs, service }: TrialParts): Stage {
  return {
    name: "observe",
    compile(_operation, next): Handler {
      return async (call) => {
        await next(call);
        const work = data.workOf(call);
        const seen = { emitted: emitter.gatheredIn(work), started: runs?.gatheredIn(work) ?? [] };
        if (!work.isOpen) throw new Observed(async () => none, seen);
        await work.run({ text: "set constraints all immediate", parameters: [] }); // COMMIT would look at them
        const footprint = await readFootprint((statement) => work.run(statement), service);
        const read = (): Promise<RowChanges> => changesFrom(database, footprint);
        // With one session there is nobody who could look from outside before it is rolled back.
        if (database.sessions === "one") throw new Observed(read, seen);
        const changes = await read();
        throw new Observed(async () => changes, seen);
      };
    },
  };
}

async function changesFrom(database: Database, footprint: Footprint): Promise<RowChanges> {
  const session: Session = await database.acquire({ service: footprint.service, mode: "read", timeoutMs: sessionWaitMs });
  try {
    return await readRowChanges(({ parameters, text }) => session.query(text, parameters), footprint);
  } finally {
    session.release();
  }
}

/** Answers no call, and ends the one that makes it. */
class UncalledDirectory extends Directory {
  readonly #operations: ReadonlySet<string>;
  unmade: UnmadeCall | undefined = undefined;

  constructor(operations: ReadonlySet<string>) {
    super();
    this.#operations = operations;
  }

  override findAnywhere(operationId: string): Handler | undefined {
    if (!this.#operations.has(operationId)) return undefined;
    return (call: Call) => {
      this.unmade ??= { operation: operationId, input: call.input };
      call.parent?.cancel(new Fault("canceled", `${operationId} is not called in a dry run`));
      return new Promise(() => undefined); // whatever the handler makes of failures, it goes no further
    };
  }
}
