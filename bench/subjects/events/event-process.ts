/**
 * A subject of the scenario `events` as a process: it is told over IPC what to do, and answers with when it was done and
 * what the whole process had spent by then. It leaves with its parent.
 *
 * Times are those of the system's monotonic clock, which all processes of a machine share.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createEvent, type EventHandler, type EventSubject } from "./event-subject.ts";

export type EventOrder =
  | { readonly ask: "prepare" }
  | { readonly ask: "enqueue"; readonly first: number; readonly count: number }
  /** One at a time, one in each span of `everyMs`, at a point of it that wanders. */
  | { readonly ask: "trickle"; readonly first: number; readonly count: number; readonly everyMs: number }
  | { readonly ask: "work"; readonly handler: EventHandler }
  /** Answered once so many different events have been handled since the start. */
  | { readonly ask: "until"; readonly handled: number }
  | { readonly ask: "times" }
  | { readonly ask: "usage" };

/** An instant, and what the process had spent until then. */
export interface EventMoment {
  readonly atMs: number;
  /** User and system time of the whole process, in ms. */
  readonly cpuMs: number;
}

export type EventReport =
  | { readonly done: EventMoment }
  /** Event number and instant: of the enqueuing, or of the end of its handler. */
  | { readonly times: readonly (readonly [number: number, atMs: number])[]; readonly repeated: number }
  | { readonly failed: string };

/** Rows per call when enqueuing in bulk. */
const chunkSize = 1_000;

/** Call once, at the start of the process. `open` connects and no more. */
export function runEventProcess(open: (databaseUrl: string) => Promise<EventSubject>): void {
  const opened = open(process.env["DATABASE_URL"] ?? "");
  const record = new HandledRecord();
  process.on("message", (order: EventOrder) => {
    opened
      .then((subject) => obey(subject, record, order))
      .then(
        (report) => process.send?.(report),
        (error: unknown) => process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies EventReport),
      );
  });
  process.on("disconnect", () => process.exit(0));
}

async function obey(subject: EventSubject, record: HandledRecord, order: EventOrder): Promise<EventReport> {
  switch (order.ask) {
    case "prepare":
      await subject.prepare();
      return { done: readMoment() };
    case "enqueue":
      await enqueue(subject, order);
      return { done: readMoment() };
    case "trickle":
      return { times: await trickle(subject, order), repeated: 0 };
    case "work": {
      const started = readMoment();
      await subject.work({ handler: order.handler, onHandled: (number) => record.add(number) });
      return { done: started };
    }
    case "until":
      return { done: await record.until(order.handled) };
    case "times":
      return { times: record.times, repeated: record.repeated };
    case "usage":
      return { done: readMoment() };
  }
}

async function enqueue(subject: EventSubject, { first, count }: { readonly first: number; readonly count: number }): Promise<void> {
  for (let done = 0; done < count; done += chunkSize) {
    const size = Math.min(chunkSize, count - done);
    await subject.enqueueMany(Array.from({ length: size }, (_, index) => createEvent(first + done + index)));
  }
}

interface Trickle {
  readonly first: number;
  readonly count: number;
  readonly everyMs: number;
}

/**
 * Told is the instant before the call: an event waits from when it was wanted, not from when it was in. The point in its
 * span wanders by the golden ratio, which falls in step with no timer that polls.
 */
async function trickle(subject: EventSubject, { first, count, everyMs }: Trickle): Promise<readonly (readonly [number, number])[]> {
  const times: (readonly [number, number])[] = [];
  const startMs = nowMs();
  for (let index = 0; index < count; index += 1) {
    const dueMs = startMs + (index + ((index * 0.618_034) % 1)) * everyMs;
    await pause(Math.max(0, dueMs - nowMs()));
    times.push([first + index, nowMs()]);
    await subject.enqueueOne(createEvent(first + index));
  }
  return times;
}

/** When each event was handled first, and how many were handled again. */
class HandledRecord {
  readonly #times = new Map<number, number>();
  #repeated = 0;
  #goal: { readonly handled: number; readonly reach: (moment: EventMoment) => void } | undefined;

  add(number: number): void {
    if (this.#times.has(number)) this.#repeated += 1;
    else this.#times.set(number, nowMs());
    if (this.#goal !== undefined && this.#times.size >= this.#goal.handled) {
      const { reach } = this.#goal;
      this.#goal = undefined;
      reach(readMoment());
    }
  }

  /** The instant at which so many had been handled; when they have been already, the present one. */
  async until(handled: number): Promise<EventMoment> {
    if (this.#times.size >= handled) return readMoment();
    return await new Promise((reach) => (this.#goal = { handled, reach }));
  }

  get times(): readonly (readonly [number, number])[] {
    return [...this.#times];
  }

  get repeated(): number {
    return this.#repeated;
  }
}

function readMoment(): EventMoment {
  const { user, system } = process.cpuUsage();
  return { atMs: nowMs(), cpuMs: (user + system) / 1_000 };
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
