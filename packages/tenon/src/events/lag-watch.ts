/**
 * How far behind events are, as metrics. Read from the database when somebody collects, and kept for some seconds, so that
 * several collectors ask once; a reading that takes long goes on in the background, and the page shows what was known.
 */
import type { Database } from "../data/index.ts";
import type { Clock, Log } from "../kernel/index.ts";
import type { Metrics, Reading } from "../telemetry/index.ts";
import { readLag, type ServiceLag, type SubscriptionLag } from "./lag.ts";

export interface LagWatchOptions {
  readonly database: Database;
  /** Names of the subscriptions of each service, by its own. */
  readonly subscriptions: ReadonlyMap<string, readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a reading is good enough, in ms: below the usual interval between scrapes, 15 s. */
const freshMs = 5_000;
/** How long a collection waits for a reading, in ms: the usual time-out of a scrape is 10 s. */
const waitMaxMs = 500;
/** A reading older than this, in ms, is not shown: no figure is better than a wrong one that looks right. */
const staleMs = 60_000;

const age = { type: "gauge", unit: "seconds" } as const;

export class LagWatch {
  readonly #options: LagWatchOptions;
  #lags: readonly ServiceLag[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined = undefined;

  constructor(options: LagWatchOptions) {
    this.#options = options;
  }

  /** Puts its figures among the metrics. Once. */
  register(metrics: Metrics): void {
    metrics.onRefresh(() => this.refresh());
    const labels = ["service", "subscription"];
    const outbox = (valueOf: (lag: ServiceLag) => number) => () => this.#shown.map((lag) => ({ labels: [lag.service], value: valueOf(lag) }));
    metrics.watch({ name: "tenon_outbox_events", help: "Events that wait in an outbox, counted up to 10 000.", type: "gauge", labels: ["service"] }, outbox((lag) => lag.outbox.count.count));
    metrics.watch({ ...age, name: "tenon_outbox_oldest_age_seconds", help: "How long the oldest event in an outbox has waited; 0 when there is none.", labels: ["service"] }, outbox((lag) => (lag.outbox.oldestMs ?? 0) / 1000));
    metrics.watch({ name: "tenon_inbox_deliveries", help: "Deliveries that have not been done, counted up to 10 000: ready, waiting after a failure, or behind one of their key.", type: "gauge", labels: [...labels, "state"] }, () => this.#eachSubscription(toStates));
    metrics.watch({ ...age, name: "tenon_inbox_oldest_age_seconds", help: "How long the oldest of them has been in the inbox; 0 when there is none.", labels }, () => this.#eachSubscription(({ oldestMs = 0, subscription }, service) => [{ labels: [service, subscription], value: oldestMs / 1000 }]));
    metrics.watch({ name: "tenon_dead_letters", help: "Deliveries that were given up and wait for an operator, counted up to 10 000.", type: "gauge", labels }, () => this.#eachSubscription(({ dead, subscription }, service) => [{ labels: [service, subscription], value: dead.count }]));
  }

  /** Reads anew where the last reading is not fresh. Resolves after {@link waitMaxMs} at the latest, and never fails. */
  async refresh(): Promise<void> {
    const { clock } = this.#options;
    if (clock.elapsedMs() - this.#readAtMs < freshMs) return;
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    const late = Promise.withResolvers<void>();
    const timer = clock.after(waitMaxMs, late.resolve);
    await Promise.race([this.#reading, late.promise]);
    timer.cancel();
  }

  get #shown(): readonly ServiceLag[] {
    return this.#options.clock.elapsedMs() - this.#readAtMs < staleMs ? this.#lags : [];
  }

  #eachSubscription(toReadings: (lag: SubscriptionLag, service: string) => readonly Reading[]): readonly Reading[] {
    return this.#shown.flatMap(({ service, subscriptions }) => subscriptions.flatMap((lag) => toReadings(lag, service)));
  }

  /** One service after the other: looking must not take the sessions that work needs. */
  async #read(): Promise<void> {
    const { clock, database, log, subscriptions } = this.#options;
    try {
      const lags: ServiceLag[] = [];
      for (const [service, known] of subscriptions) lags.push(await readLag(database, service, known));
      this.#lags = lags;
      this.#readAtMs = clock.elapsedMs();
    } catch (error) {
      log.debug("how far behind events are could not be read", { error });
    }
  }
}

function toStates({ behind, ready, subscription, waiting }: SubscriptionLag, service: string): readonly Reading[] {
  return Object.entries({ ready, waiting, behind }).map(([state, { count }]) => ({ labels: [service, subscription, state], value: count }));
}
