/**
 * What came over a broker, on its way into the inbox of a service: a broker delivers at least once, so each event is
 * written down with each subscription that got it, in the same transaction, and a second copy is known.
 */
import { type Database, runStatement } from "../data/index.ts";
import type { EventRecord } from "./envelope.ts";
import type { Route } from "./event-log.ts";
import { laneExpression } from "./lanes.ts";

const receiveText = `
  with incoming as (
    select distinct on (id) * from json_to_recordset($1) as
      event (n integer, id uuid, source text, type text, version integer, key text, "time" timestamptz, data json, trace text)
    order by id, n
  ),
  wanted as (
    select incoming.*, routes.subscription
    from incoming join unnest($2::text[], $3::text[]) as routes (subscription, type) on routes.type = incoming.type
  ),
  fresh as (
    insert into tenon_received (id, subscription) select id, subscription from wanted
    on conflict do nothing returning id, subscription
  )
  insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data, trace)
  select wanted.subscription, ${laneExpression("wanted.key", "wanted.id")}, wanted.id, wanted.source, wanted.type, wanted.version, wanted.key, wanted.time, wanted.data, wanted.trace
  from wanted join fresh on fresh.id = wanted.id and fresh.subscription = wanted.subscription
  order by wanted.n`;

export interface ReceivedOptions {
  readonly database: Database;
  /** The service that subscribes. */
  readonly service: string;
  readonly routes: readonly Route[];
}

/**
 * Puts events into the inbox, in their order. @returns How many deliveries were new.
 *
 * @throws {Fault} `unavailable`: none was kept.
 */
export async function receiveEvents(events: readonly EventRecord[], { database, routes, service }: ReceivedOptions): Promise<number> {
  const own = routes.filter(({ subscriber }) => subscriber === service);
  const incoming = JSON.stringify(events.map((event, n) => ({ n, ...event })));
  const { affected } = await runStatement(database, {
    service,
    mode: "write",
    text: receiveText,
    parameters: [incoming, own.map(({ subscription }) => subscription), own.map(({ type }) => type)],
  });
  return affected;
}
