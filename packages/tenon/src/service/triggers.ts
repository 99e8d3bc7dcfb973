/**
 * What sets a service to work besides calls and events: the time, a change of its own rows, and requests of systems that
 * know nothing of its contract. Each trigger is a plain value; what it starts is delivered as an event is, with the same retries, dead letters
 * and effects that happen once.
 */
import type { ContractEvent, InputOf, OutputOf, RateLimit, Schema, Table } from "../contract/index.ts";
import type { MissedPolicy, ScheduleSpec, WebhookSignature } from "../events/index.ts";
import type { Duration } from "../kernel/index.ts";
import type { DeliveryOptions, ReactionContext } from "./delivery.ts";
import type { NoConfig, NoTables, Tables } from "./needs.ts";

/** What the handler of a schedule gets. */
export interface ScheduleContext<T extends Tables, C extends Schema> extends ReactionContext<T, C> {
  /** When this run was due, in UTC (RFC 3339). It may start later, and is told the same at each attempt. */
  readonly scheduledAt: string;
  /** How many earlier instants this run stands for besides its own, because nothing ran then. */
  readonly missed: number;
}

/** Runs of one schedule follow one another, so there is no concurrency to be set. */
export interface ScheduleOptions extends Omit<DeliveryOptions, "concurrency"> {
  /** What becomes of instants that passed while nothing ran. Default `"once"`: all of them are one run. */
  readonly missed?: MissedPolicy;
}

/** A schedule: made by `every`. */
export interface ScheduleTrigger<T extends Tables = NoTables, C extends Schema = NoConfig> {
  readonly kind: "every";
  readonly name: string;
  readonly when: ScheduleSpec;
  readonly options: ScheduleOptions;
  readonly handler: (context: never) => unknown;
  /** For the compiler alone: which tables and settings the handler counts on. */
  readonly needs?: (tables: T, config: C) => void;
}

/** What came, once its signature has been found to fit. */
export interface WebhookMessage {
  /** The parsed JSON. Nothing has checked its shape. */
  readonly body: unknown;
  /** By lower-case name; several of one name are joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The sender's identifier of this delivery: the same at each of its attempts. */
  readonly id: string;
}

export interface WebhookOptions<D extends Schema, C extends Schema> {
  /** Where it is posted to: `"/hooks/payments"`. */
  readonly path: `/${string}`;
  /** How the sender signs: `(config) => standardWebhook({ secret: config.HOOK_SECRET })`. Made once, when the app is opened. */
  readonly verify: (config: OutputOf<C>) => WebhookSignature;
  /** What the event tells; `undefined` where there is nothing to tell. Pure and quick: what takes work is done by who handles the event. */
  readonly read: (message: WebhookMessage) => InputOf<D> | undefined;
  /** The largest body, in bytes. Default 1 MiB. */
  readonly bodyMaxBytes?: number;
  /** How long it may take to store it. Default `"10s"`: the senders in use wait from 5 to 30 s. */
  readonly deadline?: Duration;
  /** How often one network address may call. Default: without a limit. */
  readonly rateLimit?: Pick<RateLimit, "calls" | "per">;
}

/** A webhook: made by `webhook`. */
export interface WebhookTrigger<C extends Schema = NoConfig> {
  readonly kind: "webhook";
  readonly event: ContractEvent;
  readonly path: string;
  readonly verify: (config: never) => WebhookSignature;
  readonly read: (message: WebhookMessage) => unknown;
  readonly bodyMaxBytes: number;
  readonly deadline: Duration;
  readonly rateLimit: Pick<RateLimit, "calls" | "per"> | undefined;
  /** For the compiler alone: which settings it counts on. */
  readonly needs?: (config: C) => void;
}

/** A row of a declared table. */
export type RowOf<T> = T extends Table<infer Columns> ? { readonly [K in keyof Columns]: OutputOf<Columns[K]> } : never;

