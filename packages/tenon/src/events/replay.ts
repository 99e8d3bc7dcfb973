/**
 * A part of a service's history, delivered once more to one subscription: put into its inbox in the order of the history,
 * a portion at a time. Nobody else notices.
 *
 * A replayed event keeps its id, key and time, and is delivered after what the inbox holds by then: an old event comes
 * after newer ones of its key that were delivered before. Each portion is kept whole or not at all; a replay that was
 * interrupted goes on behind the last portion that it told of. One that dies between keeping a portion and telling of it
 * repeats that portion.
 */
import { type Database, runStatement } from "../data/index.ts";
import { conditionsOf, type HistoryFilter } from "./history.ts";
import { laneExpression } from "./lanes.ts";
import { tellExpression } from "./wakes.ts";

/** Put into an inbox at a time: at 256 KiB an event, the largest there are, 64 MiB. */
const portionMax = 250;

export interface ReplayOptions {
  /** The service whose history it is. */
  readonly emitter: string;
  /** The service that subscribes. */
  readonly subscriber: string;
  readonly subscription: string;
  /** Which events. It should have an end (`before` or `until`), or the replay chases what is emitted meanwhile. */
  readonly filter: HistoryFilter;
  /** Told after each portion. @returns Whether to go on. */
  readonly onPortion: (progress: ReplayProgress) => "go on" | "stop";
}

export interface ReplayProgress {
  /** Events put into the inbox so far. */
  readonly count: number;
  /** Place in the history of the last of them. */
  readonly position: number;
}

export interface Replayed extends ReplayProgress {
  /** It was not stopped before its end. */
  readonly isComplete: boolean;
}

/** @throws {Fault} `unavailable`: what was told of is kept. */
export async function replayEvents(database: Database, options: ReplayOptions): Promise<Replayed> {
  let progress: ReplayProgress = { count: 0, position: options.filter.after ?? 0 };
  for (;;) {
    const portion = await readPortion(database, options, progress.position);
    if (portion.count === 0) return { ...progress, isComplete: true };
    await putIntoInbox(database, options, portion.events);
    progress = { count: progress.count + portion.count, position: portion.last };
    const isAsked = options.onPortion(progress) === "stop";
    if (portion.count < portionMax) return { ...progress, isComplete: true };
    if (isAsked) return { ...progress, isComplete: false };
  }
}

interface Portion {
  /** JSON, as the database wrote it: numbers and the order of members are those of whoever emitted. */
  readonly events: string;
  readonly last: number;
  readonly count: number;
}

async function readPortion(database: Database, { emitter, filter }: ReplayOptions, after: number): Promise<Portion> {
  const conditions = conditionsOf({ ...filter, after });
  const text = `
    select coalesce(json_agg(row_to_json(portion) order by position), '[]')::text as events, max(position) as last, count(*)::int as count
    from (select * from tenon_events ${conditions.where} order by position limit ${portionMax}) as portion`;
  const { rows } = await runStatement(database, { service: emitter, mode: "read", text, parameters: conditions.parameters });
  return rows[0] as unknown as Portion;
}

async function putIntoInbox(database: Database, { emitter, subscriber, subscription }: ReplayOptions, events: string): Promise<void> {
  const text = `
    with incoming as (
      select * from json_to_recordset($1) as
        event (position bigint, id uuid, type text, version integer, key text, "time" timestamptz, data json, trace text)
    ),
    put as (
      insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data, trace)
      select $2, ${laneExpression("key", "id")}, id, $3, type, version, key, time, data, trace from incoming order by position
    )
    select ${tellExpression(database, `inbox ${subscriber}`)} as told`;
  await runStatement(database, { service: subscriber, mode: "write", text, parameters: [events, subscription, emitter] });
}
