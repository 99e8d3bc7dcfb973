/**
 * Events over a broker, for services that do not share a database: published from the outbox and only then removed,
 * received into the inbox and only then acknowledged. Each end may repeat; the inbox knows a second copy by its id.
 *
 * One relay at a time publishes for a service, under a lock of its session. When that session is lost in the middle, a
 * second relay may publish the same events again; both go in one order, so the first copies are in that order too.
 */
import { type CallGraph, nodeOf } from "../calls/index.ts";
import { type Database, quoteText, type Session, withSession } from "../data/index.ts";
import type { Log } from "../kernel/index.ts";
import { EnvelopeError, type EventRecord, parseCloudEvent, toCloudEvent } from "./envelope.ts";
import { countCarriage, type EventLog, type Forwarded, type ForwardOptions, nothingMoved, type Route, serviceOf } from "./event-log.ts";
import type { Broker, BrokerMessage, Consumption } from "./ports.ts";
import { receiveEvents } from "./received.ts";
import type { Wakes } from "./wakes.ts";

/** Class of the advisory locks of relays to a broker: any number that nobody else uses. */
const publishLockClass = 726_639_102;

const readText = `
  select seq, id, type, version, key, time, data, trace,
    pg_current_xact_id()::text::bigint as transaction, pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest_open
  from tenon_outbox where seq > $1 order by seq limit $2`;
const moveText = `
  with sent as (delete from tenon_outbox where seq = any($1::bigint[]) returning *)
  insert into tenon_events (id, type, version, key, time, data, trace)
  select id, type, version, key, time, data, trace from sent order by seq`;

export interface BrokerLogOptions {
  readonly broker: Broker;
  readonly database: Database;
  readonly routes: readonly Route[];
  readonly wakes: Wakes;
  readonly log: Log;
  /** Where it is counted what carries events. Left out: nowhere. */
  readonly graph?: CallGraph | undefined;
}

interface OutboxRow {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly key: string | null;
  readonly time: string;
  readonly data: unknown;
  readonly trace: string | null;
  readonly transaction: number;
  readonly oldest_open: number;
}

export class BrokerLog implements EventLog {
  readonly label: string;
  readonly #options: BrokerLogOptions;

  constructor(options: BrokerLogOptions) {
    this.#options = options;
    this.label = options.broker.label;
  }

  forward(service: string, options: ForwardOptions): Promise<Forwarded> {
    const { database } = this.#options;
    return withSession(database, { service, mode: "write" }, async (session) => {
      if (database.sessions === "one") return this.#publish(session, service, options);
      const { rows } = await session.query(`select pg_try_advisory_lock(${publishLockClass}, hashtext(${quoteText(service)})) as is_mine`, []);
      if (rows[0]?.["is_mine"] !== true) return nothingMoved(true);
      try {
        return await this.#publish(session, service, options);
      } finally {
        await session.query(`select pg_advisory_unlock(${publishLockClass}, hashtext(${quoteText(service)}))`, []).catch(() => undefined);
      }
    });
  }

  receive(service: string): Promise<Consumption> {
    const { broker, database, log, routes, wakes } = this.#options;
    const own = routes.filter(({ subscriber }) => subscriber === service);
    const types = new Map<string, readonly string[]>();
    for (const [emitter, theirs] of Map.groupBy(own, ({ type }) => serviceOf(type))) types.set(emitter, [...new Set(theirs.map(({ type }) => type))]);
    return broker.consume({ service, types }, async (messages) => {
      const events = messages.flatMap((message) => readMessage(message, log));
      if ((await receiveEvents(events, { database, service, routes })) > 0) wakes.tell(`inbox ${service}`);
    });
  }

  close(): Promise<void> {
    return this.#options.broker.close();
  }

  async #publish(session: Session, service: string, { after, max }: ForwardOptions): Promise<Forwarded> {
    const { rows } = await session.query(readText, [after, max]);
    const found = rows as unknown as readonly OutboxRow[];
    const last = found.at(-1);
    if (last === undefined) return nothingMoved(false);
    const { broker, graph } = this.#options;
    const edges = graph === undefined ? [] : [...new Set(found.map(({ type }) => type))].map((type) => graph.edge(nodeOf.event(type), nodeOf.broker(this.label)));
    await countCarriage(edges, graph, () => broker.publish(found.map((row) => toMessage(service, row))));
    await session.query(moveText, [found.map(({ seq }) => seq)]);
    return { moved: found.length, last: last.seq, isContended: false, transaction: last.transaction, oldestOpen: last.oldest_open };
  }
}

function toMessage(service: string, row: OutboxRow): BrokerMessage {
  const { data, id, time, type, version } = row;
  const key = row.key ?? undefined;
  const body = JSON.stringify(toCloudEvent({ id, source: service, type, version, key, time, data, trace: row.trace ?? undefined }));
  return { id, service, type, key, body };
}

/** A message that is no event can never be delivered; holding up all others for it would help nobody. */
function readMessage(message: BrokerMessage, log: Log): readonly EventRecord[] {
  try {
    return [parseCloudEvent(message.body)];
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    log.error("a message of the broker is no event of ours and is passed over", { message: message.id, error });
    return [];
  }
}

