/** An exporter in tests: real sockets, short waits, and everything that it says kept. */
import type { Clock, LogFields } from "../../src/kernel/index.ts";
import { type Exporter, type ExporterOptions, type ExporterSettings, openExporter, type SignalName, type Target } from "../../src/otlp/index.ts";
import type { LogRecord, MetricFamily, Span } from "../../src/telemetry/index.ts";

/** The system's clock, whose waits are `hurry` times shorter; it remembers for how long it was asked to wait. */
export class HurriedClock implements Clock {
  readonly waitsMs: number[] = [];
  readonly #hurry: number;

  constructor(hurry = 1) {
    this.#hurry = hurry;
  }

  nowMs(): number {
    return Date.now();
  }

  elapsedMs(): number {
    return performance.now() * this.#hurry;
  }

  after(delayMs: number, task: () => void): { cancel(): void } {
    this.waitsMs.push(delayMs);
    const timer = setTimeout(task, delayMs / this.#hurry);
    return { cancel: () => clearTimeout(timer) };
  }
}

export class KeptLog {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];
  debug = this.#keep("debug");
  info = this.#keep("info");
  warn = this.#keep("warn");
  error = this.#keep("error");

  messages(level: string): readonly string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  #keep(level: string): (message: string, fields?: LogFields) => void {
    return (message, fields) => void this.lines.push({ level, message, fields });
  }
}

export interface Exporting {
  readonly exporter: Exporter;
  readonly log: KeptLog;
  readonly clock: HurriedClock;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ExportingMore {
  readonly target?: Partial<Target>;
  readonly settings?: Partial<ExporterSettings>;
  readonly options?: Partial<ExporterOptions>;
  readonly clock?: HurriedClock;
}

export const queue = { itemsMax: 2_000, batchItemsMax: 500, delayMs: 10, tryMs: 60_000 } as const;

/** An exporter of all three signals to one port. */
export async function openExporting(port: number, more: ExportingMore = {}): Promise<Exporting> {
  const clock = more.clock ?? new HurriedClock();
  const log = new KeptLog();
  const targets = Object.fromEntries((["traces", "metrics", "logs"] as const).map((signal) => [signal, targetOf(port, signal, more.target)]));
  const settings: ExporterSettings = { targets, resource: { "service.name": "shop" }, spans: queue, logs: queue, metrics: { intervalMs: 60_000, tryMs: 60_000 }, ...more.settings };
  const exporter = await openExporter(settings, { clock, random: Math.random, log, backoff: { baseMs: 10, capMs: 40 }, stopMs: 5_000, ...more.options });
  return { exporter, log, clock, [Symbol.asyncDispose]: () => exporter.stop() };
}

function targetOf(port: number, signal: SignalName, more: Partial<Target> = {}): Target {
  return { url: `http://127.0.0.1:${port}/v1/${signal}`, protocol: "http/protobuf", headers: {}, timeoutMs: 1_000, compression: "none", certificate: "", clientKey: "", clientCertificate: "", ...more };
}

export function spansOf(count: number): readonly Span[] {
  return Array.from({ length: count }, (_, at) => ({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    parentSpanId: "",
    traceState: "",
    name: `span ${at}`,
    kind: "server",
    startMs: 1_764_000_000_000,
    endMs: 1_764_000_000_001.5,
    status: "unset",
    message: "",
    attributes: { "http.route": "/orders", "http.response.status_code": 201 },
    links: [],
    events: [],
  }));
}

export function logsOf(count: number): readonly LogRecord[] {
  return Array.from({ length: count }, (_, at) => ({ timeMs: 1_764_000_000_000, level: "info", message: `line ${at}`, fields: { at }, traceId: "", spanId: "" }));
}

export function counterOf(value: number): MetricFamily {
  return { name: "tenon_calls", help: "Calls.", unit: "", type: "counter", series: [{ labels: { code: "ok" }, value, sinceMs: 1_764_000_000_000 }, { labels: { code: "internal" }, value: 0, sinceMs: 1_764_000_000_000 }] };
}

/** Everything that was handed over is sent, dropped, or still there. */
export function accountOf(exporter: Exporter, signal: SignalName): { readonly sent: number; readonly dropped: Readonly<Record<string, number>>; readonly failures: number } {
  const tally = exporter.tallies.find((each) => each.signal === signal);
  if (tally === undefined) throw new TypeError(`${signal} is not exported`);
  return { sent: tally.sent, dropped: Object.fromEntries(Object.entries(tally.dropped).filter(([, count]) => count > 0)), failures: tally.failures };
}

/** Waits for something to become so; fails the test by its own end. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 15_000;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`it did not happen in 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
