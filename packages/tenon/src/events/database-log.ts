/**
 * Events from outbox to inboxes within one database, in one statement: they leave the outbox, are kept in the service's
 * history, and stand in the inbox of each subscription, or nothing happened. So nothing is lost or doubled, whatever
 * dies when.
 *
 * One relay at a time moves the events of a service, under a lock that lasts as long as the statement. A second one finds
 * it taken and moves nothing. It cannot overtake: what it would see is what the first one leaves.
 *
 * The move does not wait for the disk (`synchronous_commit = off`): should the server die before it is written, the
 * events are back in the outbox, and every handler that saw them is undone with it, because its commit comes later in
 * the server's log than the move.
 */
import { type CallEdge, type CallGraph, nodeOf } from "../calls/index.ts";
import { type Database, quoteName, quoteText, runStatement, schemaOf } from "../data/index.ts";
import { countCarriage, type EventLog, type Forwarded, type ForwardOptions, nothingMoved, type Route, serviceOf } from "./event-log.ts";
import { laneExpression } from "./lanes.ts";
import type { Consumption } from "./ports.ts";
import { wakeChannel } from "./wakes.ts";

/** Class of the advisory locks of relays: any number that nobody else uses. */
const relayLockClass = 726_639_101;

interface MovedRow {
  readonly is_mine: boolean;
  readonly moved: number;
  readonly last: number;
  /** Null when none moved. */
  readonly transaction: number | null;
  readonly oldest_open: number;
}

export interface DatabaseLogOptions {
  readonly database: Database;
  readonly routes: readonly Route[];
  /** Where it is counted what carries events. Left out: nowhere. */
  readonly graph?: CallGraph | undefined;
}

export class DatabaseLog implements EventLog {
  readonly label: string;
  readonly #database: Database;
  readonly #routes: readonly Route[];
  readonly #moves = new Map<string, string>();
  readonly #graph: CallGraph | undefined;

  constructor(options: DatabaseLogOptions) {
    this.#database = options.database;
    this.#routes = options.routes;
    this.label = options.database.label;
    this.#graph = options.graph;
  }

  async forward(service: string, { after, max }: ForwardOptions): Promise<Forwarded> {
    const { rows } = await countCarriage(this.#edgesOf(service), this.#graph, () => runStatement(this.#database, { service, mode: "admin", text: this.#moveOf(service), parameters: [after, max] }));
    const { is_mine: isMine, last, moved, oldest_open: oldestOpen, transaction } = rows[0] as unknown as MovedRow;
    return transaction === null ? nothingMoved(!isMine) : { moved, last, isContended: false, transaction, oldestOpen };
  }

  /** Whoever forwards has filled the inbox already. */
  async receive(): Promise<Consumption> {
    return { close: async () => undefined };
  }

  async close(): Promise<void> {}

  /** What the service's events need to leave: its statements. */
  #edgesOf(service: string): readonly CallEdge[] {
    const graph = this.#graph;
    if (graph === undefined) return [];
    return [...new Set(this.#routes.map(({ type }) => type))].filter((type) => serviceOf(type) === service).map((type) => graph.edge(nodeOf.event(type), nodeOf.database(service)));
  }

  #moveOf(service: string): string {
    let text = this.#moves.get(service);
    if (text === undefined) {
      text = moveText(service, this.#routes, this.#database.sessions);
      this.#moves.set(service, text);
    }
    return text;
  }
}

function moveText(service: string, routes: readonly Route[], sessions: Database["sessions"]): string {
  const outbox = `${quoteName(schemaOf(service))}.tenon_outbox`;
  const bySubscriber = Map.groupBy(
    routes.filter(({ type }) => serviceOf(type) === service),
    ({ subscriber }) => subscriber,
  );
  const inserts = [...bySubscriber].map(([subscriber, own], i) => `to_${i} as (${insertText(service, subscriber, own)})`);
  // Nobody else can be told where there is one process.
  const told = sessions === "one" ? [] : [...bySubscriber.keys()];
  const notices = told.map((subscriber) => `pg_notify('${wakeChannel}', ${quoteText(`inbox ${subscriber}`)})`);
  return `
    with mine as materialized (
      select pg_try_advisory_xact_lock(${relayLockClass}, hashtext(${quoteText(schemaOf(service))})) as is_mine,
        set_config('synchronous_commit', 'off', true) as commit_mode
    ),
    batch as (
      delete from ${outbox}
      where (select is_mine from mine)
        -- An array and no join: the plan is then the same for ten rows and for ten million, whatever the statistics say.
        and seq = any(array(select seq from ${outbox} where (select is_mine from mine) and seq > $1 order by seq limit $2))
      returning seq, id, type, version, key, time, data, trace
    ),
    kept as (
      insert into ${quoteName(schemaOf(service))}.tenon_events (id, type, version, key, time, data, trace)
      select id, type, version, key, time, data, trace from batch order by seq
    )${inserts.map((each) => `,\n    ${each}`).join("")}
    select (select is_mine from mine) as is_mine, (select count(*)::int from batch) as moved, (select coalesce(max(seq), 0) from batch) as last,
      case when (select count(*) from batch) > 0 then pg_current_xact_id()::text::bigint end as transaction, pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest_open
      ${notices.length === 0 ? "" : `, (select count(*) from (select ${notices.join(", ")} from batch limit 1) as told)`}`;
}

function insertText(service: string, subscriber: string, routes: readonly Route[]): string {
  const wanted = routes.map(({ subscription, type }) => `(${quoteText(subscription)}, ${quoteText(type)})`).join(", ");
  return `
      insert into ${quoteName(schemaOf(subscriber))}.tenon_inbox (subscription, lane, id, source, type, version, key, time, data, trace)
      select wanted.subscription, ${laneExpression("batch.key", "batch.id")}, batch.id, ${quoteText(service)}, batch.type, batch.version, batch.key, batch.time, batch.data, batch.trace
      from batch join (values ${wanted}) as wanted (subscription, type) on wanted.type = batch.type
      order by batch.seq`;
}