/** What the handler of a change gets. Values are those that a query reads. */
export interface ChangeContext<R, T extends Tables, C extends Schema> extends ReactionContext<T, C> {
  readonly operation: "insert" | "update" | "delete";
  /** The columns of the primary key. */
  readonly key: Partial<R>;
  /** The row as it was; not of an insert. */
  readonly before: R | undefined;
  /** The row as it became; not of a delete. It may have changed again since: `read` and `db` see the present. */
  readonly after: R | undefined;
  /** The rows were too large to be carried along, and neither is here. */
  readonly isCut: boolean;
}

export interface ChangeOptions<R> extends DeliveryOptions {
  /** An update that changes none of these is not told. Default: every column. */
  readonly columns?: readonly (keyof R & string)[];
}

/** A subscription to changes of rows: made by `onChange`. */
export interface ChangeTrigger<T extends Tables = NoTables, C extends Schema = NoConfig> {
  readonly kind: "onChange";
  readonly name: string;
  readonly table: string;
  readonly options: DeliveryOptions & { readonly columns?: readonly string[] };
  readonly handler: (context: never) => unknown;
  /** For the compiler alone: which tables and settings the handler counts on. */
  readonly needs?: (tables: T, config: C) => void;
}

type ChangeHandler<R, T extends Tables, C extends Schema> = (context: ChangeContext<R, T, C>) => unknown;

export interface OnChange<T extends Tables, C extends Schema> {
  <K extends keyof T & string>(table: K, name: string, handler: ChangeHandler<RowOf<T[K]>, T, C>): ChangeTrigger<T, C>;
  <K extends keyof T & string>(table: K, name: string, options: ChangeOptions<RowOf<T[K]>>, handler: ChangeHandler<RowOf<T[K]>, T, C>): ChangeTrigger<T, C>;
}

export type Trigger<T extends Tables = NoTables, C extends Schema = NoConfig> = ScheduleTrigger<T, C> | ChangeTrigger<T, C> | WebhookTrigger<C>;

/** A form or an order is a few KiB, a push of many commits some hundred; beyond it senders have to be asked for. */
export const webhookBodyMaxBytes = 1024 * 1024;

type ScheduleHandler<T extends Tables, C extends Schema> = (context: ScheduleContext<T, C>) => unknown;

export interface Every<T extends Tables, C extends Schema> {
  (when: ScheduleSpec, name: string, handler: ScheduleHandler<T, C>): ScheduleTrigger<T, C>;
  (when: ScheduleSpec, name: string, options: ScheduleOptions, handler: ScheduleHandler<T, C>): ScheduleTrigger<T, C>;
}

export interface TriggerMakers<T extends Tables, C extends Schema> {
  /**
   * Runs at every multiple of a duration, or at times by the clock of a place: once for all instances of the app. The name
   * is the schedule's for ever: when it ran last is known by it.
   */
  readonly every: Every<T, C>;
  /** Tells of each row of a table of the service that is inserted, updated or deleted, whoever does it. The name is the subscription's for ever. */
  readonly onChange: OnChange<T, C>;
  /** Takes what another system posts, and emits it as an event of this service: stored before it is answered. */
  readonly webhook: <D extends Schema>(event: ContractEvent<D>, options: WebhookOptions<D, C>) => WebhookTrigger<C>;
}

export function triggerMakers<T extends Tables, C extends Schema>(): TriggerMakers<T, C> {
  return {
    every(when: ScheduleSpec, name: string, ...rest: readonly unknown[]) {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      return { kind: "every", name, when, options: options as ScheduleOptions, handler: handler as ScheduleTrigger["handler"] };
    },
    onChange(table: string, name: string, ...rest: readonly unknown[]) {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      return { kind: "onChange", name, table, options: options as ChangeTrigger["options"], handler: handler as ChangeTrigger["handler"] };
    },
    webhook(event, { bodyMaxBytes = webhookBodyMaxBytes, deadline = "10s", path, rateLimit, read, verify }) {
      return { kind: "webhook", event, path, verify, read, bodyMaxBytes, deadline, rateLimit };
    },
  };
}
