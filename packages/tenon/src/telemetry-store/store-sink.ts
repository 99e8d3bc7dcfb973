/**
 * Telemetry of this very process into the store: what `tenon dev` keeps without a collector. Gathers for a fifth of a
 * second, so the path of a call pays for one push to a list.
 */
import type { Clock, Timer } from "../kernel/index.ts";
import type { LogRecord, MetricFamily, Span, TelemetrySink } from "../telemetry/index.ts";
import { type Intake, type MetricPoint, type Resource, toPoints } from "./intake.ts";
import type { StoreLimits } from "./store-limits.ts";
import { type StoreCounts, TelemetryStore } from "./telemetry-store.ts";

/** How long telemetry may wait in memory: short enough that `tenon traces` shows the call that was just made. */
const flushAfterMs = 200;
/** Items of each kind that are handed over in one turn of the event loop: some milliseconds of making JSON. */
const turnItems = 1_000;

export interface StoreSinkOptions {
  /** Who speaks: `{ "service.name": "shop" }`. */
  readonly resource: Resource;
  readonly clock: Clock;
  readonly limits?: Partial<StoreLimits>;
  /** Spans, records and points that may be in memory, gathered or on their way to disk. Default 20 000; the rest is dropped, and counted. */
  readonly itemsMax?: number;
}

export interface StoreSink extends Required<TelemetrySink>, AsyncDisposable {
  readonly directory: string;
  /** Of the store, and what found no room or failed on the way to it. */
  readonly counts: StoreCounts & { readonly dropped: number };
  /** Resolves when all that was taken before is on disk, or dropped. */
  flush(): Promise<void>;
  /** Writes what is left, and gives the directory back. */
  close(): Promise<void>;
}

/**
 * Opens the store of a directory for what this process produces.
 *
 * @throws {TelemetryStoreError} it cannot be written, or another process keeps its telemetry there.
 */
export async function openStoreSink(directory: string, options: StoreSinkOptions): Promise<StoreSink> {
  return new Sink(await TelemetryStore.open(directory, options.limits), options);
}

class Sink implements StoreSink {
  readonly #store: TelemetryStore;
  readonly #resource: Resource;
  readonly #clock: Clock;
  readonly #itemsMax: number;
  readonly #underWay = new Set<Promise<void>>();
  readonly #spans: Span[] = [];
  readonly #logs: LogRecord[] = [];
  readonly #points: MetricPoint[] = [];
  #timer: Timer | undefined = undefined;
  /** Gathered or under way. */
  #items = 0;
  #dropped = 0;
  #isClosed = false;

  constructor(store: TelemetryStore, { clock, itemsMax = 20_000, resource }: StoreSinkOptions) {
    this.#store = store;
    this.#resource = resource;
    this.#clock = clock;
    this.#itemsMax = itemsMax;
  }

  get directory(): string {
    return this.#store.directory;
  }

  get counts(): StoreSink["counts"] {
    return { ...this.#store.counts, dropped: this.#dropped };
  }

  spans(spans: readonly Span[]): void {
    this.#spans.push(...this.#admit(spans));
  }

  logs(records: readonly LogRecord[]): void {
    this.#logs.push(...this.#admit(records));
  }

  metrics(families: readonly MetricFamily[]): void {
    this.#points.push(...this.#admit(toPoints(families, this.#clock.nowMs())));
  }

  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#handOver() > 0);
    await Promise.all(this.#underWay);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    await this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** As many of them as there is room for. */
  #admit<T>(items: readonly T[]): readonly T[] {
    const room = this.#isClosed ? 0 : Math.max(0, this.#itemsMax - this.#items);
    const admitted = items.length <= room ? items : items.slice(0, room);
    this.#dropped += items.length - admitted.length;
    this.#items += admitted.length;
    if (admitted.length > 0) this.#timer ??= this.#clock.after(flushAfterMs, () => this.#turn());
    return admitted;
  }

  #turn(): void {
    this.#timer = undefined;
    if (this.#handOver() > 0) this.#timer = this.#clock.after(0, () => this.#turn());
  }

  /** Returns how many are left for the next turn. */
  #handOver(): number {
    const [spans, logs, points] = [this.#spans.splice(0, turnItems), this.#logs.splice(0, turnItems), this.#points.splice(0, turnItems)];
    const count = spans.length + logs.length + points.length;
    if (count === 0) return 0;
    const work = this.#keep({ resource: this.#resource, spans: spans.map(toPlainSpan), logs: logs.map(toPlainRecord), points }, count);
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
    return this.#spans.length + this.#logs.length + this.#points.length;
  }

  async #keep(intake: Intake, count: number): Promise<void> {
    const outcome = await this.#store.submit({ kind: "intakes", json: JSON.stringify([intake]) });
    this.#items -= count;
    if (outcome.kind !== "kept") this.#dropped += count;
  }
}

/** Members may be made when they are read, which JSON does not do for those of a class. */
function toPlainSpan(span: Span): Span {
  const { attributes, endMs, events, kind, links, message, name, parentSpanId, spanId, startMs, status, traceId, traceState } = span;
  return { traceId, spanId, parentSpanId, traceState, name, kind, startMs, endMs, status, message, attributes, links, events };
}

function toPlainRecord({ fields, level, message, spanId, timeMs, traceId }: LogRecord): LogRecord {
  const plain = Object.entries(fields).map(([name, value]) => [name, toPlainField(value)]);
  return { timeMs, level, message, fields: Object.fromEntries(plain), traceId, spanId };
}

function toPlainField(value: unknown): unknown {
  if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`;
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  try {
    return JSON.parse(JSON.stringify(value)) as unknown;
  } catch {
    return "[cannot be shown]"; // a ring, or a member that throws
  }
}
