/**
 * How far one service has read the events of another, and which of its processes reads: one small message on the
 * server, which is only ever replaced by whoever knows the last one (compare and set).
 *
 * The holder writes it at each step and at least every third of `takeoverMs`. Whoever waits watches the number of the
 * message, by its own clock: one that has not moved for `takeoverMs` belongs to a process that is gone. A holder that
 * was merely slow loses by that, and nothing breaks: what both hand to the sink begins where everything before is kept.
 */
import type { JetStreamClient } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { Fault } from "../kernel/index.ts";
import { pause } from "../node/index.ts";
import type { Client } from "./client.ts";
import type { Names } from "./names.ts";
import type { Streams } from "./streams.ts";

/** "wrong last sequence", and the same from a cluster that has another write under way. */
const wrongSequences = [10_071, 10_164];
/** Looks at the cursor of another, for each `takeoverMs`. */
const looksPerTakeover = 4;

/** What is written. */
export interface Place {
  /** Who reads; empty: nobody. */
  readonly holder: string;
  /** The last message of the stream that was kept or passed over, by the type of event: one that was added later has its own. */
  readonly kept: Readonly<Record<string, number>>;
  /** The largest of them, and the id of that message: whether the stream is still the one that was read. */
  readonly last: number;
  readonly lastId: string;
}

const nowhere: Place = { holder: "", kept: {}, last: 0, lastId: "" };

export interface CursorOptions {
  readonly connection: NatsConnection;
  readonly streams: Streams;
  readonly client: Client;
  readonly names: Names;
  readonly emitter: string;
  readonly subscriber: string;
  /** Of this process. */
  readonly holder: string;
  readonly takeoverMs: number;
}

export class CursorLost extends Error {
  override readonly name = "CursorLost";
  constructor() {
    super("another process of the service reads on from here");
  }
}

export class Cursor {
  readonly #options: CursorOptions;
  readonly #jetstream: JetStreamClient;
  readonly #subject: string;
  #place: Place = nowhere;
  #revision = 0;
  #isDirty = false;
  #writing: Promise<void> | undefined = undefined;
  #failure: Error | undefined = undefined;

  private constructor(options: CursorOptions) {
    this.#options = options;
    this.#jetstream = options.client.jetstream.jetstream(options.connection);
    this.#subject = options.names.cursorSubject(options.emitter, options.subscriber);
  }

  /** Waits for its turn. `undefined` when `signal` was aborted before. */
  static async acquire(options: CursorOptions, signal: AbortSignal): Promise<Cursor | undefined> {
    const cursor = new Cursor(options);
    let movedAtMs = performance.now();
    while (!signal.aborted) {
      if (await cursor.#look()) movedAtMs = performance.now();
      const isFree = cursor.#place.holder === "" || cursor.#place.holder === options.holder;
      if (isFree || performance.now() - movedAtMs >= options.takeoverMs) {
        if (await cursor.#take()) return cursor;
        continue;
      }
      await pause(options.takeoverMs / looksPerTakeover, signal);
    }
    return undefined;
  }

  get place(): Place {
    return this.#place;
  }

  /** From the start of the stream again. */
  reset(): void {
    this.#place = { ...nowhere, holder: this.#options.holder };
  }

  /** Notes a step, and writes it while the next one is made: at most one write is under way. @throws what the last write met. */
  move(to: Pick<Place, "kept" | "last" | "lastId">): void {
    this.#place = { ...this.#place, ...to };
    this.touch();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Shows that the holder is alive. */
  touch(): void {
    if (this.#failure !== undefined) return;
    this.#isDirty = true;
    this.#writing ??= this.#write().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new CursorLost();
    });
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Lets the next process go on at once. Never rejects: without it, that process waits for `takeoverMs`. */
  async release(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined || this.#options.connection.isClosed()) return;
    this.#place = { ...this.#place, holder: "" };
    this.#isDirty = true;
    await this.#write().catch(() => undefined);
  }

  async #write(): Promise<void> {
    try {
      while (this.#isDirty) {
        this.#isDirty = false;
        await this.#set(this.#place);
      }
    } finally {
      this.#writing = undefined;
    }
  }

  /** Reads what is there. True when it moved since the last look. */
  async #look(): Promise<boolean> {
    const { names, streams } = this.#options;
    const message = await streams.manager.streams.getMessage(names.cursorStream, { last_by_subj: this.#subject });
    const revision = message?.seq ?? 0;
    if (revision === this.#revision) return false;
    this.#revision = revision;
    this.#place = message === null ? nowhere : toPlace(message.json());
    return true;
  }

  async #take(): Promise<boolean> {
    const { client, holder } = this.#options;
    const mine = { ...this.#place, holder };
    try {
      await this.#set(mine);
    } catch (error) {
      if (error instanceof CursorLost) return false;
      // The write may have arrived, and only its answer not: a look tells.
      if (error instanceof client.core.TimeoutError) return false;
      throw error;
    }
    this.#place = mine;
    return true;
  }

  async #set(place: Place): Promise<void> {
    const { client } = this.#options;
    try {
      const { seq } = await this.#jetstream.publish(this.#subject, JSON.stringify(place), { expect: { lastSubjectSequence: this.#revision } });
      this.#revision = seq;
    } catch (error) {
      const isLost = error instanceof client.jetstream.JetStreamApiError && wrongSequences.includes(error.code);
      throw isLost ? new CursorLost() : error;
    }
  }
}

function toPlace(value: unknown): Place {
  const { holder, kept, last, lastId } = value as Partial<Place>;
  if (typeof holder !== "string" || typeof kept !== "object" || typeof last !== "number" || typeof lastId !== "string") {
    throw new Fault("unavailable", "the cursor on NATS was written by something else: delete it to read from the start");
  }
  return { holder, kept, last, lastId };
}
