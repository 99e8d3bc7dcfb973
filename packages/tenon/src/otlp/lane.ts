/**
 * The way of one signal to its collector: items are encoded into the open batch, full batches wait, one is under way.
 *
 * Items and bytes are bounded over all three. What comes when they are full is dropped before any work is done for it,
 * so that a collector that is away makes calls cheaper, not dearer.
 *
 *     add ─► open ── full, or its time is up ─► waiting ─► under way ─► sent
 *      │ full                                     ▲            │ failed: waits with backoff, or as long as the collector asks
 *      ▼                                          └────────────┤
 *   dropped                                                    └─ refused, or tried for too long ─► dropped
 *
 * One batch may be refused for what is in it, and the next one follows at once. A collector that refuses one after another
 * is asked again with backoff, like one that is away, instead of being sent what it will not take.
 */
import { backoffMs, type BackoffLimits, type Clock, type Log, type Random, type Timer } from "../kernel/index.ts";
import type { BatchEncoder } from "./batch-encoder.ts";
import type { Collector, Outcome } from "./collector.ts";
import type { DropReason, Tally } from "./tally.ts";

export interface QueueLimits {
  /** Items in memory, in the open batch, waiting and under way. */
  readonly itemsMax: number;
  /** Items of one request. */
  readonly batchItemsMax: number;
  /** How long an item waits for others to fill its batch. */
  readonly delayMs: number;
  /** How long a batch is tried, repetitions included. */
  readonly tryMs: number;
}

export interface LaneOptions<Item> {
  readonly encoder: BatchEncoder<Item>;
  readonly collector: Collector;
  readonly limits: QueueLimits;
  /** What the collector, and `itemsMax`, count of an item: 1, or the points of a metric. */
  readonly countOf: (item: Item) => number;
  /** Runs a task outside of whatever call it was asked in. */
  readonly outside: (task: () => void) => void;
  readonly tally: Tally;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly backoff?: BackoffLimits;
}

/** What collectors take in one request without a word: the default of gRPC, which many of them hold HTTP to as well, is 4 MiB. */
const batchMaxBytes = 1024 * 1024;
/** Encoded bytes in memory, at most: some 30,000 spans. */
export const queueMaxBytes = 8 * 1024 * 1024;
/** OpenTelemetry's own exporters begin at 1 s too. The cap is how late a collector that came back is noticed. */
const defaultBackoff: BackoffLimits = { baseMs: 2_000, capMs: 30_000 };
/** Between two lines about the same trouble. */
const quietMs = 60_000;

interface Batch {
  readonly body: Buffer;
  readonly items: number;
}

export class Lane<Item> {
  readonly #options: LaneOptions<Item>;
  #openItems = 0;
  readonly #waiting: Batch[] = [];
  #items = 0;
  #waitingBytes = 0;
  #timer: Timer | undefined = undefined;
  #working: Promise<void> | undefined = undefined;
  #failuresInARow = 0;
  #refusalsInARow = 0;
  #isStopping = false;
  #endPause: (() => void) | undefined = undefined;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #lostAtLog = 0;
  /** A line has said that the collector is away, and none that it is back. */
  #isSaidAway = false;

  constructor(options: LaneOptions<Item>) {
    this.#options = options;
  }

  /** Items that are in memory. */
  get items(): number {
    return this.#items;
  }

  /** Encoded bytes that are in memory. */
  get bytes(): number {
    return this.#waitingBytes + this.#options.encoder.byteLength;
  }

