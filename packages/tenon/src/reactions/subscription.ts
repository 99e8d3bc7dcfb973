/**
 * A subscription at work: its deliveries run through the stages of every call, and the inbox rows are removed in the
 * transaction of the effects.
 *
 *     record ─► deadline ─► audit outcome ─► gone ─► read data ─► transaction ─► remove ─► audit command ─► the handler
 *
 * `gone` stands around the transaction: when its COMMIT finds that another process has removed a row, nothing was kept
 * here, and that is no failure.
 */
import {
  command,
  contract,
  type ContractEvent,
  createParser,
  type Operation,
  operationsOf,
  type ParseResult,
  parseRetryOptions,
  upcastData,
} from "../contract/index.ts";
import { type CallEdge, compile, deadline, type Handler, isPromise, nodeOf, record, type Stage, Touched } from "../calls/index.ts";
import { DatabaseError, type ServiceData, type Work } from "../data/index.ts";
import { type Consumer, type Delivery, GivenUp, isRemovedByOther, removeStatement } from "../events/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import type { LogWriter, Metrics, SpanRecorder } from "../telemetry/index.ts";
import type { DeliveryOptions, Subscription } from "../service/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";
import { systemCaller } from "../trust/index.ts";
import { DeliveryCall } from "./delivery-call.ts";
import { actingAs, originOf, processSpan, reactionShape, type ReactionSpan } from "./delivery-span.ts";
import { ReactionContext } from "./reaction-context.ts";

/** Deliveries at once in one process, where nothing is said: enough to hide waiting, few enough for a pool of 8. */
const defaultConcurrency = 4;

/** What puts a reaction on record that met the data of a person. */
export interface ReactionAudit {
  readonly outcome: Stage;
  readonly command: Stage;
}

export interface ConsumerParts {
  /** Left out: the service is not on record. */
  readonly audit?: ReactionAudit | undefined;
  readonly environment: ServiceEnvironment;
  readonly data: ServiceData;
  readonly metrics: Metrics;
  readonly spans: SpanRecorder;
  readonly clock: Clock;
  readonly log: LogWriter;
}

/** What a consumer is made of, whatever it handles: a subscription, a schedule, a workflow. */
export interface ConsumerSpec {
  /** What the metrics call it. */
  readonly kind: "subscription" | "schedule" | "change" | "mail";
  readonly name: string;
  /** The id of the event that it handles; left out for what is no event. */
  readonly event?: string;
  readonly span: ReactionSpan;
  readonly options: DeliveryOptions & { readonly size?: number };
  /** From the data as it was emitted to what the handler gets. @throws {GivenUp} it can never be read. */
  readonly read: (delivery: Delivery, met: Touched) => unknown;
  readonly handler: (context: ReactionContext, call: DeliveryCall) => unknown;
  readonly arrivals?: NonNullable<Consumer["arrivals"]>;
  /** What the handler gets, where that is more than a {@link ReactionContext}. */
  readonly contextOf?: (call: DeliveryCall, environment: ServiceEnvironment) => ReactionContext;
}

export function createSubscriptionConsumer(subscription: Subscription, parts: ConsumerParts): Consumer {
  return createConsumer({ kind: "subscription", name: subscription.name, event: subscription.event.id, span: processSpan(subscription.event.id, subscription.name), options: subscription.options, read: readerOf(subscription.event, parts.environment), handler: subscription.handler as (context: ReactionContext) => unknown }, parts);
}

export function createConsumer(spec: ConsumerSpec, parts: ConsumerParts): Consumer {
  const { audit, clock, data, environment, log, metrics, spans } = parts;
  const { afterDeath = "continue", attempts, backoff, concurrency = defaultConcurrency, maxAge, size = 1 } = spec.options;
  const operation = deliveryOperation(environment.service, spec);
  const caller = systemCaller(environment.service, spec.name, environment.grants);
  const shape = reactionShape(actingAs(spec.span, caller), operation);
  if (spec.event !== undefined) environment.graph?.edge(operation.id, nodeOf.event(spec.event)); // known also where none has ever come
  const stages = [record({ metrics, log, clock, spans, graph: environment.graph, kind: spec.kind, bugs: "leave to others", privacy: environment.privacy }), deadline({ clock }), ...(audit === undefined ? [] : [audit.outcome]), gone, readData(spec.read, spec.event), data.transaction, remove(data), ...(audit === undefined ? [] : [audit.command])];
  const contextOf = spec.contextOf ?? ((call) => new ReactionContext(call, environment));
  const run = compile(stages, operation, (call) => spec.handler(contextOf(call as DeliveryCall, environment), call as DeliveryCall));
  return {
    name: spec.name,
    concurrency,
    batchMax: size,
    afterDeath,
    arrivals: spec.arrivals ?? "one after the other",
    policy: parseRetryOptions({ ...(attempts === undefined ? {} : { attempts }), ...(maxAge === undefined ? {} : { maxAge }), ...(backoff === undefined ? {} : { backoff }) }),
    async handle(deliveries) {
      const [first] = deliveries as readonly [Delivery, ...Delivery[]];
      const call = new DeliveryCall(
        {
          operation,
          id: environment.ids(),
          startedAtMs: clock.elapsedMs(),
          input: deliveries,
          caller,
          from: environment.service,
          idempotencyKey: `${first.event.id}/${spec.name}`,
          shape,
          ...originOf(deliveries.map(({ event }) => event), clock.nowMs()),
        },
        deliveries,
      );
      try {
        return (await run(call)) as Awaited<ReturnType<Consumer["handle"]>>;
      } catch (thrown) {
        throw thrown instanceof Fault && thrown.cause instanceof GivenUp ? thrown.cause : thrown;
      }
    },
  };
}

