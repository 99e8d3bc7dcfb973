/**
 * What happens to limits while the store that counts them is out of reach, so that a store that died takes nothing with it.
 *
 *     closed ── it fails ──► open ── its time is over ──► one call asks ── it answers ──► closed
 *                             ▲                                │ fails: twice as long
 *                             └────────────────────────────────┘
 *
 * While it is open no call waits for the store: the policy answers at once.
 */
import { isPromise } from "../calls/index.ts";
import { type Clock, Fault, type Log } from "../kernel/index.ts";
import { MemoryLimits } from "./memory-limits.ts";
import type { LimitState, LimitStore, LimitTake } from "./ports.ts";

/**
 * `local`: each process counts by itself meanwhile, so that up to as many times more calls pass as there are processes.
 * `allow`: every call passes. `refuse`: calls of operations with a limit are answered `unavailable`.
 */
export type WithoutStore = "local" | "allow" | "refuse";

export interface GuardedLimitsOptions {
  readonly store: LimitStore;
  readonly without: WithoutStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** The first wait before the store is asked again, and the longest, in ms. */
const openMinMs = 500;
const openMaxMs = 10_000;

export class GuardedLimits implements LimitStore {
  readonly #options: GuardedLimitsOptions;
  readonly #local: MemoryLimits;
  #openUntilMs: number | undefined = undefined;
  #openForMs = openMinMs;
  #isAsking = false;
  #withoutStore = 0;

  constructor(options: GuardedLimitsOptions) {
    this.#options = options;
    this.#local = new MemoryLimits(options);
  }

  /** Calls that were decided without the store. */
  get withoutStore(): number {
    return this.#withoutStore;
  }

  take(takes: readonly LimitTake[]): readonly LimitState[] | Promise<readonly LimitState[]> {
    if (!this.#mayAsk()) return this.#decide(takes);
    let taken: readonly LimitState[] | Promise<readonly LimitState[]>;
    try {
      taken = this.#options.store.take(takes);
    } catch (error) {
      return this.#failed(error, takes);
    }
    if (!isPromise(taken)) return this.#answered(taken);
    return taken.then(
      (states) => this.#answered(states),
      (error: unknown) => this.#failed(error, takes),
    );
  }

  #mayAsk(): boolean {
    if (this.#openUntilMs === undefined) return true;
    if (this.#isAsking || this.#options.clock.elapsedMs() < this.#openUntilMs) return false;
    this.#isAsking = true;
    return true;
  }

  #answered(states: readonly LimitState[]): readonly LimitState[] {
    // Of answers that were under way when it failed, none says that it works again: the one that asks now does.
    if (this.#openUntilMs !== undefined && this.#isAsking) {
      this.#openUntilMs = undefined;
      this.#openForMs = openMinMs;
      this.#isAsking = false;
      this.#options.log.info("limits are counted in their store again");
    }
    return states;
  }

  #failed(error: unknown, takes: readonly LimitTake[]): readonly LimitState[] {
    const { clock, log, without } = this.#options;
    if (this.#openUntilMs === undefined) {
      log.warn("the store of limits does not answer", { meanwhile: without, error });
      this.#openForMs = openMinMs;
      this.#openUntilMs = clock.elapsedMs() + this.#openForMs;
    } else if (this.#isAsking) {
      this.#isAsking = false;
      this.#openForMs = Math.min(openMaxMs, this.#openForMs * 2);
      this.#openUntilMs = clock.elapsedMs() + this.#openForMs;
    }
    return this.#decide(takes);
  }

  /** @throws {Fault} `unavailable`, where that is the policy. */
  #decide(takes: readonly LimitTake[]): readonly LimitState[] {
    this.#withoutStore += 1;
    switch (this.#options.without) {
      case "local":
        return this.#local.take(takes);
      case "allow":
        return takes.map(({ policy }) => ({ waitMs: 0, remaining: policy.calls, resetMs: 0 }));
      default:
        throw new Fault("unavailable", "calls cannot be counted at the moment, and are not let through uncounted", { retryAfterS: 1, facts: { reason: "limits_without_store" } });
    }
  }
}
