/**
 * How far behind the events of a service are: what waits in its outbox, and per subscription in its inbox, since when,
 * and who is at work on it. Looks only; every count is bounded, so asking is cheap however much has piled up.
 */
import { type Database, withSession } from "../data/index.ts";
import { type BoundedCount, boundedCountOf, countMax, toBoundedCount } from "./bounded-count.ts";

/** One subscription. The states are drawn in ARCHITECTURE.md. Where much has piled up, the oldest is that of what was counted. */
export interface SubscriptionLag {
  readonly subscription: string;
  readonly ready: BoundedCount;
  /** Failed, and waiting for the next attempt. */
  readonly waiting: BoundedCount;
  /** Held up by an earlier one of their key. */
  readonly behind: BoundedCount;
  /** Not due yet, and never failed: timers. */
  readonly timers: BoundedCount;
  readonly dead: BoundedCount;
  /** How long the oldest of those that are ready, waiting or behind has been in the inbox, in ms. */
  readonly oldestMs: number | undefined;
}

/** A process that delivers. */
export interface LaneHolder {
  readonly holder: string;
  /** How many of the lanes are its own. */
  readonly lanes: number;
  /** Its leases have not ended. */
  readonly isAlive: boolean;
}

export interface ServiceLag {
  readonly service: string;
  readonly outbox: { readonly count: BoundedCount; readonly oldestMs: number | undefined };
  readonly subscriptions: readonly SubscriptionLag[];
  readonly holders: readonly LaneHolder[];
  /** Lanes that nobody has: what is in them waits. */
  readonly freeLanes: number;
}

/**
 * The names of subscriptions that have something in the inbox or among the dead letters, each found by one step in an
 * index: https://wiki.postgresql.org/wiki/Loose_indexscan
 */
const namesText = (): string => {
  const steps = ["tenon_inbox where due_at is null", "tenon_inbox where due_at is not null", "tenon_dead_letters where state = 'dead'"];
  const walks = steps.map((rows, i) => `
    walk_${i} as (
      (select subscription from ${rows} order by subscription limit 1)
      union all
      select (select subscription from ${rows} and subscription > walk_${i}.subscription order by subscription limit 1)
      from walk_${i} where walk_${i}.subscription is not null
    )`);
  return `with recursive ${walks.join(",")}, ${steps.map((_, i) => `found_${i} as (select subscription from walk_${i} where subscription is not null)`).join(", ")}
    select subscription from found_0 union select subscription from found_1 union select subscription from found_2 union select unnest($1::text[])`;
};

const ageOf = (since: string): string => `extract(epoch from now() - ${since}) * 1000`;

/**
 * Of each state so many rows as anybody wants to count, in the order of an index, so that no plan reads more. Those that
 * wait for a time, be they failed or timers, are one stretch of it.
 */
const sampleOf = (state: string, order: string): string => `
  (select attempts, received_at from tenon_inbox where tenon_inbox.subscription = names.subscription and ${state} order by ${order} limit ${countMax + 1}) as sample`;
const ready = sampleOf("due_at is null", "seq");
const behind = sampleOf("due_at = 'infinity'", "subscription, due_at");
const timed = sampleOf("due_at is not null and due_at < 'infinity'", "subscription, due_at");

const subscriptionsText = `
  select names.subscription, ready.counted as ready, timed.waiting, behind.counted as behind, timed.timers, timed.is_cut,
    ${boundedCountOf("from tenon_dead_letters where state = 'dead' and tenon_dead_letters.subscription = names.subscription")} as dead,
    (${ageOf("least(ready.oldest, behind.oldest, timed.oldest)")})::float8 as oldest_ms
  from (${namesText()}) as names
  cross join lateral (select count(*)::int as counted, min(received_at) as oldest from ${ready}) as ready
  cross join lateral (select count(*)::int as counted, min(received_at) as oldest from ${behind}) as behind
  cross join lateral (
    select count(*) filter (where attempts > 0)::int as waiting, count(*) filter (where attempts = 0)::int as timers,
      count(*) > ${countMax} as is_cut, min(received_at) filter (where attempts > 0) as oldest
    from ${timed}
  ) as timed
  order by names.subscription`;

const outboxText = `
  select ${boundedCountOf("from tenon_outbox")} as counted, (select (${ageOf("time")})::float8 from tenon_outbox order by seq limit 1) as oldest_ms`;

const lanesText = `
  select holder, count(*)::int as lanes, bool_or(lease_until > now()) as is_alive from tenon_lanes group by holder order by lanes desc, holder`;

/**
 * Plans that follow the indexes, whatever the statistics say: those of a table that has just filled up are of no use, and
 * compiling a plan takes longer than running it.
 */
const settings = ["jit", "enable_seqscan", "enable_bitmapscan", "enable_sort"].map((name) => ({ text: `set local ${name} = off`, parameters: [] }));

/** @param known  The subscriptions that the service has: listed also where nothing waits for them. */
export async function readLag(database: Database, service: string, known: readonly string[]): Promise<ServiceLag> {
  return withSession(database, { service, mode: "read", purpose: "watch" }, async (session) => {
    await session.batch([{ text: "begin", parameters: [] }, ...settings]);
    const outbox = (await session.query(outboxText, [])).rows[0];
    const { rows: subscriptions } = await session.query(subscriptionsText, [known]);
    const { rows: lanes } = await session.query(lanesText, []);
    await session.query("commit", []);
    const held = lanes.filter(({ holder }) => holder !== null);
    return {
      service,
      outbox: { count: toBoundedCount(outbox?.["counted"]), oldestMs: toMs(outbox?.["oldest_ms"]) },
      subscriptions: subscriptions.map(toSubscriptionLag),
      holders: held.map((row) => ({ holder: row["holder"] as string, lanes: row["lanes"] as number, isAlive: row["is_alive"] === true })),
      freeLanes: lanes.filter((row) => row["is_alive"] !== true).reduce((sum, row) => sum + (row["lanes"] as number), 0),
    };
  });
}

function toSubscriptionLag(row: Readonly<Record<string, unknown>>): SubscriptionLag {
  const timed = (counted: unknown): BoundedCount => ({ count: Math.min(Number(counted), countMax), hasMore: row["is_cut"] === true });
  return {
    subscription: row["subscription"] as string,
    ready: toBoundedCount(row["ready"]),
    waiting: timed(row["waiting"]),
    behind: toBoundedCount(row["behind"]),
    timers: timed(row["timers"]),
    dead: toBoundedCount(row["dead"]),
    oldestMs: toMs(row["oldest_ms"]),
  };
}

/** Clocks of emitters may be ahead of the database's. */
function toMs(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Math.max(0, Math.round(Number(value)));
}
