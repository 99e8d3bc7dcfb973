/**
 * What sets a service to work besides calls and events: the time. Each trigger is a plain value with a name; what it
 * starts is delivered as an event is, with the same retries, dead letters and effects that happen once.
 */
import type { Schema } from "../contract/index.ts";
import type { MissedPolicy, ScheduleSpec } from "../events/index.ts";
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

export type Trigger<T extends Tables = NoTables, C extends Schema = NoConfig> = ScheduleTrigger<T, C>;

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
}

export function triggerMakers<T extends Tables, C extends Schema>(): TriggerMakers<T, C> {
  return {
    every(when: ScheduleSpec, name: string, ...rest: readonly unknown[]) {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      return { kind: "every", name, when, options: options as ScheduleOptions, handler: handler as ScheduleTrigger["handler"] };
    },
  };
}
