/**
 * A subscription at work: its deliveries run through the stages of every call, and the inbox rows are removed in the
 * transaction of the effects.
 *
 *     record ─► deadline ─► gone ─► read data ─► transaction ─► remove ─► the handler
 *
 * `gone` stands around the transaction: when its COMMIT finds that another process has removed a row, nothing was kept
 * here, and that is no failure.
 */
import {
  anonymous,
  type Caller,
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
import { compile, deadline, type Handler, isPromise, record, type Stage } from "../calls/index.ts";
import { DatabaseError, type ServiceData, type Work } from "../data/index.ts";
import { type Consumer, type Delivery, GivenUp, isRemovedByOther, removeStatement } from "../events/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import type { LogWriter, Metrics, SpanRecorder } from "../telemetry/index.ts";
import type { DeliveryOptions, Subscription } from "../service/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";
import { DeliveryCall } from "./delivery-call.ts";
import { originOf, processSpan, reactionShape, type ReactionSpan } from "./delivery-span.ts";
import { ReactionContext } from "./reaction-context.ts";

/** Deliveries at once in one process, where nothing is said: enough to hide waiting, few enough for a pool of 8. */
const defaultConcurrency = 4;

export interface ConsumerParts {
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
  readonly span: ReactionSpan;
  readonly options: DeliveryOptions & { readonly size?: number };
  /** From the data as it was emitted to what the handler gets. @throws {GivenUp} it can never be read. */
  readonly read: (delivery: Delivery) => unknown;
  readonly handler: (context: ReactionContext, call: DeliveryCall) => unknown;
  readonly arrivals?: NonNullable<Consumer["arrivals"]>;
  /** What the handler gets, where that is more than a {@link ReactionContext}. */
  readonly contextOf?: (call: DeliveryCall, environment: ServiceEnvironment) => ReactionContext;
}

/** The platform itself, on behalf of nobody. */
export const platformCaller: Caller = Object.freeze({ ...anonymous, kind: "system", subject: "platform" });

export function createSubscriptionConsumer(subscription: Subscription, parts: ConsumerParts): Consumer {
  return createConsumer({ kind: "subscription", name: subscription.name, span: processSpan(subscription.event.id, subscription.name), options: subscription.options, read: readerOf(subscription.event), handler: subscription.handler as (context: ReactionContext) => unknown }, parts);
}

export function createConsumer(spec: ConsumerSpec, parts: ConsumerParts): Consumer {
  const { clock, data, environment, log, metrics, spans } = parts;
  const { afterDeath = "continue", attempts, backoff, concurrency = defaultConcurrency, maxAge, size = 1 } = spec.options;
  const operation = deliveryOperation(environment.service, spec);
  const shape = reactionShape(spec.span, operation);
  const stages = [record({ metrics, log, clock, spans, kind: spec.kind, bugs: "leave to others", privacy: environment.privacy }), deadline({ clock }), gone, readData(spec.read), data.transaction, remove(data)];
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
          caller: platformCaller,
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
export function readerOf(event: ContractEvent): ConsumerSpec["read"] {
  const parser = createParser(event.data);
  return ({ event: { data, version } }) => {
    const read = upcastData(event, version, data);
    if (!read.ok) {
      // A newer version comes from a process that is ahead of this one, as in a deployment: another attempt may meet it.
      if (read.reason === "future") throw new UnreadableError(read.message);
      throw new GivenUp(read.message, { cause: read.cause });
    }
    const result = parser.parse(read.data);
    return isPromise(result) ? (result as Promise<ParseResult>).then((settled) => fitting(event.id, settled)) : fitting(event.id, result);
  };
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

export function readData(read: ConsumerSpec["read"]): Stage {
  return {
    name: "read data",
    compile(_operation, next): Handler {
      return async (call) => {
        const inputs: unknown[] = [];
        for (const delivery of (call as DeliveryCall).deliveries) inputs.push(await read(delivery));
        call.input = inputs;
        return next(call);
      };
    },
  };
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
