/** What came of the requests of an open-loop run: counts, latencies by kind of answer, and a timeline. */
import { Latencies, type LatencySummary } from "./latencies.ts";

/** The reason given to `fail` for a request that nobody waits for any more. */
export const timedOut = "no answer in time";

export interface RecordOptions {
  readonly durationMs: number;
  readonly timelineStepMs: number;
  readonly isGood: (status: number) => boolean;
  readonly isRefused: (status: number) => boolean;
}

export interface SentRequest {
  readonly dueAtMs: number;
  readonly sentAtMs: number;
}

export interface OutcomeSummary {
  readonly count: number;
  readonly perSecond: number;
  /** From the instant due. */
  readonly latency: LatencySummary;
  /** From the instant at which the bytes were written: the server's own share, the generator's queue left out. */
  readonly fromSend: LatencySummary;
}

export interface TimelineRow {
  readonly atMs: number;
  due: number;
  good: number;
  refused: number;
  /** Other statuses, failures, time-outs and unsent ones together. */
  bad: number;
}

export interface OpenLoopResult {
  readonly due: number;
  readonly good: OutcomeSummary;
  readonly refused: OutcomeSummary;
  readonly other: OutcomeSummary;
  readonly failed: number;
  readonly timedOut: number;
  readonly unsent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** The first failures in words, five at most. */
  readonly firstFailures: readonly string[];
  readonly maxInFlight: number;
  /** How late the generator itself was at worst: far above a few ms, it is the generator that was measured. */
  readonly maxLagMs: number;
  readonly elapsedMs: number;
  /** By the instant at which the outcome was known; `due` by the instant due. */
  readonly timeline: readonly TimelineRow[];
}

class OutcomeRecord {
  readonly #latency = new Latencies();
  readonly #fromSend = new Latencies();

  add(sent: SentRequest, nowMs: number): void {
    this.#latency.record(nowMs - sent.dueAtMs);
    this.#fromSend.record(nowMs - sent.sentAtMs);
  }

  summary(durationMs: number): OutcomeSummary {
    const latency = this.#latency.summary();
    return { count: latency.count, perSecond: (latency.count / durationMs) * 1_000, latency, fromSend: this.#fromSend.summary() };
  }
}

export class OpenLoopRecord {
  readonly #options: RecordOptions;
  readonly #good = new OutcomeRecord();
  readonly #refused = new OutcomeRecord();
  readonly #other = new OutcomeRecord();
  readonly #byStatus = new Map<number, number>();
  readonly #firstFailures: string[] = [];
  readonly #timeline: TimelineRow[] = [];
  #startedAtMs = 0;
  #due = 0;
  #failed = 0;
  #timedOut = 0;
  #unsent = 0;
  #maxInFlight = 0;
  #maxLagMs = 0;

  constructor(options: RecordOptions) {
    this.#options = options;
  }

  start(nowMs: number): void {
    this.#startedAtMs = nowMs;
  }

  due(dueAtMs: number, nowMs: number): void {
    this.#due += 1;
    this.#rowAt(dueAtMs).due += 1;
    this.#maxLagMs = Math.max(this.#maxLagMs, nowMs - dueAtMs);
  }

  inFlight(count: number): void {
    this.#maxInFlight = Math.max(this.#maxInFlight, count);
  }

  answer(status: number, sent: SentRequest, nowMs: number): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
    const row = this.#rowAt(nowMs);
    if (this.#options.isGood(status)) {
      row.good += 1;
      this.#good.add(sent, nowMs);
    } else if (this.#options.isRefused(status)) {
      row.refused += 1;
      this.#refused.add(sent, nowMs);
    } else {
      row.bad += 1;
      this.#other.add(sent, nowMs);
    }
  }

  fail(reason: string, nowMs: number): void {
    this.#rowAt(nowMs).bad += 1;
    if (reason === timedOut) this.#timedOut += 1;
    else this.#failed += 1;
    if (this.#firstFailures.length < 5) this.#firstFailures.push(reason);
  }

  unsent(nowMs: number): void {
    this.#rowAt(nowMs).bad += 1;
    this.#unsent += 1;
  }

  result(nowMs: number): OpenLoopResult {
    const { durationMs } = this.#options;
    return {
      due: this.#due,
      good: this.#good.summary(durationMs),
      refused: this.#refused.summary(durationMs),
      other: this.#other.summary(durationMs),
      failed: this.#failed,
      timedOut: this.#timedOut,
      unsent: this.#unsent,
      byStatus: Object.fromEntries(this.#byStatus),
      firstFailures: this.#firstFailures,
      maxInFlight: this.#maxInFlight,
      maxLagMs: this.#maxLagMs,
      elapsedMs: nowMs - this.#startedAtMs,
      timeline: this.#timeline,
    };
  }

  #rowAt(atMs: number): TimelineRow {
    const index = Math.floor((atMs - this.#startedAtMs) / this.#options.timelineStepMs);
    while (this.#timeline.length <= index) {
      this.#timeline.push({ atMs: this.#timeline.length * this.#options.timelineStepMs, due: 0, good: 0, refused: 0, bad: 0 });
    }
    return this.#timeline[index] as TimelineRow;
  }
}