  /** Takes items, or drops and counts them. Never throws, never waits. */
  add(items: readonly Item[]): void {
    for (const item of items) this.#addOne(item);
    if (this.#openItems > 0) this.#timer ??= this.#options.clock.after(this.#options.limits.delayMs, () => this.seal());
  }

  /** Sends what is in the open batch without waiting for more. */
  seal(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#openItems === 0) return;
    const batch = { body: this.#options.encoder.seal(), items: this.#openItems };
    this.#openItems = 0;
    this.#waiting.push(batch);
    this.#waitingBytes += batch.body.length;
    this.#work();
  }

  /** Drops batches that wait and are not under way. */
  supersede(): void {
    for (const batch of this.#waiting.splice(this.#working === undefined ? 0 : 1)) this.#drop(batch, "superseded");
  }

  /**
   * Sends what is left, each batch once, and returns when it is sent or the first one has failed. What was not sent is
   * dropped as `stopped`.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.seal();
    this.#endPause?.();
    await this.#working;
  }

  #addOne(item: Item): void {
    const { countOf, encoder, limits, tally } = this.#options;
    let count = 1;
    try {
      count = countOf(item);
      const isFull = this.#items + count > limits.itemsMax || this.bytes >= queueMaxBytes;
      if (isFull || this.#isStopping) {
        tally.dropped[isFull ? "queue_full" : "stopped"] += count;
        return;
      }
      if (encoder.add(item, batchMaxBytes) === 0) {
        tally.dropped.unencodable += count;
        return;
      }
    } catch {
      tally.dropped.unencodable += count; // an item whose parts throw when they are read
      return;
    }
    this.#items += count;
    this.#openItems += count;
    if (this.#openItems >= limits.batchItemsMax || encoder.byteLength >= batchMaxBytes) this.seal();
  }

  #work(): void {
    if (this.#working !== undefined) return;
    this.#options.outside(() => {
      this.#working = this.#sendAll().finally(() => {
        this.#working = undefined;
        if (this.#waiting.length > 0) this.#work();
      });
    });
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      const dropped = await this.#deliver(batch);
      this.#waiting.shift();
      if (dropped === undefined) this.#remove(batch);
      else this.#drop(batch, dropped);
      if (dropped === "refused" && this.#refusalsInARow > 1) await this.#pause(this.#waitMs(this.#refusalsInARow - 1));
      if (dropped === "stopped") for (const rest of this.#waiting.splice(0)) this.#drop(rest, "stopped");
    }
  }

  /** Sends a batch until it is taken, or for as long as it is worth it; then says why it was not. */
  async #deliver(batch: Batch): Promise<DropReason | undefined> {
    const { clock, collector, limits, tally } = this.#options;
    const startedMs = clock.elapsedMs();
    let body: Buffer;
    try {
      body = await collector.encode(batch.body);
    } catch (error) {
      this.#complain("telemetry cannot be compressed", { error });
      return "unencodable";
    }
    for (;;) {
      const outcome = await collector.send(body);
      if (outcome.kind === "accepted") {
        this.#accept(batch, outcome);
        return undefined;
      }
      if (outcome.kind === "refused") {
        this.#failuresInARow = 0; // the collector is there
        this.#refusalsInARow += 1;
        this.#complain("the collector refuses telemetry", { reason: outcome.reason });
        return "refused";
      }
      tally.failures += 1;
      this.#failuresInARow += 1;
      if (this.#complain("the collector of telemetry is out of reach", { reason: outcome.reason })) this.#isSaidAway = true;
      if (this.#isStopping) return "stopped";
      await this.#pause(outcome.retryAfterMs ?? this.#waitMs(this.#failuresInARow));
      if (!this.#isStopping && clock.elapsedMs() - startedMs >= limits.tryMs) return "gave_up";
    }
  }

  #accept(batch: Batch, outcome: Outcome & { readonly kind: "accepted" }): void {
    const { log, tally } = this.#options;
    const rejected = Math.min(outcome.rejected, batch.items);
    tally.sent += batch.items - rejected;
    tally.dropped.rejected += rejected;
    if (rejected > 0 || outcome.message !== "") this.#complain("the collector did not take all telemetry", { rejected, reason: outcome.message });
    this.#failuresInARow = 0;
    this.#refusalsInARow = 0;
    if (!this.#isSaidAway) return;
    this.#isSaidAway = false;
    log.info("the collector of telemetry answers again", { signal: tally.signal, dropped: tally.lost });
  }

  #waitMs(failures: number): number {
    const { backoff = defaultBackoff, random } = this.#options;
    return backoffMs(failures, backoff, random);
  }

  /** Resolves after so long, and at once when the lane is stopping. */
  async #pause(waitMs: number): Promise<void> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(waitMs, resolve);
    this.#endPause = resolve;
    if (this.#isStopping) resolve();
    await promise;
    this.#endPause = undefined;
    timer.cancel();
  }

  #drop(batch: Batch, reason: DropReason): void {
    this.#options.tally.dropped[reason] += batch.items;
    this.#remove(batch);
  }

  #remove(batch: Batch): void {
    this.#items -= batch.items;
    this.#waitingBytes -= batch.body.length;
  }

  /** A line once a minute, with what was lost since the last one. Returns whether it was written. */
  #complain(message: string, fields: Readonly<Record<string, unknown>>): boolean {
    const { clock, log, tally } = this.#options;
    const nowMs = clock.elapsedMs();
    if (nowMs - this.#loggedAtMs < quietMs) return false;
    this.#loggedAtMs = nowMs;
    log.warn(message, { signal: tally.signal, ...fields, dropped: tally.lost - this.#lostAtLog });
    this.#lostAtLog = tally.lost;
    return true;
  }
}
