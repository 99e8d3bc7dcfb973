/** How much the store keeps and takes, with the reason of each default. Everything that could grow has a limit here. */

export interface StoreLimits {
  /** How long telemetry is kept, in ms; what is older goes within a twenty-fourth of it. Default 48 h: a weekend's nights. */
  readonly keepMs: number;
  /** All files of the store together, in bytes. Default 2 GiB: about 6 million spans, and no burden on a laptop. */
  readonly sizeMaxBytes: number;
  /** What may wait for the writer, in bytes. Default 64 MiB: a few seconds of the most that a disk takes. */
  readonly queueMaxBytes: number;
  /** Different series of metrics in one file; the rest is refused and counted. Default 20 000. */
  readonly seriesMax: number;
  /** Different operations in one file; the rest is kept under one name for all. Default 5 000. */
  readonly operationsMax: number;
}

export const defaultStoreLimits: StoreLimits = {
  keepMs: 48 * 3_600_000,
  sizeMaxBytes: 2 * 1024 ** 3,
  queueMaxBytes: 64 * 1024 ** 2,
  seriesMax: 20_000,
  operationsMax: 5_000,
};

/** Below this the store could not hold two files. */
export const sizeMinBytes: number = 4 * 1024 ** 2;

/** Files go as wholes, so a twenty-fourth of the store is lost at once, at most. */
const filesBySize = 24;
const filesByAge = 24;
/** Above it, the index by trace does not fit into the writer's cache any more, and writing slows down. */
const fileMaxBytes = 128 * 1024 ** 2;

/**
 * What the files that are not written any more may take, in bytes. The one that is written needs up to two files' worth:
 * what is in its log is in the file a second time for a moment.
 */
export function restMaxBytes(limits: StoreLimits): number {
  return limits.sizeMaxBytes - 2 * segmentMaxBytes(limits);
}

/** Bytes of what arrives in one transaction, at most: half a second of work, and half a file. */
export function transactionMaxBytes(limits: StoreLimits): number {
  return Math.min(8 * 1024 ** 2, Math.floor(segmentMaxBytes(limits) / 2));
}

/** When a file is full, in bytes. */
export function segmentMaxBytes({ sizeMaxBytes }: StoreLimits): number {
  return Math.min(fileMaxBytes, Math.floor(sizeMaxBytes / filesBySize));
}

/** When a file has had its time, in ms. */
export function segmentMaxMs({ keepMs }: StoreLimits): number {
  return Math.ceil(keepMs / filesByAge);
}

/** The defaults with what is given in their place. @throws {RangeError} a limit that nothing could be kept under. */
export function toStoreLimits(given: Partial<StoreLimits> = {}): StoreLimits {
  const limits = { ...defaultStoreLimits, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1, got ${value}`);
  }
  if (limits.sizeMaxBytes < sizeMinBytes) throw new RangeError(`sizeMaxBytes must be at least ${sizeMinBytes}, got ${limits.sizeMaxBytes}`);
  return limits;
}
