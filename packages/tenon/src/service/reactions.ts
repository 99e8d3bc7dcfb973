/**
 * What a service does by itself: when an event comes, when it is time. Each is a plain value with a name; the platform
 * delivers it, at least once, and its effects in the service's own rows exactly once.
 */
import type { Caller, ContractEvent, InputOf, OutputOf, RetryOptions, Schema } from "../contract/index.ts";
import type { CallOperation } from "../calls/index.ts";
import type { Db } from "../data/index.ts";
import type { Duration, Log } from "../kernel/index.ts";
import type { NoConfig, NoTables, Tables } from "./own-parts.ts";

/** `emit(orders.placed, order)`: tells of something, if and only if the command commits. Resolves to the event's id. */
export type Emit = <D extends Schema>(event: ContractEvent<D>, data: InputOf<D>) => Promise<string>;

/** An event without its data. */
export interface EventInfo {
  /** UUID. */
  readonly id: string;
  /** `orders.placed` */
  readonly type: string;
  /** The service that emitted it. */
  readonly source: string;
  /** The version in which it was emitted; the data is of the present one. */
  readonly version: number;
  readonly key: string | undefined;
  /** When it was emitted, in UTC (RFC 3339). */
  readonly time: string;
}

/** What the handler of a delivery gets. */
export interface ReactionContext<T extends Tables, C extends Schema> {
  /** The service's rows, in the one transaction in which the delivery is marked as done. */
  readonly db: Db<T>;
  /** Rows as last committed, outside of the transaction. */
  readonly read: Db<T>;
  /** Calls an operation, before the first use of `db`. A repeated delivery repeats it under the same idempotency key. */
  readonly call: CallOperation;
  readonly emit: Emit;
  /** The platform itself: a delivery has no caller of its own. */
  readonly caller: Caller;
  readonly log: Log;
  /** Aborted when the deadline passes or the process stops. */
  readonly signal: AbortSignal;
  readonly remainingMs: number;
  readonly config: OutputOf<C>;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same at every attempt: for systems outside that take such a key. */
  readonly idempotencyKey: string;
  /** `throw giveUp("no such order")`: no further attempt, a dead letter at once. */
  readonly giveUp: (reason: string) => Error;
}

export interface EventContext<D extends Schema, T extends Tables, C extends Schema> extends ReactionContext<T, C> {
  readonly data: OutputOf<D>;
  readonly event: EventInfo;
}

export interface BatchContext<D extends Schema, T extends Tables, C extends Schema> extends ReactionContext<T, C> {
  /** In order, at least one. */
  readonly events: readonly { readonly data: OutputOf<D>; readonly event: EventInfo }[];
}

export interface DeliveryOptions extends RetryOptions {
  /** Deliveries at once in one process. Default 4. */
  readonly concurrency?: number;
  /** How long one attempt may take. Default `"30s"`. */
  readonly deadline?: Duration;
  /**
   * Once a delivery is given up, later ones of its key `continue` (the default), or are `hold`: they wait until an
   * operator has retried or discarded the dead letter.
   */
  readonly afterDeath?: "continue" | "hold";
}

export interface BatchOptions extends DeliveryOptions {
  /** Deliveries handed over together, at most. They are one transaction; when it fails, each is tried by itself. */
  readonly size: number;
}

/** A subscription: made by `on` and `onBatch`. */
export interface Subscription<T extends Tables = NoTables, C extends Schema = NoConfig> {
  readonly kind: "on" | "on batch";
  readonly name: string;
  readonly event: ContractEvent;
  readonly options: DeliveryOptions & { readonly size?: number };
  readonly handler: (context: never) => unknown;
  /** For the compiler alone: which tables and settings the handler counts on. */
  readonly needs?: (tables: T, config: C) => void;
}

type EventHandler<D extends Schema, T extends Tables, C extends Schema> = (context: EventContext<D, T, C>) => unknown;
type BatchHandler<D extends Schema, T extends Tables, C extends Schema> = (context: BatchContext<D, T, C>) => unknown;

export interface On<T extends Tables, C extends Schema> {
  <D extends Schema>(event: ContractEvent<D>, name: string, handler: EventHandler<D, T, C>): Subscription<T, C>;
  <D extends Schema>(event: ContractEvent<D>, name: string, options: DeliveryOptions, handler: EventHandler<D, T, C>): Subscription<T, C>;
}

export interface Reactions<T extends Tables, C extends Schema> {
  /** Handles each event of a kind. The name is the subscription's for ever: what it has handled is known by it. */
  readonly on: On<T, C>;
  /** Handles events many at a time, in one transaction. */
  readonly onBatch: <D extends Schema>(event: ContractEvent<D>, name: string, options: BatchOptions, handler: BatchHandler<D, T, C>) => Subscription<T, C>;
}

/**
 * The makers of reactions, typed by the tables (and settings) of the service that they are for:
 *
 *     const { on, every } = reactions(tables);
 */
export function reactions<T extends Tables = NoTables, C extends Schema = NoConfig>(_tables?: T, _config?: C): Reactions<T, C> {
  return {
    on(event: ContractEvent, name: string, ...rest: readonly unknown[]) {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      return { kind: "on", name, event, options: options as DeliveryOptions, handler: handler as Subscription["handler"] };
    },
    onBatch: (event, name, options, handler) => ({ kind: "on batch", name, event: event, options, handler: handler }),
  };
}
