/**
 * The file of the store that is written at the moment. One writer at a time, everything inside of a transaction that
 * `StoreWriter` opens. Not thread-safe, synchronous, and blocks while the disk does: it lives in a worker.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Attributes, type LogRecord, type Span, spanKinds } from "../telemetry/index.ts";
import { type MetricPoint, type Resource, serviceOf } from "./intake.ts";
import { OperationRates } from "./operation-rates.ts";
import { schemaSql, schemaVersion } from "./segment-schema.ts";
import type { SegmentFile } from "./segment-files.ts";
import { segmentMaxBytes, type StoreLimits } from "./store-limits.ts";

/** Holds the index by trace of a whole file, which is the one that is written in random places. */
const cacheKiB = 16 * 1024;
/** The log is cut back to this when it was longer, because a reader held it. */
const walKeepBytes = 8 * 1024 ** 2;
/** Pages of the log that are carried over into the file at once: SQLite's own default, and less where files are small. */
const walPages = 1_000;
const walPartBytes = 4 * 4_096;
/** The operation of spans whose own would be one too many. */
const otherOperation = 0;

export const levels = ["debug", "info", "warn", "error"] as const;
const statuses = { unset: 0, ok: 1, error: 2 } as const;
const noBytes = new Uint8Array(0);

export class Segment {
  readonly file: SegmentFile;
  /** When the file was made, in ms since 1970. */
  readonly bornMs: number;
  readonly #database: DatabaseSync;
  readonly #limits: StoreLimits;
  readonly #rates: OperationRates;
  readonly #insertSpan: StatementSync;
  readonly #insertLog: StatementSync;
  readonly #insertPoint: StatementSync;
  readonly #operations = new Map<string, number>();
  readonly #resources = new Map<string, number>();
  readonly #series = new Map<string, number>();

