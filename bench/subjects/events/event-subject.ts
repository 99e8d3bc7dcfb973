/**
 * What a tool has to do to take part in the scenario `events`: take events in and hand each of them to a handler, once.
 * A subject is opened twice, in two processes: one enqueues, the other handles.
 */

/** An event as it is enqueued: the number is what is counted, the rest is the size that an order's event has. */
export interface BenchEvent {
  readonly number: number;
  readonly orderId: string;
  readonly customerId: string;
  readonly currency: string;
  readonly totalCents: number;
  readonly placedAt: string;
  readonly note: string;
}

/** `noop` does nothing; `row` inserts the event's number into a table. */
export type EventHandler = "noop" | "row";

export interface EventWork {
  readonly handler: EventHandler;
  /** Call when an event's handler has done its work: at once for `noop`, after the insert for `row`. */
  readonly onHandled: (number: number) => void;
}

export interface EventSubject {
  /** Makes its tables in an empty database. Called once per database, by the process that enqueues. */
  prepare(): Promise<void>;
  /** Enqueues in bulk, the quickest way that the tool has: this is not measured. */
  enqueueMany(events: readonly BenchEvent[]): Promise<void>;
  /** Enqueues one as a request would, and resolves when it is committed. */
  enqueueOne(event: BenchEvent): Promise<void>;
  /** Starts to handle, and goes on until the process is ended. Resolves when the tool says that it works. */
  work(work: EventWork): Promise<void>;
}

/** Connections to PostgreSQL, for every subject alike: those of graphile-worker's own benchmark. */
export const connectionCount = 25;

/** The same event for the same number, in every process. */
export function createEvent(number: number): BenchEvent {
  const digits = number.toString(16).padStart(12, "0");
  return {
    number,
    orderId: `6f1c2a9e-4b7d-4c00-9a51-${digits}`,
    customerId: `0d9be8a4-11c2-4f5e-8a37-${digits}`,
    currency: number % 3 === 0 ? "USD" : "EUR",
    totalCents: 1_290 + (number % 10_000),
    placedAt: "2026-05-10T09:30:00.000Z",
    note: "Please ring twice; the dog is friendly.",
  };
}

/** For tools that leave tables to their users: where the handler `row` of the peers writes. */
export const handledTable = "create table handled (number integer not null, handled_at timestamptz not null default now())";
export const insertHandled = "insert into handled (number) values ($1)";
