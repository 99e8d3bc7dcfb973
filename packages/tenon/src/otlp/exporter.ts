/**
 * Sends telemetry to OpenTelemetry collectors by OTLP over HTTP. Whoever hands something over never waits and never sees
 * an error: what a collector does not take is dropped, and counted.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { readFile } from "node:fs/promises";
import { type BackoffLimits, type Clock, Fault, type Log, type Part, type Random, type Timer } from "../kernel/index.ts";
import type { Attributes, LogRecord, MetricFamily, Span, TelemetrySink } from "../telemetry/index.ts";
import { createBatchEncoder, type ItemFormat, logFormat, metricFormat, type Origin, type Protocol, spanFormat } from "./batch-encoder.ts";
import { Collector } from "./collector.ts";
import { Lane, type QueueLimits } from "./lane.ts";
import { ownVersion } from "./resource.ts";
import { type SignalName, Tally, toFamilies } from "./tally.ts";

/** Where one signal goes, and how. */
export interface Target {
  /** The whole of it, with the path. */
  readonly url: string;
  readonly protocol: Protocol;
  readonly headers: Readonly<Record<string, string>>;
  /** Of one request. */
  readonly timeoutMs: number;
  readonly compression: "none" | "gzip";
  /** Files in PEM; empty is none. */
  readonly certificate: string;
  readonly clientKey: string;
  readonly clientCertificate: string;
}

export interface ExporterSettings {
  /** A signal without a target is not exported. */
  readonly targets: Readonly<Partial<Record<SignalName, Target>>>;
  readonly resource: Attributes;
  readonly spans: QueueLimits;
  readonly logs: QueueLimits;
  readonly metrics: { readonly intervalMs: number; readonly tryMs: number };
}

export interface ExporterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Reads all metrics; asked every `intervalMs`, and once more at the end. */
  readonly metrics?: () => readonly MetricFamily[];
  /** Fetches what is to be read, before each reading but the last. Must end in bounded time, and not fail. */
  readonly refresh?: () => Promise<void>;
  /** How long `stop` waits for the collector, in ms. Default 5 000: less than orchestrators give a process to end. */
  readonly stopMs?: number;
  /** Between two tries. Default: up to 2 s after the first, doubling up to 30 s. */
  readonly backoff?: BackoffLimits;
}

const defaultStopMs = 5_000;
/** Points of metrics in memory, at most: a process has some thousand series, and two readings may be there at once. */
const pointsMax = 100_000;

/** @throws {Fault} `invalid_argument`: a certificate or key cannot be read. */
export async function openExporter(settings: ExporterSettings, options: ExporterOptions): Promise<Exporter> {
  const collectors = new Map<SignalName, Collector>();
  for (const [signal, target] of Object.entries(settings.targets) as [SignalName, Target][]) {
    const [ca, key, cert] = await Promise.all([target.certificate, target.clientKey, target.clientCertificate].map(readPem));
    collectors.set(signal, new Collector({ ...target, tls: { ca, key, cert }, clock: options.clock }));
  }
  return new Exporter(settings, options, collectors);
}

async function readPem(path: string): Promise<Buffer | undefined> {
  if (path === "") return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Fault("invalid_argument", `the file ${path}, for the connection to the collector of telemetry, cannot be read`, { cause });
  }
}

export class Exporter implements TelemetrySink, Part {
  readonly name = "export of telemetry";
  /** Takes what has somewhere to go, so that nothing else is recorded. */
  readonly sink: TelemetrySink;
  readonly #settings: ExporterSettings;
  readonly #options: ExporterOptions;
  readonly #collectors: ReadonlyMap<SignalName, Collector>;
  readonly #tallies: Tally[] = [];
  readonly #lanes: Pick<Lane<never>, "items" | "bytes" | "stop">[] = [];
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #sinceMs: number;
  readonly #spans: Lane<Span> | undefined;
  readonly #logs: Lane<LogRecord> | undefined;
  readonly #metrics: Lane<MetricFamily> | undefined;
  #timer: Timer | undefined = undefined;
  #stopping: Promise<void> | undefined = undefined;

