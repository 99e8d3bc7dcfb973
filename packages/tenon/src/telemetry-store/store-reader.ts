/**
 * Questions to a store, in this process or in another: it reads the files while they are written, and holds nobody up.
 *
 * Questions are synchronous and take milliseconds; every one has a limit, and looks at a bounded number of rows. Files
 * that come and go between two questions are noticed. A long-lived host asks in a worker, or accepts the pause.
 */
import { existsSync } from "node:fs";
import { busyOperations, type BusyOperation, type BusyQuery } from "./busy-operations.ts";
import { endOfLogs, findLogs, followLogs, type LogEnd, type LogFilter, type LogPage, type StoredLog } from "./log-search.ts";
import { type MetricQuery, metricNames, readSeries, type StoredSeries } from "./metric-query.ts";
import { ReadSegment } from "./read-segment.ts";
import { listSegments, segmentBytes, TelemetryStoreError } from "./segment-files.ts";
import { readTrace, traceIdsBeginning } from "./stored-trace.ts";
import { findTraces, type StoredSpan, type TraceFilter, type TracePage } from "./trace-search.ts";

export interface StoreSize {
  readonly files: number;
  readonly bytes: number;
}

export class StoreReader implements Disposable {
  readonly #directory: string;
  readonly #open = new Map<number, ReadSegment>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws {TelemetryStoreError} there is no such directory, or it cannot be read. */
  static open(directory: string): StoreReader {
    if (!existsSync(directory)) throw new TelemetryStoreError(`there is no telemetry in ${directory}`);
    const reader = new StoreReader(directory);
    reader.#segments();
    return reader;
  }

  /** Newest first. @throws {RangeError} a limit, a cursor or the name of an attribute that is none. */
  traces(filter: TraceFilter = {}): TracePage {
    return findTraces(this.#segments(), filter);
  }

  /** The spans of a trace by their start, 10 000 at most; empty where there are none. */
  trace(traceId: string): readonly StoredSpan[] {
    return readTrace(this.#segments(), traceId);
  }

  /** Traces whose identifier begins so, two at most. */
  traceIdsBeginning(digits: string): readonly string[] {
    return traceIdsBeginning(this.#segments(), digits);
  }

  /** Newest first. @throws {RangeError} a limit or a cursor that is none. */
  logs(filter: LogFilter = {}): LogPage {
    return findLogs(this.#segments(), filter);
  }

  /** Where the log ends at the moment: what comes later is read with `followLogs`. */
  endOfLogs(): LogEnd {
    return endOfLogs(this.#segments());
  }

  followLogs(end: LogEnd, filter: LogFilter = {}): { readonly logs: readonly StoredLog[]; readonly end: LogEnd } {
    return followLogs(this.#segments(), end, filter);
  }

  /** @throws {RangeError} a step of no length, too many steps, or a limit that is none. */
  series(query: MetricQuery): readonly StoredSeries[] {
    return readSeries(this.#segments(), query);
  }

  metricNames(): ReturnType<typeof metricNames> {
    return metricNames(this.#segments());
  }

  /** @throws {RangeError} a limit that is none. */
  busyOperations(query: BusyQuery): readonly BusyOperation[] {
    return busyOperations(this.#segments(), query);
  }

  /** Who has sent anything that is still kept, in alphabetic order. */
  services(): readonly string[] {
    const names = this.#segments().flatMap((segment) => segment.all("SELECT DISTINCT service FROM resources"));
    return [...new Set(names.map(({ service }) => String(service)))].sort();
  }

  size(): StoreSize {
    const files = listSegments(this.#directory);
    return { files: files.length, bytes: files.reduce((sum, file) => sum + segmentBytes(file), 0) };
  }

  close(): void {
    for (const segment of this.#open.values()) segment.close();
    this.#open.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The oldest first. Files that are gone are let go of, so that their bytes are given back. */
  #segments(): readonly ReadSegment[] {
    const files = listSegments(this.#directory);
    const present = new Set(files.map(({ number }) => number));
    for (const [number, segment] of this.#open) {
      if (present.has(number)) continue;
      segment.close();
      this.#open.delete(number);
    }
    for (const file of files) {
      if (this.#open.has(file.number)) continue;
      const segment = ReadSegment.open(file);
      if (segment !== undefined) this.#open.set(file.number, segment);
    }
    return [...this.#open.values()].sort((a, b) => a.number - b.number);
  }
}
