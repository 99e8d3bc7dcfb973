/**
 * What Node and the system know of this process, as metrics: processor time, memory, the event loop, the garbage collector.
 * Names are those that dashboards know from Prometheus's own clients.
 *
 * Costs a timer of 20 ms in the event loop, outside of JavaScript, and one entry for each garbage collection. Two apps in one
 * process show the same figures.
 */
import { readdirSync, readFileSync } from "node:fs";
import { constants, type EventLoopUtilization, monitorEventLoopDelay, performance, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Clock, Part } from "../kernel/index.ts";
import type { Histogram, Metrics } from "../telemetry/index.ts";

/** How often the delay of the event loop is measured, in ms. What is measured includes it. */
const resolutionMs = 20;
/** The event loop is judged by windows of this length, in ms, so that several collectors see the same figures. */
const windowMs = 10_000;
/** Upper bounds of one garbage collection in seconds: from a scavenge to a stop that callers notice. */
const collectionBoundsS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

const kinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weakcb",
};

/** How late the event loop was in a window, in seconds, and which part of the time it was at work. */
interface LoopFigures {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly utilization: number;
}

export class ProcessWatch implements Part {
  readonly name = "figures of the process";
  readonly #clock: Clock;
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #observer: PerformanceObserver;
  readonly #collections = new Map<string, Histogram>();
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  #windowStartMs: number;
  #loop: LoopFigures | undefined = undefined;

  constructor({ clock, metrics }: { readonly metrics: Metrics; readonly clock: Clock }) {
    this.#clock = clock;
    this.#windowStartMs = clock.elapsedMs();
    const collections = metrics.histogram({ name: "nodejs_gc_duration_seconds", help: "How long garbage collections took, by kind: major, minor, incremental or weakcb.", unit: "seconds", labels: ["kind"], bounds: collectionBoundsS });
    for (const kind of Object.values(kinds)) this.#collections.set(kind, collections.with(kind));
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#collections.get(kinds[(entry as PerformanceEntry & { readonly detail: { readonly kind: number } }).detail.kind] ?? "minor")?.observe(entry.duration / 1000);
    });
    watchSystem(metrics);
    watchHeap(metrics);
    this.#watchLoop(metrics);
  }

  start(): void {
    this.#delay.enable();
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  stop(): void {
    this.#delay.disable();
    this.#observer.disconnect();
  }

  #watchLoop(metrics: Metrics): void {
    const parts = ["min", "mean", "p50", "p90", "p99", "max"] as const;
    for (const part of parts) {
      const name = `nodejs_eventloop_lag_${part}_seconds`;
      metrics.watch({ name, help: `How late the event loop came to its timers within ${windowMs / 1000} s: ${part}.`, type: "gauge", unit: "seconds" }, () => [{ value: this.#loopFigures()[part] }]);
    }
    metrics.watch({ name: "nodejs_eventloop_utilization_ratio", help: `Part of ${windowMs / 1000} s in which the event loop was not waiting.`, type: "gauge", unit: "ratio" }, () => [{ value: this.#loopFigures().utilization }]);
  }

  /** Of the last whole window; of the one that runs, before there is one. */
  #loopFigures(): LoopFigures {
    const nowMs = this.#clock.elapsedMs();
    if (nowMs - this.#windowStartMs < windowMs) return this.#loop ?? this.#readLoop();
    this.#loop = this.#readLoop();
    this.#delay.reset();
    this.#utilization = performance.eventLoopUtilization();
    this.#windowStartMs = nowMs;
    return this.#loop;
  }

  #readLoop(): LoopFigures {
    const { utilization } = performance.eventLoopUtilization(this.#utilization);
    if (this.#delay.count === 0) return { min: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0, utilization };
    const late = (ns: number): number => Math.max(0, ns / 1e9 - resolutionMs / 1000);
    const [p50, p90, p99] = [50, 90, 99].map((percentile) => late(this.#delay.percentile(percentile))) as [number, number, number];
    return { min: late(this.#delay.min), mean: late(this.#delay.mean), p50, p90, p99, max: late(this.#delay.max), utilization };
  }
}

function watchSystem(metrics: Metrics): void {
  const sinceMs = performance.timeOrigin;
  metrics.watch({ name: "process_cpu_seconds", help: "What the process has spent on the processor, user and system.", type: "counter", unit: "seconds", sinceMs }, () => {
    const { system, user } = process.cpuUsage();
    return [{ value: (system + user) / 1e6 }];
  });
  metrics.watch({ name: "process_resident_memory_bytes", help: "Memory of the process that is in the machine's own.", type: "gauge", unit: "bytes" }, () => [{ value: process.memoryUsage.rss() }]);
  metrics.watch({ name: "process_start_time_seconds", help: "When the process was started, in seconds since 1970.", type: "gauge", unit: "seconds" }, () => [{ value: sinceMs / 1000 }]);
  if (process.platform !== "linux") return;
  const max = filesMax();
  metrics.watch({ name: "process_open_fds", help: "Open file descriptors.", type: "gauge" }, () => [{ value: readdirSync("/proc/self/fd").length }]);
  if (max !== undefined) metrics.watch({ name: "process_max_fds", help: "File descriptors there may be.", type: "gauge" }, () => [{ value: max }]);
}

function watchHeap(metrics: Metrics): void {
  const bytes = { type: "gauge", unit: "bytes" } as const;
  metrics.watch({ ...bytes, name: "nodejs_heap_size_used_bytes", help: "Memory that objects take." }, () => [{ value: getHeapStatistics().used_heap_size }]);
  metrics.watch({ ...bytes, name: "nodejs_heap_size_total_bytes", help: "Memory that is set aside for objects." }, () => [{ value: getHeapStatistics().total_heap_size }]);
  metrics.watch({ ...bytes, name: "nodejs_heap_size_limit_bytes", help: "Memory that objects may take before the process dies of it." }, () => [{ value: getHeapStatistics().heap_size_limit }]);
  metrics.watch({ ...bytes, name: "nodejs_external_memory_bytes", help: "Memory of objects that lie outside of the heap, buffers above all." }, () => [{ value: getHeapStatistics().external_memory }]);
}

/** `undefined` where there is no limit, or none can be read. */
function filesMax(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
