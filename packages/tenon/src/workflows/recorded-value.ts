/** Values on their way into a record: as JSON has them, so that code meets at every turn what it met at the first. */
import { workflowLimits } from "./limits.ts";

/** Something that cannot be kept. No further attempt makes sense. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

export interface RecordedValue {
  /** `null` for `undefined`. */
  readonly json: string | null;
  readonly value: unknown;
  readonly bytes: number;
}

/** @throws {RecordError} it has no form in JSON, or is too large. */
export function toRecordedValue(what: string, value: unknown): RecordedValue {
  let json: string | undefined;
  try {
    json = JSON.stringify(value, bigAsText);
  } catch (cause) {
    throw new RecordError(`${what} has no form in JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (json === undefined) return { json: null, value: undefined, bytes: 0 };
  const bytes = Buffer.byteLength(json);
  const { resultMaxBytes } = workflowLimits;
  if (bytes > resultMaxBytes) throw new RecordError(`${what} has ${bytes} bytes, and ${resultMaxBytes} at most are kept: store what is large, and give back where it is`);
  return { json, value: JSON.parse(json) as unknown, bytes };
}

/** What a statement that changes rows gives back counts them in big integers, which JSON does not have. */
function bigAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
