/** One event on its way to one subscription: a row of the inbox. The states it moves through are drawn in ARCHITECTURE.md. */
import type { EventRecord } from "./envelope.ts";

export interface Delivery {
  /** Its place in the inbox. */
  readonly seq: number;
  readonly subscription: string;
  readonly lane: number;
  /** Attempts that failed so far. */
  readonly attempts: number;
  /** Those of them that ended with their process. */
  readonly crashes: number;
  /** When it came into the inbox, in ms since 1970. */
  readonly receivedAtMs: number;
  readonly event: EventRecord;
}

/** A row of the inbox as the database gives it. */
export interface DeliveryRow {
  readonly seq: number;
  readonly subscription: string;
  readonly lane: number;
  readonly attempts: number;
  readonly crashes: number;
  readonly received_at: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly version: number;
  readonly key: string | null;
  readonly time: string;
  readonly data: unknown;
  readonly trace: string | null;
}

/** The columns that {@link toDelivery} reads. */
export const deliveryColumns = "seq, subscription, lane, attempts, crashes, received_at, id, source, type, version, key, time, data, trace";

export function toDelivery(row: DeliveryRow): Delivery {
  const { attempts, crashes, data, id, key, lane, received_at: receivedAt, seq, source, subscription, time, trace, type, version } = row;
  const event = { id, source, type, version, key: key ?? undefined, time, data, trace: trace ?? undefined };
  return { seq, subscription, lane, attempts, crashes, receivedAtMs: Date.parse(receivedAt), event };
}
