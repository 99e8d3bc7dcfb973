/**
 * How far behind the events of a service are: what waits in its outbox, and per subscription in its inbox, since when,
 * and who is at work on it. Looks only; every count is bounded, so asking is cheap however much has piled up.
 */
import type { Database } from "../data/index.ts";
import { runStatement } from "./admin-session.ts";
import { type BoundedCount, boundedCountOf, toBoundedCount } from "./bounded-count.ts";

/** One subscription. The states are drawn in ARCHITECTURE.md. */
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

const own = "from tenon_inbox where tenon_inbox.subscription = names.subscription";
const ageOf = (since: string): string => `extract(epoch from now() - ${since}) * 1000`;
/** Of a bounded number, since waiting ones stand in no order of age. */
const oldestHeld = `(select min(received_at) from (select received_at ${own} and due_at is not null and (attempts > 0 or due_at = 'infinity') limit 1000) as held)`;
const oldestReady = `(select received_at ${own} and due_at is null order by seq limit 1)`;

const subscriptionsText = `
  select names.subscription,
    ${boundedCountOf(`${own} and due_at is null`)} as ready,
    ${boundedCountOf(`${own} and due_at is not null and due_at < 'infinity' and attempts > 0`)} as waiting,
    ${boundedCountOf(`${own} and due_at = 'infinity'`)} as behind,
    ${boundedCountOf(`${own} and due_at is not null and due_at < 'infinity' and attempts = 0`)} as timers,
    ${boundedCountOf("from tenon_dead_letters where state = 'dead' and tenon_dead_letters.subscription = names.subscription")} as dead,
    (${ageOf(`least(${oldestHeld}, ${oldestReady})`)})::float8 as oldest_ms
  from (${namesText()}) as names
  order by names.subscription`;

const outboxText = `
  select ${boundedCountOf("from tenon_outbox")} as counted, (select (${ageOf("time")})::float8 from tenon_outbox order by seq limit 1) as oldest_ms`;

const lanesText = `
  select holder, count(*)::int as lanes, bool_or(lease_until > now()) as is_alive from tenon_lanes group by holder order by lanes desc, holder`;

/** @param known  The subscriptions that the service has: listed also where nothing waits for them. */
export async function readLag(database: Database, service: string, known: readonly string[]): Promise<ServiceLag> {
  const read = (text: string, parameters: readonly unknown[] = []) => runStatement(database, { service, mode: "read", text, parameters });
  const outbox = (await read(outboxText)).rows[0];
  const { rows: subscriptions } = await read(subscriptionsText, [known]);
  const { rows: lanes } = await read(lanesText);
  const held = lanes.filter(({ holder }) => holder !== null);
  return {
    service,
    outbox: { count: toBoundedCount(outbox?.["counted"]), oldestMs: toMs(outbox?.["oldest_ms"]) },
    subscriptions: subscriptions.map(toSubscriptionLag),
    holders: held.map((row) => ({ holder: row["holder"] as string, lanes: row["lanes"] as number, isAlive: row["is_alive"] === true })),
    freeLanes: lanes.filter((row) => row["is_alive"] !== true).reduce((sum, row) => sum + (row["lanes"] as number), 0),
  };
}

function toSubscriptionLag(row: Readonly<Record<string, unknown>>): SubscriptionLag {
  return {
    subscription: row["subscription"] as string,
    ready: toBoundedCount(row["ready"]),
    waiting: toBoundedCount(row["waiting"]),
    behind: toBoundedCount(row["behind"]),
    timers: toBoundedCount(row["timers"]),
    dead: toBoundedCount(row["dead"]),
    oldestMs: toMs(row["oldest_ms"]),
  };
}

/** Clocks of emitters may be ahead of the database's. */
function toMs(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Math.max(0, Math.round(Number(value)));
}
