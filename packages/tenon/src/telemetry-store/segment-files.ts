/**
 * The files of a store: `telemetry-00000001.sqlite` and on, each a database of its own that holds what arrived while it
 * was the newest. Whoever removes one removes all that it held, at the cost of unlinking it.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** A directory that is missing, cannot be read or written, or belongs to another process. Says which, and what to do. */
export class TelemetryStoreError extends Error {
  override readonly name = "TelemetryStoreError";
}

export interface SegmentFile {
  /** From 1; the larger, the newer. */
  readonly number: number;
  readonly path: string;
}

const fileName = /^telemetry-(\d{8,15})\.sqlite$/;
/** What SQLite keeps beside a database while it is open, or was when its process died. */
const companions = ["-wal", "-shm", "-journal"];

export function segmentFile(directory: string, number: number): SegmentFile {
  return { number, path: join(directory, `telemetry-${String(number).padStart(8, "0")}.sqlite`) };
}

/** The oldest first. Empty where there is no such directory. @throws {TelemetryStoreError} it cannot be read. */
export function listSegments(directory: string): readonly SegmentFile[] {
  const numbers = namesIn(directory).flatMap((name) => fileName.exec(name)?.[1] ?? []).map(Number);
  return numbers.sort((a, b) => a - b).map((number) => segmentFile(directory, number));
}

/** With what lies beside it, in bytes; 0 where it is gone. */
export function segmentBytes({ path }: SegmentFile): number {
  return ["", ...companions].reduce((sum, ending) => sum + (statSync(`${path}${ending}`, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Readers that have it open may read on: its bytes are given back when the last one closes it. */
export function removeSegment({ path }: SegmentFile): void {
  for (const ending of ["", ...companions]) rmSync(`${path}${ending}`, { force: true });
}

/** Companions whose database is gone: a process died between the two. */
export function removeOrphans(directory: string): void {
  const names = new Set(namesIn(directory));
  for (const name of names) {
    const database = name.replace(/-(?:wal|shm|journal)$/, "");
    if (database !== name && fileName.test(database) && !names.has(database)) rmSync(join(directory, name), { force: true });
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    if (code === "ENOENT") return [];
    throw new TelemetryStoreError(`the telemetry in ${directory} cannot be read (${code})`, { cause });
  }
}