  /** Opens the file, or makes it. Throws what SQLite throws. */
  constructor(file: SegmentFile, limits: StoreLimits, nowMs: number) {
    this.file = file;
    this.#limits = limits;
    const database = new DatabaseSync(file.path);
    this.#database = database;
    // NORMAL: a killed process loses nothing that was committed; a loss of power may cost the last transactions.
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${cacheKiB}; PRAGMA journal_size_limit = ${walKeepBytes}`);
    database.exec(`PRAGMA wal_autocheckpoint = ${Math.max(16, Math.min(walPages, Math.floor(segmentMaxBytes(limits) / walPartBytes)))}`);
    if (versionOf(database) === 0) database.exec(`BEGIN; ${schemaSql} INSERT INTO birth VALUES (${nowMs}); COMMIT`);
    this.bornMs = Number(database.prepare("SELECT ms FROM birth").get()?.["ms"] ?? nowMs);
    this.#rates = new OperationRates(database);
    this.#insertSpan = database.prepare(
      "INSERT INTO spans (trace, span, parent, start_us, duration_us, status, operation, resource, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#insertLog = database.prepare("INSERT INTO logs (time_us, level, trace, span, resource, message, fields) VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#insertPoint = database.prepare("INSERT OR REPLACE INTO points (series, time_us, value, histogram) VALUES (?, ?, ?, ?)");
    this.#recall();
  }

  /** Whether this version of the platform can write to it. */
  get isKnown(): boolean {
    return versionOf(this.#database) === schemaVersion;
  }

  begin(): void {
    this.#database.exec("BEGIN IMMEDIATE");
  }

  commit(): void {
    this.#rates.save();
    this.#database.exec("COMMIT");
  }

  /** Nothing that was added since `begin` is there any more. */
  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    this.#rates.forget();
    this.#recall();
  }

  addSpan(span: Span, resource: number, service: string): void {
    const startUs = toUs(span.startMs);
    const durationUs = Math.max(0, toUs(span.endMs) - startUs);
    const operation = this.#operation(span, service);
    this.#rates.observe(operation, { endUs: startUs + durationUs, durationUs, isError: span.status === "error" });
    this.#insertSpan.run(
      Buffer.from(span.traceId, "hex"),
      Buffer.from(span.spanId, "hex"),
      span.parentSpanId === "" ? noBytes : Buffer.from(span.parentSpanId, "hex"),
      startUs,
      durationUs,
      statuses[span.status],
      operation,
      resource,
      bodyOf(span, operation),
    );
  }

  addLog(record: LogRecord, resource: number): void {
    const { fields, level, message, spanId, timeMs, traceId } = record;
    const trace = traceId === "" ? null : Buffer.from(traceId, "hex");
    const span = spanId === "" ? null : Buffer.from(spanId, "hex");
    this.#insertLog.run(toUs(timeMs), levels.indexOf(level), trace, span, resource, message, JSON.stringify(fields));
  }

  /** False where its series would be one too many. */
  addPoint(point: MetricPoint, resource: number): boolean {
    const series = this.#seriesOf(point, resource);
    if (series === undefined) return false;
    const { histogram, timeMs, value } = point;
    this.#insertPoint.run(series, toUs(timeMs), value ?? null, histogram === undefined ? null : JSON.stringify({ ...histogram, counts: Array.from(histogram.counts) }));
    return true;
  }

  /** The number of a resource in this file. */
  resource(resource: Resource): number {
    const attributes = JSON.stringify(resource);
    const known = this.#resources.get(attributes);
    if (known !== undefined) return known;
    const { lastInsertRowid } = this.#database.prepare("INSERT INTO resources (attributes, service) VALUES (?, ?)").run(attributes, serviceOf(resource));
    this.#resources.set(attributes, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }

  close(): void {
    this.#database.close();
  }

  #operation({ kind, name, parentSpanId }: Span, service: string): number {
    const isEntry = kind === "server" || kind === "consumer" || parentSpanId === "" ? 1 : 0;
    const key = JSON.stringify([service, name, spanKinds[kind], isEntry]);
    const known = this.#operations.get(key);
    if (known !== undefined) return known;
    if (this.#operations.size >= this.#limits.operationsMax) return otherOperation;
    const { lastInsertRowid } = this.#database.prepare("INSERT INTO operations (service, name, kind, is_entry) VALUES (?, ?, ?, ?)").run(service, name, spanKinds[kind], isEntry);
    this.#operations.set(key, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }

  #seriesOf({ help, labels, name, temporality, type, unit }: MetricPoint, resource: number): number | undefined {
    const sorted = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const identity = JSON.stringify([name, type, temporality, resource, sorted]);
    const known = this.#series.get(identity);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#limits.seriesMax) return undefined;
    const { lastInsertRowid } = this.#database
      .prepare("INSERT INTO series (identity, name, type, unit, help, temporality, labels, resource) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .run(identity, name, type, unit, help, temporality, JSON.stringify(sorted), resource);
    this.#series.set(identity, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }

  /** Numbers that the file has given out already: of a life before, or before a transaction was undone. */
  #recall(): void {
    const keep = (map: Map<string, number>, sql: string): void => {
      map.clear();
      for (const { id, key } of this.#database.prepare(sql).iterate() as Iterable<{ id: number; key: string }>) map.set(key, id);
    };
    keep(this.#resources, "SELECT id, attributes AS key FROM resources");
    keep(this.#operations, "SELECT id, json_array(service, name, kind, is_entry) AS key FROM operations");
    keep(this.#series, "SELECT id, identity AS key FROM series");
  }
}

/** 0 of a file that is new. */
function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}

function toUs(ms: number): number {
  return Math.round(ms * 1_000);
}

/** The parts of a span that are only shown, without those that are empty. */
export interface SpanBody {
  readonly name?: string;
  readonly kind?: number;
  readonly attributes?: Attributes;
  readonly events?: Span["events"];
  readonly links?: Span["links"];
  readonly message?: string;
  readonly traceState?: string;
}

function bodyOf(span: Span, operation: number): string {
  const { attributes, events, links, message, traceState } = span;
  const body: SpanBody = {
    attributes,
    ...(operation === otherOperation ? { name: span.name, kind: spanKinds[span.kind] } : {}),
    ...(events.length === 0 ? {} : { events }),
    ...(links.length === 0 ? {} : { links }),
    ...(message === "" ? {} : { message }),
    ...(traceState === "" ? {} : { traceState }),
  };
  return JSON.stringify(body);
}
