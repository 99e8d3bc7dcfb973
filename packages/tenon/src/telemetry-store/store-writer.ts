/**
 * Writes to the store, and keeps it within its limits. Synchronous: `store-worker.ts` runs it beside the event loop.
 *
 * What arrives goes to the newest file. A file that is full or has had its time is closed, and a new one begun; the
 * oldest go when all together are too large or the youngest thing in them is too old. So nothing is ever deleted inside
 * of a file, and indexes never outgrow the cache: docs/decisions/0010-telemetry-in-files-by-time.md has the figures.
 *
 * A directory has one writer: the lock is SQLite's own, on a file beside, so it ends with the process however that ends.
 */
import { existsSync, mkdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../kernel/index.ts";
import { type Intake, type Kept, serviceOf } from "./intake.ts";
import { Segment } from "./segment.ts";
import { listSegments, removeOrphans, removeSegment, segmentBytes, segmentFile, type SegmentFile, TelemetryStoreError } from "./segment-files.ts";
import { restMaxBytes, segmentMaxBytes, segmentMaxMs, type StoreLimits } from "./store-limits.ts";

export interface StoreWriterOptions {
  readonly limits: StoreLimits;
  readonly clock: Pick<Clock, "nowMs">;
}

export class StoreWriter {
  readonly #directory: string;
  readonly #limits: StoreLimits;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #lock: DatabaseSync;
  #segment: Segment;

  /** @throws {TelemetryStoreError} the directory cannot be written, or another process writes to it. */
  constructor(directory: string, { clock, limits }: StoreWriterOptions) {
    this.#directory = directory;
    this.#limits = limits;
    this.#clock = clock;
    makeDirectory(directory);
    this.#lock = takeLock(directory);
    try {
      removeOrphans(directory);
      this.#segment = this.#open();
      this.enforce();
    } catch (cause) {
      this.#lock.close();
      throw cause;
    }
  }

  /**
   * All of it in one transaction: when this returns, a kill of the process loses none of it.
   *
   * @returns one answer per batch.
   * @throws what SQLite throws, a full disk for example; then nothing of it is kept.
   */
  write(batches: readonly Intake[]): readonly Kept[] {
    this.#turn();
    const segment = this.#segment;
    segment.begin();
    try {
      const kept = batches.map((batch) => add(segment, batch));
      segment.commit();
      this.#touch();
      return kept;
    } catch (cause) {
      segment.rollback();
      throw cause;
    }
  }

  /** To the next file, where this one is full. */
  #turn(): void {
    if (!this.#isFull()) return;
    this.#next();
    this.enforce();
  }

  /** Removes what is too old, and the oldest while all is too large. */
  enforce(): void {
    const oldestMs = this.#clock.nowMs() - this.#limits.keepMs;
    // A store that nobody writes to any more has to empty as well.
    if (lastWriteMs(this.#segment.file) < oldestMs) this.#next();
    const old = listSegments(this.#directory).filter(({ number }) => number < this.#segment.file.number);
    let bytes = old.reduce((sum, file) => sum + segmentBytes(file), 0);
    for (const file of old) {
      if (lastWriteMs(file) >= oldestMs && bytes <= restMaxBytes(this.#limits)) break;
      bytes -= segmentBytes(file);
      removeSegment(file);
    }
  }

  close(): void {
    const lastMs = lastWriteMs(this.#segment.file);
    this.#segment.close();
    setLastWrite(this.#segment.file, lastMs);
    this.#lock.close();
  }

  #isFull(): boolean {
    const { bornMs, file } = this.#segment;
    const bytes = segmentBytes(file);
    const isGone = bytes === 0; // somebody removed it: what went there would be lost
    return isGone || bytes >= segmentMaxBytes(this.#limits) || this.#clock.nowMs() - bornMs >= segmentMaxMs(this.#limits);
  }

  #next(): void {
    const { file } = this.#segment;
    const lastMs = lastWriteMs(file);
    this.#segment.close();
    setLastWrite(file, lastMs); // closing carries the log over into the file, and that is no news
    this.#segment = this.#make(file.number + 1);
  }

  #make(number: number): Segment {
    const file = segmentFile(this.#directory, number);
    const segment = new Segment(file, this.#limits, this.#clock.nowMs());
    setLastWrite(file, this.#clock.nowMs());
    return segment;
  }

  /** Goes on where a life before ended, if it left a file of this version. */
  #open(): Segment {
    const last = listSegments(this.#directory).at(-1);
    if (last === undefined) return this.#make(1);
    try {
      const lastMs = lastWriteMs(last);
      const segment = new Segment(last, this.#limits, this.#clock.nowMs());
      setLastWrite(last, lastMs);
      if (segment.isKnown) return segment;
      segment.close();
    } catch {
      // Broken, by a failing disk or a foreign hand: it is left for a person to look at until its time comes.
    }
    return this.#make(last.number + 1);
  }

  /** The time of a file is that of its last transaction, by the clock that limits are kept by. */
  #touch(): void {
    setLastWrite(this.#segment.file, this.#clock.nowMs());
  }
}

function add(segment: Segment, { logs = [], points = [], resource, spans = [] }: Intake): Kept {
  const service = serviceOf(resource);
  const number = segment.resource(resource);
  for (const span of spans) segment.addSpan(span, number, service);
  for (const record of logs) segment.addLog(record, number);
  const refused = points.filter((point) => !segment.addPoint(point, number)).length;
  return {
    kept: spans.length + logs.length + points.length - refused,
    rejected: refused,
    reason: refused === 0 ? "" : "too many different series of metrics",
  };
}

/** The file may be gone: somebody may remove files of a store at any time. */
function setLastWrite({ path }: SegmentFile, ms: number): void {
  if (existsSync(path)) utimesSync(path, ms / 1_000, ms / 1_000);
}

function lastWriteMs({ path }: SegmentFile): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new TelemetryStoreError(`telemetry cannot be kept in ${directory} (${code})`, { cause });
  }
}

function takeLock(directory: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(directory, "writer.lock"), { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock?.close();
    const isTaken = (cause as { readonly errcode?: number }).errcode === 5; // SQLITE_BUSY
    const problem = isTaken ? "another process keeps its telemetry there" : (cause as Error).message;
    throw new TelemetryStoreError(`telemetry cannot be kept in ${directory}: ${problem}`, { cause });
  }
}
