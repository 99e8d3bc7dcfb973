/**
 * What a service does by itself: when an event comes, when it is time. Each is a plain value with a name; the platform
 * delivers it, at least once, and its effects in the service's own rows exactly once.
 */
import type { ContractEvent, OutputOf, Schema } from "../contract/index.ts";
import type { DeliveryOptions, ReactionContext } from "./delivery.ts";
import type { NoConfig, NoTables, Tables } from "./needs.ts";
import { type RunbookMakers, runbookMakers } from "./runbooks.ts";
import { type TriggerMakers, triggerMakers } from "./triggers.ts";
import { createWorkflow, type MakeWorkflow } from "./workflows.ts";

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

export interface EventContext<D extends Schema, T extends Tables, C extends Schema> extends ReactionContext<T, C> {
  readonly data: OutputOf<D>;
  readonly event: EventInfo;
}

export interface BatchContext<D extends Schema, T extends Tables, C extends Schema> extends ReactionContext<T, C> {
  /** In order, at least one. */
  readonly events: readonly { readonly data: OutputOf<D>; readonly event: EventInfo }[];
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

export interface Reactions<T extends Tables, C extends Schema> extends TriggerMakers<T, C>, RunbookMakers<T, C> {
  /** Handles each event of a kind. The name is the subscription's for ever: what it has handled is known by it. */
  readonly on: On<T, C>;
  /** Handles events many at a time, in one transaction. */
  readonly onBatch: <D extends Schema>(event: ContractEvent<D>, name: string, options: BatchOptions, handler: BatchHandler<D, T, C>) => Subscription<T, C>;
  /** Work that takes longer than a call. The name is the workflow's for ever: its runs are known by it. */
  readonly workflow: MakeWorkflow<T, C>;
}

/**
 * The makers of reactions, typed by the tables (and settings) of the service that they are for:
 *
 *     const { on, workflow } = reactions(tables);
 */
export function reactions<T extends Tables = NoTables, C extends Schema = NoConfig>(_tables?: T, _config?: C): Reactions<T, C> {
  return {
    ...triggerMakers<T, C>(),
    ...runbookMakers<T, C>(),
    on(event: ContractEvent, name: string, ...rest: readonly unknown[]) {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      return { kind: "on", name, event, options: options as DeliveryOptions, handler: handler as Subscription["handler"] };
    },
    onBatch: (event, name, options, handler) => ({ kind: "on batch", name, event: event, options, handler: handler }),
    workflow: createWorkflow as unknown as MakeWorkflow<T, C>,
  };
}
