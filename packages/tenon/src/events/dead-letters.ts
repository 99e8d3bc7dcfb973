/**
 * Deliveries that were given up, whole, until an operator decides: listed, retried, discarded.
 *
 *     dead ──retry──► the inbox: a new delivery, whose attempts and age are counted anew
 *       └──discard──► discarded: kept, with the reason
 *
 * Where the subscription continues after a death, a retried one is the newest of its key. Where it holds, its key has
 * waited for it, and it comes first: it stands *behind*, at a place in front of all others, and is let go when its key
 * has no dead letter any more (`dead-holds.ts`). Either way it moves in one statement, so nothing is lost or doubled.
 */
import { type Database, runStatement } from "../data/index.ts";
import { type BoundedCount, boundedCountOf, toBoundedCount } from "./bounded-count.ts";
import { Conditions } from "./conditions.ts";
import type { EventRecord } from "./envelope.ts";
import { type EventRow, toEventRecord } from "./history.ts";
import type { IdRange } from "./event-id.ts";
import { laneExpression } from "./lanes.ts";
import { tellExpression } from "./wakes.ts";

export interface DeadLetter {
  /** Its number among the dead letters of its service. */
  readonly seq: number;
  /** The service whose delivery it was. */
  readonly service: string;
  readonly subscription: string;
  readonly event: EventRecord;
  /** When the delivery came into the inbox. */
  readonly receivedAt: string;
  /** Attempts, all of which failed. */
  readonly attempts: number;
  /** What the last attempt failed with. */
  readonly error: string | undefined;
  readonly diedAt: string;
  readonly state: "dead" | "discarded";
  /** Why it was discarded. */
  readonly reason: string | undefined;
  readonly settledAt: string | undefined;
}

export interface DeadLetterFilter {
  readonly seqs?: readonly number[] | undefined;
  readonly subscription?: string | undefined;
  readonly ids?: IdRange | undefined;
  /** `orders.placed` */
  readonly type?: string | undefined;
  /** Default: both. */
  readonly state?: DeadLetter["state"] | undefined;
  /** Versions of the data from this one on. */
  readonly versionFrom?: number | undefined;
}

interface DeadLetterRow extends EventRow {
  readonly seq: number;
  readonly subscription: string;
  readonly source: string;
  readonly received_at: string;
  readonly attempts: number;
  readonly error: string | null;
  readonly died_at: string;
  readonly state: DeadLetter["state"];
  readonly reason: string | null;
  readonly settled_at: string | null;
}

const columns = "seq, subscription, id, source, type, version, key, time, data, trace, received_at, attempts, error, died_at, state, reason, settled_at";

/** Moved or marked in one statement: few enough to be quick. */
const portionMax = 500;

/** The newest first. */
export async function readDeadLetters(database: Database, service: string, asked: DeadLetterFilter & { readonly max: number }): Promise<readonly DeadLetter[]> {
  const conditions = conditionsOf(asked);
  const text = `select ${columns} from tenon_dead_letters ${conditions.where} order by seq desc limit ${conditions.value(asked.max)}`;
  const { rows } = await runStatement(database, { service, mode: "read", text, parameters: conditions.parameters });
  return (rows as unknown as readonly DeadLetterRow[]).map((row) => toDeadLetter(row, service));
}

export async function countDeadLetters(database: Database, service: string, filter: DeadLetterFilter): Promise<BoundedCount> {
  const conditions = conditionsOf(filter);
  const text = `select ${boundedCountOf(`from tenon_dead_letters ${conditions.where}`)} as counted`;
  const { rows } = await runStatement(database, { service, mode: "read", text, parameters: conditions.parameters });
  return toBoundedCount(rows[0]?.["counted"]);
}

/** Dead letters that are alike, for who decides about many. */
export interface DeadLetterGroup {
  readonly subscription: string;
  readonly type: string;
  readonly version: number;
  readonly count: number;
}

/** What some dead letters are of. Counts them all: they are few, or there is more wrong than that. */
export async function groupDeadLetters(database: Database, service: string, filter: DeadLetterFilter): Promise<readonly DeadLetterGroup[]> {
  const conditions = conditionsOf(filter);
  const text = `
    select subscription, type, version, count(*)::int as count from tenon_dead_letters ${conditions.where}
    group by subscription, type, version order by subscription, type, version`;
  const { rows } = await runStatement(database, { service, mode: "read", text, parameters: conditions.parameters });
  return rows as unknown as readonly DeadLetterGroup[];
}

