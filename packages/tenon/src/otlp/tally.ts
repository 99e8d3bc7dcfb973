/** What became of the items of one signal. Nothing that is not sent goes uncounted. */
import type { MetricFamily, Series } from "../telemetry/index.ts";

export type SignalName = "traces" | "metrics" | "logs";

/** Why items were not sent. */
export const dropReasons = [
  /** More came than the collector took; the newest go. */
  "queue_full",
  /** An item that cannot be read, or is larger than a request may be. */
  "unencodable",
  /** The collector answered with a status that no repetition changes. */
  "refused",
  /** The collector took the request and not these (partial success). */
  "rejected",
  /** The collector was away for longer than a batch is tried. */
  "gave_up",
  /** The app stopped, and the collector did not take them in time. */
  "stopped",
  /** A reading of metrics that was never sent, since a later one said all of it. */
  "superseded",
] as const;
export type DropReason = (typeof dropReasons)[number];

export class Tally {
  readonly signal: SignalName;
  /** Items that the collector has taken. */
  sent = 0;
  /** Requests that failed and were, or will be, tried again. */
  failures = 0;
  readonly dropped: Record<DropReason, number> = { queue_full: 0, unencodable: 0, refused: 0, rejected: 0, gave_up: 0, stopped: 0, superseded: 0 };

  constructor(signal: SignalName) {
    this.signal = signal;
  }

  /** Of all reasons but `superseded`, which loses nothing. */
  get lost(): number {
    return dropReasons.reduce((sum, reason) => sum + (reason === "superseded" ? 0 : this.dropped[reason]), 0);
  }
}

/** The counts as metrics, for `/metrics` and for the collector itself. */
export function toFamilies(tallies: readonly Tally[], sinceMs: number): readonly MetricFamily[] {
  const counter = (name: string, help: string, series: readonly Series[]): MetricFamily => ({ name, help, unit: "", type: "counter", series });
  return [
    counter("tenon_telemetry_sent", "Spans, data points and log lines that the collector took.", tallies.map(({ sent, signal }) => ({ labels: { signal }, value: sent, sinceMs }))),
    counter(
      "tenon_telemetry_dropped",
      "Spans, data points and log lines that were not sent, by reason.",
      tallies.flatMap(({ dropped, signal }) => dropReasons.map((reason) => ({ labels: { signal, reason }, value: dropped[reason], sinceMs }))),
    ),
    counter("tenon_telemetry_failures", "Requests to the collector that failed and were tried again.", tallies.map(({ failures, signal }) => ({ labels: { signal }, value: failures, sinceMs }))),
  ];
}
