/**
 * One event, and what became of it: where it is, and how far each subscription that wants it has come. Looks only.
 *
 * What is done leaves nothing behind, so "done" is what is left when an event is in the history and nowhere else. An
 * event that was sent before a subscription was made looks the same: nobody has delivered it to that one.
 */
import { type Database, runStatement } from "../data/index.ts";
import { type DeadLetter, readDeadLetters } from "./dead-letters.ts";
import type { EventRecord } from "./envelope.ts";
import type { IdRange } from "./event-id.ts";
import { serviceOf, type Route } from "./event-log.ts";
import { type EventRow, readHistory, toEventRecord } from "./history.ts";

/** A delivery that is not done, or was given up. */
export interface DeliveryState {
  /** The service that subscribes. */
  readonly service: string;
  readonly subscription: string;
  readonly state: "ready" | "waiting" | "behind" | "timer" | "dead" | "discarded";
  readonly attempts: number;
  readonly error: string | undefined;
  /** When it is tried again. */
  readonly dueAt: string | undefined;
  /** Of a dead letter: its number. */
  readonly deadLetter: number | undefined;
}

export interface FoundEvent {
  readonly event: EventRecord;
  /** `outbox`: committed, and not sent yet. `nowhere`: only deliveries are left of it, or it came from elsewhere. */
  readonly place: "outbox" | "history" | "nowhere";
  readonly position: number | undefined;
  readonly deliveries: readonly DeliveryState[];
  /** Subscriptions that want its type and have nothing of it: done, or made after it was sent. */
  readonly done: readonly Route[];
}

export interface FindOptions {
  readonly ids: IdRange;
  /** Those whose outbox and history are looked through. */
  readonly emitters: readonly string[];
  /** Those whose inbox and dead letters are looked through. */
  readonly subscribers: readonly string[];
  readonly routes: readonly Route[];
  /** Different events, at most. */
  readonly max: number;
}

const outboxText = "select id, type, version, key, time, data, trace from tenon_outbox where id >= $1 and id <= $2 limit $3";
const inboxText = `
  select id, source, type, version, key, time, data, trace, subscription, attempts, error,
    case when due_at is null then 'ready' when due_at = 'infinity' then 'behind' when attempts > 0 then 'waiting' else 'timer' end as state,
    case when due_at < 'infinity' then due_at end as due_at
  from tenon_inbox where id >= $1 and id <= $2 order by seq limit $3`;

interface InboxRow extends EventRow {
  readonly source: string;
  readonly subscription: string;
  readonly attempts: number;
  readonly error: string | null;
  readonly state: "ready" | "waiting" | "behind" | "timer";
  readonly due_at: string | null;
}

interface Sighting {
  readonly event: EventRecord;
  readonly place?: "outbox" | "history";
  readonly position?: number;
  readonly delivery?: DeliveryState;
}

/** The events whose id begins as asked, the oldest first. */
export async function findEvents(database: Database, options: FindOptions): Promise<readonly FoundEvent[]> {
  const sightings: Sighting[] = [];
  for (const service of options.emitters) sightings.push(...(await lookAtEmitter(database, service, options)));
  for (const service of options.subscribers) sightings.push(...(await lookAtSubscriber(database, service, options)));
  const byId = [...Map.groupBy(sightings, ({ event }) => event.id).values()].slice(0, options.max);
  return byId.map((each) => toFound(each, options.routes)).toSorted((a, b) => (a.event.id < b.event.id ? -1 : 1));
}

async function lookAtEmitter(database: Database, service: string, { ids, max }: FindOptions): Promise<readonly Sighting[]> {
  const history = await readHistory(database, service, { ids, order: "oldest first", max });
  const { rows } = await runStatement(database, { service, mode: "read", text: outboxText, parameters: [ids.first, ids.last, max] });
  return [
    ...history.map(({ event, position }) => ({ event, position, place: "history" as const })),
    ...(rows as unknown as readonly EventRow[]).map((row) => ({ event: toEventRecord(row, service), place: "outbox" as const })),
  ];
}

async function lookAtSubscriber(database: Database, service: string, { ids, max, routes }: FindOptions): Promise<readonly Sighting[]> {
  const each = max * Math.max(1, routes.length); // one event stands there once for each subscription
  const { rows } = await runStatement(database, { service, mode: "read", text: inboxText, parameters: [ids.first, ids.last, each] });
  const dead = await readDeadLetters(database, service, { ids, max: each });
  return [
    ...(rows as unknown as readonly InboxRow[]).map((row) => ({ event: toEventRecord(row, row.source), delivery: toDeliveryState(row, service) })),
    ...dead.toReversed().map((letter) => ({ event: letter.event, delivery: toDeathState(letter) })),
  ];
}

function toDeliveryState({ attempts, due_at: dueAt, error, state, subscription }: InboxRow, service: string): DeliveryState {
  return { service, subscription, state, attempts, error: error ?? undefined, dueAt: dueAt ?? undefined, deadLetter: undefined };
}

function toDeathState({ attempts, error, seq, service, state, subscription }: DeadLetter): DeliveryState {
  return { service, subscription, state, attempts, error, dueAt: undefined, deadLetter: seq };
}

function toFound(sightings: readonly Sighting[], routes: readonly Route[]): FoundEvent {
  const [{ event }] = sightings as readonly [Sighting];
  const kept = sightings.find(({ place }) => place !== undefined);
  const deliveries = sightings.flatMap(({ delivery }) => (delivery === undefined ? [] : [delivery]));
  const wanted = routes.filter(({ type }) => type === event.type && serviceOf(type) === event.source);
  const isOpen = (route: Route): boolean => deliveries.some(({ service, subscription }) => service === route.subscriber && subscription === route.subscription);
  return {
    event: kept?.event ?? event,
    place: kept?.place ?? "nowhere",
    position: kept?.position,
    deliveries,
    done: kept?.place === "outbox" ? [] : wanted.filter((route) => !isOpen(route)),
  };
}
