/**
 * Targets: what the objectives of contracts and subscriptions come to, as shares of good events.
 *
 * | objective | an event is | and it is good |
 * |---|---|---|
 * | availability | a call that did not fail by its caller | when it was answered |
 * | latency | a call | when it took no longer than it may, however it ended |
 * | lag | a look, one every 10 s | when nothing waits longer than it may |
 *
 * Who is at fault is what the fault's row says (`atFault`); a declared error is an answer to the caller, and like a caller's
 * mistake neither good nor bad. Were they good, a flood of wrong calls would hide an outage.
 *
 * Lag is measured by looking, and not at deliveries: a subscription that stands still delivers nothing.
 */
import { type AnyContract, type LagObjective, type Operation, operationsOf } from "../contract/index.ts";
import { parseDuration } from "../kernel/index.ts";

export type Indicator = "availability" | "latency" | "lag";

export interface Target {
  /** `orders.place/availability`, `orders.place/latency-p99`, `mail.receipts/lag`; those of probes begin with `probe:`. */
  readonly id: string;
  readonly service: string;
  /** The operation or the subscription: `orders.place`. */
  readonly subject: string;
  readonly indicator: Indicator;
  /** Part of the events that is to be good: 0.999. */
  readonly share: number;
  /** What counts as in time, in ms; `undefined` for availability. */
  readonly limitMs: number | undefined;
  /** Whose events are counted. */
  readonly source: "calls" | "probes" | "looks";
}

/** A subscription with an objective. */
export interface LaggingSubject {
  readonly service: string;
  /** Of the subscription. */
  readonly name: string;
  readonly objective: LagObjective;
}

/** Of a lag objective that does not say how much of the time it is to hold, in percent. */
export const defaultLagShare = 99;

/** The shares that the names of percentiles stand for, in percent. */
const percentiles = { p50: 50, p95: 95, p99: 99 } as const;

/** Percent to a part of one, without the noise of a division: 99.9 is 0.999. */
function partOf(percent: number): number {
  return Number((percent / 100).toPrecision(12));
}

export function targetsOfOperation(operation: Operation, source: "calls" | "probes" = "calls"): readonly Target[] {
  const { id: subject, objective, service } = operation;
  const prefix = source === "probes" ? "probe:" : "";
  const common = { service, subject, source };
  const latencies = Object.entries(percentiles).flatMap(([name, percent]): readonly Target[] => {
    const limit = objective?.latency?.[name as keyof typeof percentiles];
    if (limit === undefined) return [];
    return [{ ...common, id: `${prefix}${subject}/latency-${name}`, indicator: "latency", share: partOf(percent), limitMs: parseDuration(limit) }];
  });
  if (objective?.availability === undefined) return latencies;
  return [{ ...common, id: `${prefix}${subject}/availability`, indicator: "availability", share: partOf(objective.availability), limitMs: undefined }, ...latencies];
}

export function targetOfSubscription({ name, objective, service }: LaggingSubject): Target {
  const { lag, share = defaultLagShare } = objective;
  return { id: `${service}.${name}/lag`, service, subject: `${service}.${name}`, indicator: "lag", share: partOf(share), limitMs: parseDuration(lag), source: "looks" };
}

/** As much of a service as tells what it promises. */
export interface PromisingService {
  readonly name: string;
  readonly contract: AnyContract;
  readonly subscriptions: readonly { readonly name: string; readonly options: { readonly objective?: LagObjective } }[];
}

/** Everything that a service promises. */
export function targetsOf({ contract, name: service, subscriptions }: PromisingService): readonly Target[] {
  const operations = operationsOf(contract);
  return [
    ...operations.flatMap((operation) => targetsOfOperation(operation)),
    ...operations.filter(({ probe }) => probe !== undefined).flatMap((operation) => targetsOfOperation(operation, "probes")),
    ...subscriptions.flatMap(({ name, options: { objective } }) => (objective === undefined ? [] : [targetOfSubscription({ service, name, objective })])),
  ];
}