/** An operation that nobody can call: it gives a delivery its name, its deadline and its transaction. */
export function deliveryOperation(service: string, { name, options }: Pick<ConsumerSpec, "name" | "options">): Operation {
  const made = contract(service, { delivery: command({ access: "signed-in", deadline: options.deadline ?? "30s" }) });
  const [operation] = operationsOf(made) as readonly [Operation];
  return Object.freeze({ ...operation, id: `${service}.${name}`, name });
}

/** The data of each delivery, in the present version. */
export function readerOf(event: ContractEvent, { seals, service }: Pick<ServiceEnvironment, "seals" | "service">): ConsumerSpec["read"] {
  const parser = createParser(event.data);
  const read = (data: unknown, version: number): unknown => {
    const upcasted = upcastData(event, version, data);
    if (!upcasted.ok) {
      // A newer version comes from a process that is ahead of this one, as in a deployment: another attempt may meet it.
      if (upcasted.reason === "future") throw new UnreadableError(upcasted.message);
      throw new GivenUp(upcasted.message, { cause: upcasted.cause });
    }
    const result = parser.parse(upcasted.data);
    return isPromise(result) ? (result as Promise<ParseResult>).then((settled) => fitting(event.id, settled)) : fitting(event.id, result);
  };
  if (seals === undefined) return ({ event: kept }) => read(kept.data, kept.version);
  return async ({ event: kept }, met) => read(await seals.open(service, kept, met), kept.version);
}

/** An event that cannot be read yet. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

function fitting(id: string, result: ParseResult): unknown {
  if (result.ok) return result.value;
  const places = result.details.map((detail) => `${detail.path || "/"} ${detail.message}`).join("; ");
  throw new GivenUp(`the data of ${id} does not fit its contract: ${places}`);
}

/**
 * @param event  Its id: how long each of them was on its way, and whether it could be read, is counted as a use of the event.
 */
export function readData(read: ConsumerSpec["read"], event?: string): Stage {
  return {
    name: "read data",
    compile(_operation, next): Handler {
      return async (call) => {
        const inputs: unknown[] = [];
        const met = (call.touched ??= new Touched());
        const edge = event === undefined ? undefined : call.graph?.edge(call.graphNode, nodeOf.event(event));
        for (const delivery of (call as DeliveryCall).deliveries) inputs.push(await readCounted(delivery, () => read(delivery, met), edge));
        call.input = inputs;
        return next(call);
      };
    },
  };
}

/** A repeat that can be read says nothing new of its event. */
async function readCounted({ attempts, event, receivedAtMs }: Delivery, read: () => unknown, edge: CallEdge | undefined): Promise<unknown> {
  const wayMs = Math.max(0, receivedAtMs - Date.parse(event.time)); // clocks of emitters may be ahead of the database's
  try {
    const data = await read();
    if (attempts === 0) edge?.observe(false, wayMs);
    return data;
  } catch (thrown) {
    // Whoever cannot open what is sealed has a trouble of its own.
    edge?.observe(thrown instanceof GivenUp || thrown instanceof UnreadableError, wayMs);
    throw thrown;
  }
}

const gone: Stage = {
  name: "gone",
  compile(_operation, next): Handler {
    return async (call) => {
      try {
        return await next(call);
      } catch (thrown) {
        if (thrown instanceof DatabaseError && isRemovedByOther(thrown)) return "gone";
        throw thrown;
      }
    };
  },
};

/** Says what COMMIT is to remove, where there is a COMMIT. */
function remove(data: ServiceData): Stage {
  return {
    name: "remove",
    compile(_operation, next): Handler {
      return async (call) => {
        await next(call);
        const work: Work = data.workOf(call);
        if (work.isUntouched) return "untouched";
        work.atCommit(removeStatement((call as DeliveryCall).deliveries.map(({ seq }) => seq)));
        return "removed";
      };
    },
  };
}
