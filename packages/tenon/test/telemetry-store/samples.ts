/** Telemetry for the tests of the store, and a place for it that is removed at the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogRecord, Span } from "../../src/telemetry/index.ts";
import type { Job, MetricPoint } from "../../src/telemetry-store/index.ts";

/** A time of today, so that nothing is too old by the clock of this machine. */
export const startMs: number = Math.floor(Date.now() / 60_000) * 60_000 - 300_000;

export class TemporaryDirectory implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "tenon-telemetry-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** 32 hexadecimal digits of a number above 0. */
export function traceIdOf(number: number): string {
  return number.toString(16).padStart(32, "0");
}

export function spanIdOf(number: number): string {
  return number.toString(16).padStart(16, "0");
}

/** A root span of 10 ms. */
export function sampleSpan(more: Partial<Span> = {}): Span {
  return {
    traceId: traceIdOf(1),
    spanId: spanIdOf(1),
    parentSpanId: "",
    traceState: "",
    name: "orders.place",
    kind: "server",
    startMs,
    endMs: (more.startMs ?? startMs) + 10,
    status: "unset",
    message: "",
    attributes: {},
    links: [],
    events: [],
    ...more,
  };
}

export function sampleLog(more: Partial<LogRecord> = {}): LogRecord {
  return { timeMs: startMs, level: "info", message: "placed", fields: {}, traceId: "", spanId: "", ...more };
}

export function samplePoint(more: Partial<MetricPoint> = {}): MetricPoint {
  return { name: "tenon_calls", help: "Calls.", unit: "", type: "counter", temporality: "cumulative", labels: {}, timeMs: startMs, value: 1, ...more };
}

/** An OTLP body of traces in JSON. */
export function tracesJob(body: unknown): Job {
  return { signal: "traces", encoding: "json", bytes: new Uint8Array(Buffer.from(JSON.stringify(body))) };
}