  constructor(settings: ExporterSettings, options: ExporterOptions, collectors: ReadonlyMap<SignalName, Collector>) {
    this.#settings = settings;
    this.#options = options;
    this.#collectors = collectors;
    this.#sinceMs = options.clock.nowMs();
    const metricLimits = { itemsMax: pointsMax, batchItemsMax: pointsMax, delayMs: 0, tryMs: settings.metrics.tryMs };
    this.#spans = this.#lane("traces", spanFormat, { limits: settings.spans, countOf: () => 1 });
    this.#logs = this.#lane("logs", logFormat, { limits: settings.logs, countOf: () => 1 });
    this.sink = {
      ...(this.#spans === undefined ? {} : { spans: (spans) => this.spans(spans) }),
      ...(this.#logs === undefined ? {} : { logs: (records) => this.logs(records) }),
    };
    this.#metrics = this.#lane("metrics", metricFormat(() => options.clock.nowMs()), { limits: metricLimits, countOf: (family) => family.series.length });
  }

  /** What became of each exported signal. */
  get tallies(): readonly Tally[] {
    return this.#tallies;
  }

  /** Items and encoded bytes in memory, of all signals. */
  get backlog(): { readonly items: number; readonly bytes: number } {
    return { items: this.#lanes.reduce((sum, lane) => sum + lane.items, 0), bytes: this.#lanes.reduce((sum, lane) => sum + lane.bytes, 0) };
  }

  /** Its own counts, as metrics. */
  families(): readonly MetricFamily[] {
    return toFamilies(this.#tallies, this.#sinceMs);
  }

  spans(spans: readonly Span[]): void {
    this.#spans?.add(spans);
  }

  logs(records: readonly LogRecord[]): void {
    this.#logs?.add(records);
  }

  /** Readings that still wait are superseded: counts are cumulative, so this one says all that they did. */
  metrics(families: readonly MetricFamily[]): void {
    this.#metrics?.supersede();
    this.#metrics?.add(families.filter((family) => family.series.length > 0));
    this.#metrics?.seal();
  }

  start(): void {
    if (this.#options.metrics !== undefined && this.#metrics !== undefined) this.#readLater();
  }

  /** Sends what is left, with one last reading of metrics, for as long as `stopMs`. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { clock, log, stopMs = defaultStopMs } = this.#options;
    this.#timer?.cancel();
    this.#read();
    // Closed collectors fail their requests, and lanes that are stopping give up at the first failure.
    const timer = clock.after(stopMs, () => this.#closeAll());
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
    timer.cancel();
    this.#closeAll();
    const lost = Object.fromEntries(this.#tallies.filter((tally) => tally.lost > 0).map((tally) => [tally.signal, tally.lost]));
    if (Object.keys(lost).length > 0) log.warn("telemetry was dropped since the start", lost);
  }

  #closeAll(): void {
    for (const collector of this.#collectors.values()) collector.close();
  }

  #readLater(): void {
    const { clock, refresh = () => Promise.resolve() } = this.#options;
    this.#timer = clock.after(this.#settings.metrics.intervalMs, () => {
      void refresh().then(() => {
        if (this.#stopping !== undefined) return; // which reads by itself
        this.#read();
        this.#readLater();
      });
    });
  }

  #read(): void {
    if (this.#metrics === undefined || this.#options.metrics === undefined) return;
    try {
      this.metrics(this.#options.metrics());
    } catch (error) {
      this.#options.log.error("metrics cannot be read", { error });
    }
  }

  #lane<Item>(signal: SignalName, format: ItemFormat<Item>, more: { readonly limits: QueueLimits; readonly countOf: (item: Item) => number }): Lane<Item> | undefined {
    const collector = this.#collectors.get(signal);
    const target = this.#settings.targets[signal];
    if (collector === undefined || target === undefined) return undefined;
    const { backoff, clock, log, random } = this.#options;
    const origin: Origin = { resource: this.#settings.resource, scope: { name: "tenon", version: ownVersion() } };
    const tally = new Tally(signal);
    this.#tallies.push(tally);
    const lane = new Lane({
      ...more,
      encoder: createBatchEncoder(target.protocol, format, origin),
      collector,
      outside: (task) => this.#outside(task),
      tally,
      clock,
      random,
      log,
      ...(backoff === undefined ? {} : { backoff }),
    });
    this.#lanes.push(lane);
    return lane;
  }
}
