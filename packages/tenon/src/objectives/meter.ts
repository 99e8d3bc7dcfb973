/**
 * Counters that calls add to. Adding is two increments, without a clock and without memory; whoever keeps the counts
 * takes them away every few seconds.
 */
import type { CallMeter, CallOutcome } from "../calls/index.ts";
import type { Operation } from "../contract/index.ts";
import type { Counts } from "./bucket-ring.ts";
import { type Target, targetsOfOperation } from "./target.ts";

export class ObjectiveMeter {
  readonly target: Target;
  #bad = 0;
  #total = 0;

  constructor(target: Target) {
    this.target = target;
  }

  observe(isGood: boolean): void {
    this.#total += 1;
    if (!isGood) this.#bad += 1;
  }

  /** What was counted since the last time. */
  take(): Counts {
    const counts = { bad: this.#bad, total: this.#total };
    this.#bad = 0;
    this.#total = 0;
    return counts;
  }
}

/** Judges the calls of one operation by each of its objectives. */
class OperationJudge implements CallMeter {
  readonly #availability: ObjectiveMeter | undefined;
  readonly #latencies: readonly (readonly [limitMs: number, meter: ObjectiveMeter])[];

  constructor(meters: readonly ObjectiveMeter[]) {
    this.#availability = meters.find(({ target }) => target.indicator === "availability");
    this.#latencies = meters.filter(({ target }) => target.indicator === "latency").map((meter) => [meter.target.limitMs as number, meter]);
  }

  observe(outcome: CallOutcome, ms: number): void {
    if (outcome !== "caller") this.#availability?.observe(outcome === "answered");
    for (const [limitMs, meter] of this.#latencies) meter.observe(ms <= limitMs);
  }
}

/** The meters of all operations of an app that have an objective. */
export class ObjectiveMeters {
  readonly #meters: ObjectiveMeter[] = [];

  /** `undefined` for an operation without objectives: its calls cost nothing then. */
  meterOf(operation: Operation, source: "calls" | "probes" = "calls"): CallMeter | undefined {
    const meters = targetsOfOperation(operation, source).map((target) => this.meterOfTarget(target));
    return meters.length === 0 ? undefined : new OperationJudge(meters);
  }

  /** One for each target, however often it is asked for. */
  meterOfTarget(target: Target): ObjectiveMeter {
    const known = this.#meters.find((meter) => meter.target.id === target.id);
    if (known !== undefined) return known;
    const meter = new ObjectiveMeter(target);
    this.#meters.push(meter);
    return meter;
  }

  of(service: string): readonly ObjectiveMeter[] {
    return this.#meters.filter(({ target }) => target.service === service);
  }
}
