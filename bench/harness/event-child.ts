/** A subject of the scenario `events` as a process of its own, to enqueue or to handle. */
import { fileURLToPath } from "node:url";
import type { EventMoment, EventOrder, EventReport } from "../subjects/events/event-process.ts";
import type { EventHandler } from "../subjects/events/event-subject.ts";
import type { Bench, Subject } from "./bench.ts";
import { type Child, ChildFailed } from "./children.ts";
import { onCore } from "./cores.ts";
import type { ServerDatabase } from "./database.ts";
import { subjectFlags } from "./subject-process.ts";

/** From the start of the process to its first answer, migrations included. */
const startTimeoutMs = 30_000;
const answerTimeoutMs = 10_000;
/** A million rows, with room. */
const enqueueTimeoutMs = 600_000;

export type EventTimes = ReadonlyMap<number, number>;

export interface EventChildOptions {
  readonly subject: Subject;
  readonly bench: Bench;
  readonly database: ServerDatabase;
}

export class EventChild {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** On the core of the load. */
  static toEnqueue(options: EventChildOptions): EventChild {
    return new EventChild(spawn(options, options.bench.cores.load));
  }

  /** On the core of the server. */
  static toHandle(options: EventChildOptions): EventChild {
    return new EventChild(spawn(options, options.bench.cores.server));
  }

  async prepare(): Promise<void> {
    await this.#askMoment({ ask: "prepare" }, startTimeoutMs);
  }

  async enqueue(first: number, count: number): Promise<void> {
    await this.#askMoment({ ask: "enqueue", first, count }, enqueueTimeoutMs);
  }

  /** Enqueues one at a time, and gives the instants at which each was wanted. */
  async trickle(first: number, count: number, everyMs: number): Promise<EventTimes> {
    const report = await this.#ask({ ask: "trickle", first, count, everyMs }, count * everyMs + answerTimeoutMs);
    if (!("times" in report)) throw new ChildFailed(`${this.#child.name} answered out of turn`);
    return new Map(report.times);
  }

  /** Starts to handle. The instant is the one before. */
  work(handler: EventHandler): Promise<EventMoment> {
    return this.#askMoment({ ask: "work", handler }, startTimeoutMs);
  }

  /** The instant at which so many different events had been handled. @throws {ChildFailed} they were not, in time. */
  async until(handled: number, timeoutMs: number): Promise<EventMoment> {
    return this.#askMoment({ ask: "until", handled }, timeoutMs);
  }

  /** When each event was handled. @throws {ChildFailed} one was handled twice, with nobody killed. */
  async readTimes(): Promise<EventTimes> {
    const report = await this.#ask({ ask: "times" }, answerTimeoutMs);
    if (!("times" in report)) throw new ChildFailed(`${this.#child.name} answered out of turn`);
    if (report.repeated > 0) throw new ChildFailed(`${this.#child.name} handled ${report.repeated} events again`);
    return new Map(report.times);
  }

  /** Connects if it has not yet: the answer comes after the tool is open. */
  readUsage(): Promise<EventMoment> {
    return this.#askMoment({ ask: "usage" }, startTimeoutMs);
  }

  end(): Promise<void> {
    return this.#child.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.end();
  }

  async #askMoment(order: EventOrder, timeoutMs: number): Promise<EventMoment> {
    const report = await this.#ask(order, timeoutMs);
    if (!("done" in report)) throw new ChildFailed(`${this.#child.name} answered out of turn`);
    return report.done;
  }

  async #ask(order: EventOrder, timeoutMs: number): Promise<EventReport> {
    const report = await this.#child.ask<EventReport>(order, timeoutMs);
    if ("failed" in report) throw new ChildFailed(`${this.#child.name}: ${report.failed}`);
    return report;
  }
}

function spawn({ subject, bench, database }: EventChildOptions, core: number | undefined): Child {
  const file = fileURLToPath(new URL(`../${subject.file}`, import.meta.url));
  const env = { ...subject.env, DATABASE_URL: database.url };
  return bench.children.spawn(subject.name, onCore(core, [process.execPath, ...subjectFlags, file]), { env });
}
