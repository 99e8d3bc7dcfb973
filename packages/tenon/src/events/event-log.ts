/**
 * How committed events get from the outbox of one service into the inboxes of others. Two ways: straight, where all of
 * them share a database (`database-log.ts`), and over a broker (`broker-log.ts`). `testing.ts` is the suite of both.
 */
import type { CallEdge, CallGraph } from "../calls/index.ts";
import type { Consumption } from "./ports.ts";

/** One subscription, as seen by whoever sends. */
export interface Route {
  /** Of the event: `orders.placed`. */
  readonly type: string;
  /** The service that subscribes. */
  readonly subscriber: string;
  /** The name of its subscription. */
  readonly subscription: string;
}

export interface ForwardOptions {
  /**
   * Only events behind this place of the outbox; 0 for all. Spares looking over what was just removed, and is right only
   * where nothing can appear at or before it any more: see {@link OutboxPlace}.
   */
  readonly after: number;
  /** At most so many. */
  readonly max: number;
}

export interface Forwarded {
  /** How many events left the outbox. */
  readonly moved: number;
  /** Place of the last one; 0 when none moved. */
  readonly last: number;
  /** Another process is at work on the same outbox at this moment. */
  readonly isContended: boolean;
  /** Number of a transaction that was begun after the events were read. Meaningless when none moved. */
  readonly transaction: number;
  /** Number of the oldest transaction that was open when they were read; the next one to come when none was. */
  readonly oldestOpen: number;
}

/** Nothing moved. */
export function nothingMoved(isContended: boolean): Forwarded {
  return { moved: 0, last: 0, isContended, transaction: 0, oldestOpen: 0 };
}

export interface EventLog {
  /** For messages. Holds no password. */
  readonly label: string;
  /**
   * Moves the oldest events of a service's outbox on. An event is gone from the outbox only when it is safe where it
   * went; those of one key leave in order.
   *
   * @throws {Fault} `unavailable`: nothing was lost, and the same events are tried again.
   */
  forward(service: string, options: ForwardOptions): Promise<Forwarded>;
  /** Starts filling the inbox of a service. */
  receive(service: string): Promise<Consumption>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The services that subscribe to events of one service. */
export function subscribersOf(routes: readonly Route[], service: string): readonly string[] {
  return [...new Set(routes.filter(({ type }) => serviceOf(type) === service).map(({ subscriber }) => subscriber))];
}

/** `orders` of `orders.placed`. */
export function serviceOf(type: string): string {
  return type.slice(0, type.indexOf("."));
}

/** Counts one try to carry events on, for each of the kinds of events that it carries. */
export async function countCarriage<T>(edges: readonly CallEdge[], graph: CallGraph | undefined, carry: () => Promise<T>): Promise<T> {
  if (graph === undefined) return carry();
  const sinceMs = graph.clock.elapsedMs();
  let isBad = true;
  try {
    const result = await carry();
    isBad = false;
    return result;
  } finally {
    for (const edge of edges) edge.observe(isBad, graph.clock.elapsedMs() - sinceMs);
  }
}