export interface RetryOptions {
  readonly filter: DeadLetterFilter;
  /** The subscriptions of the service that hold a key after a death. */
  readonly holding: readonly string[];
}

/**
 * Puts dead letters back into the inbox. Those that die meanwhile are left where they are.
 *
 * @returns How many.
 */
export async function retryDeadLetters(database: Database, service: string, { filter, holding }: RetryOptions): Promise<number> {
  return inPortions(database, service, filter, (conditions) => {
    const held = `subscription = any(${conditions.value(holding)}::text[]) and key is not null`;
    const lane = laneExpression("key", "id");
    return `
      with chosen as (
        select seq from tenon_dead_letters ${conditions.where} order by seq limit ${portionMax} for update skip locked
      ),
      gone as (delete from tenon_dead_letters as dead using chosen where dead.seq = chosen.seq returning dead.*),
      newest as (
        insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data, trace)
        select subscription, ${lane}, id, source, type, version, key, time, data, trace from gone where not (${held}) order by seq
      ),
      first as (
        insert into tenon_inbox (seq, subscription, lane, id, source, type, version, key, time, data, trace, due_at) overriding system value
        select seq - ${firstPlaces}, subscription, ${lane}, id, source, type, version, key, time, data, trace, 'infinity' from gone where ${held}
      )
      select count(*)::int as changed, max(seq) as last, ${tellExpression(database, `inbox ${service}`)} as told from gone`;
  });
}

/**
 * Places in front of everything that ever came into an inbox, in the order of the deaths: below them is room for all
 * dead letters there can be, and a number of JavaScript holds them.
 */
const firstPlaces = 2 ** 52;

export interface DiscardOptions {
  readonly filter: DeadLetterFilter;
  readonly reason: string;
}

/** Marks dead letters as done with. They are kept. @returns How many. */
export async function discardDeadLetters(database: Database, service: string, { filter, reason }: DiscardOptions): Promise<number> {
  return inPortions(database, service, filter, (conditions) => `
    with chosen as (
      select seq from tenon_dead_letters ${conditions.where} order by seq limit ${portionMax} for update skip locked
    ),
    marked as (
      update tenon_dead_letters as dead set state = 'discarded', reason = ${conditions.value(reason)}, settled_at = now()
      from chosen where dead.seq = chosen.seq returning dead.seq
    )
    select count(*)::int as changed, max(seq) as last, ${tellExpression(database, `inbox ${service}`)} as told from marked`);
}

/** Those that were dead when it began: what is retried may die again before the last portion. */
async function inPortions(database: Database, service: string, filter: DeadLetterFilter, toText: (conditions: Conditions) => string): Promise<number> {
  const [newest] = await readDeadLetters(database, service, { ...filter, state: "dead", max: 1 });
  if (newest === undefined) return 0;
  let sum = 0;
  for (let after = 0; ; ) {
    const conditions = conditionsOf({ ...filter, state: "dead" }).add("seq <= $", newest.seq).add("seq > $", after);
    const text = toText(conditions);
    const { rows } = await runStatement(database, { service, mode: "write", text, parameters: conditions.parameters });
    const { changed, last } = rows[0] as { readonly changed: number; readonly last: number | null };
    sum += changed;
    if (changed < portionMax || last === null) return sum;
    after = last;
  }
}

function conditionsOf({ ids, seqs, state, subscription, type, versionFrom }: DeadLetterFilter): Conditions {
  return new Conditions()
    .add("state = $", state)
    .add("subscription = $", subscription)
    .add("type = $", type)
    .add("seq = any($::bigint[])", seqs)
    .add("version >= $", versionFrom)
    .add("id >= $", ids?.first)
    .add("id <= $", ids?.last);
}

function toDeadLetter(row: DeadLetterRow, service: string): DeadLetter {
  const { attempts, died_at: diedAt, error, reason, received_at: receivedAt, seq, settled_at: settledAt, source, state, subscription } = row;
  return {
    seq,
    service,
    subscription,
    event: toEventRecord(row, source),
    receivedAt,
    attempts,
    error: error ?? undefined,
    diedAt,
    state,
    reason: reason ?? undefined,
    settledAt: settledAt ?? undefined,
  };
}
