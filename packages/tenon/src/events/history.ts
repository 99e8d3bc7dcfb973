/**
 * The history of a service's events, read: what was sent, in order, for as long as it is kept. Looks only.
 *
 * Reading goes by position, which has an index; a time narrows it by the blocks of rows that hold it (BRIN). A condition
 * that few events meet is looked for row by row: a million rows take a second or so.
 */
import { type Database, runStatement } from "../data/index.ts";
import { type BoundedCount, boundedCountOf, toBoundedCount } from "./bounded-count.ts";
import { Conditions } from "./conditions.ts";
import type { EventRecord } from "./envelope.ts";
import type { IdRange } from "./event-id.ts";

export interface HistoryFilter {
  /** `orders.placed` */
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  /** Not before this instant. */
  readonly from?: Date | undefined;
  /** Before this instant. */
  readonly until?: Date | undefined;
  /** Positions behind this one. */
  readonly after?: number | undefined;
  /** Positions in front of this one. */
  readonly before?: number | undefined;
  readonly ids?: IdRange | undefined;
  /** Versions of the data from this one on. */
  readonly versionFrom?: number | undefined;
  /** Versions of the data below this one. */
  readonly versionBelow?: number | undefined;
}

export interface HistoryPage {
  readonly order: "newest first" | "oldest first";
  readonly max: number;
}

export interface RecordedEvent {
  /** Its place in the history of its service. */
  readonly position: number;
  readonly event: EventRecord;
}

/** A row of the history, the outbox, an inbox or the dead letters, as far as it is the event itself. */
export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly key: string | null;
  readonly time: string;
  readonly data: unknown;
  readonly trace: string | null;
}

export function toEventRecord(row: EventRow, source: string): EventRecord {
  const { data, id, key, time, trace, type, version } = row;
  return { id, source, type, version, key: key ?? undefined, time, data, trace: trace ?? undefined };
}

/** Events of a service, a page of them. @throws {Fault} `unavailable` */
export async function readHistory(database: Database, service: string, asked: HistoryFilter & HistoryPage): Promise<readonly RecordedEvent[]> {
  const conditions = conditionsOf(asked);
  const direction = asked.order === "newest first" ? "desc" : "asc";
  const text = `select position, id, type, version, key, time, data, trace from tenon_events ${conditions.where} order by position ${direction} limit ${conditions.value(asked.max)}`;
  const { rows } = await runStatement(database, { service, mode: "read", text, parameters: conditions.parameters });
  return (rows as unknown as readonly (EventRow & { readonly position: number })[]).map((row) => ({ position: row.position, event: toEventRecord(row, service) }));
}

export async function countHistory(database: Database, service: string, filter: HistoryFilter): Promise<BoundedCount> {
  const conditions = conditionsOf(filter);
  const text = `select ${boundedCountOf(`from tenon_events ${conditions.where}`)} as counted`;
  const { rows } = await runStatement(database, { service, mode: "read", text, parameters: conditions.parameters });
  return toBoundedCount(rows[0]?.["counted"]);
}

/** Where the history of a service begins and ends; `undefined` while it is empty. */
export async function historySpan(database: Database, service: string): Promise<{ readonly first: RecordedEvent; readonly last: RecordedEvent } | undefined> {
  const [first] = await readHistory(database, service, { order: "oldest first", max: 1 });
  const [last] = await readHistory(database, service, { order: "newest first", max: 1 });
  return first === undefined || last === undefined ? undefined : { first, last };
}

/** The conditions of a filter on `tenon_events`. */
export function conditionsOf({ after, before, from, ids, key, type, until, versionBelow, versionFrom }: HistoryFilter): Conditions {
  const conditions = new Conditions()
    .add("position > $", after)
    .add("position < $", before)
    .add("type = $", type)
    .add("key = $", key)
    .add("time >= $", from)
    .add("time < $", until)
    .add("version >= $", versionFrom)
    .add("version < $", versionBelow);
  if (ids === undefined) return conditions;
  return conditions
    .add("id >= $", ids.first)
    .add("id <= $", ids.last)
    .add("time >= $", new Date(ids.fromMs))
    .add("time <= $", new Date(ids.untilMs));
}
