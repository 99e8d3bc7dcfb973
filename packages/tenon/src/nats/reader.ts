/**
 * Reads the events of one service for another, for as long as the consumption lasts. Of all processes of the
 * subscribing service one reads at a time; a batch goes to the sink when everything before it is kept, and the cursor
 * moves when the sink has kept the batch. So the first copies that a sink keeps are in order, also when two processes
 * read at once for a while: each hands over unbroken runs that begin at the cursor.
 *
 * waiting for the connection → waiting for its turn → reading → (anything went wrong) → a pause → from the start
 */
import type { NatsConnection } from "@nats-io/transport-node";
import type { BrokerMessage, BrokerSink } from "../events/index.ts";
import { backoffMs, type Log } from "../kernel/index.ts";
import { pause } from "../node/index.ts";
import type { Client } from "./client.ts";
import { Cursor, CursorLost } from "./cursor.ts";
import { toUnavailable } from "./failures.ts";
import type { Link } from "./link.ts";
import type { Names } from "./names.ts";
import { toEventId } from "./publisher.ts";
import { Pull, type Pulled } from "./pull.ts";
import { isAtLeast, type Streams } from "./streams.ts";

/** From a hiccup of the database to an outage of it. */
const retry = { baseMs: 250, capMs: 10_000 };

export interface ReaderOptions {
  readonly emitter: string;
  readonly subscriber: string;
  readonly types: readonly string[];
  readonly sink: BrokerSink;
  readonly client: Client;
  readonly link: Link;
  readonly log: Log;
  readonly names: Names;
  readonly streamsOf: (connection: NatsConnection) => Promise<Streams>;
  readonly batchMax: number;
  readonly takeoverMs: number;
}

class SinkRejected extends Error {
  override readonly name = "SinkRejected";
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #typeBySubject: ReadonlyMap<string, string>;
  readonly #holder: string;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #failures = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#typeBySubject = new Map(options.types.map((type) => [options.names.eventSubject(options.emitter, type), type]));
    this.#holder = options.client.core.nuid.next();
    this.#running = this.#run(this.#closing.signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { link } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#session(await link.connection(signal), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        this.#tell(error);
        await pause(backoffMs(this.#failures, retry, Math.random), signal);
      }
    }
  }

  #tell(error: unknown): void {
    const { client, emitter, link, log, subscriber } = this.#options;
    const facts = { broker: link.label, from: emitter, for: subscriber, attempt: this.#failures };
    if (error instanceof SinkRejected) log.warn("events could not be kept, and come again", { ...facts, error: error.cause });
    else if (error instanceof CursorLost) log.info("another process reads the events on", facts);
    else log.warn("the reading of events was interrupted", { ...facts, reason: toUnavailable(error, link.label, client).message });
  }

  async #session(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const { client, emitter, names, streamsOf, subscriber, takeoverMs } = this.#options;
    const streams = await streamsOf(connection);
    try {
      await Promise.all([streams.cursors(), streams.othersEvents(emitter)]);
      const cursor = await Cursor.acquire({ connection, streams, client, names, emitter, subscriber, holder: this.#holder, takeoverMs }, signal);
      if (cursor === undefined) return;
      try {
        await this.#read({ connection, streams, cursor }, signal);
      } finally {
        await cursor.release();
      }
    } catch (error) {
      streams.forget();
      throw error;
    }
  }

  async #read(session: Session, signal: AbortSignal): Promise<void> {
    const { batchMax, takeoverMs } = this.#options;
    const { cursor } = session;
    await this.#assertSameStream(session);
    const pull = await this.#openPull(session);
    const stop = (): void => pull.fail(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const alive = setInterval(() => {
      cursor.touch();
      if (cursor.failure !== undefined) pull.fail(cursor.failure);
    }, takeoverMs / 3);
    try {
      while (!signal.aborted) {
        const batch = await pull.take(batchMax);
        await this.#hand(batch, cursor);
        this.#failures = 0;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(alive);
      signal.removeEventListener("abort", stop);
      await pull.close();
    }
  }

  async #hand(batch: readonly Pulled[], cursor: Cursor): Promise<void> {
    const { types, sink } = this.#options;
    const wanted = batch.filter((pulled) => this.#isNew(pulled, cursor)).map((pulled) => this.#toMessage(pulled));
    if (wanted.length > 0) {
      try {
        await sink(wanted);
      } catch (error) {
        throw new SinkRejected("the sink did not keep the events", { cause: error });
      }
    }
    const { message, sequence } = batch.at(-1) as Pulled;
    const kept = { ...cursor.place.kept };
    for (const type of types) kept[type] = Math.max(sequence, kept[type] ?? 0);
    if (sequence > cursor.place.last) cursor.move({ kept, last: sequence, lastId: message.headers?.get("Nats-Msg-Id") ?? "" });
    else cursor.move({ ...cursor.place, kept });
  }

  #isNew({ message, sequence }: Pulled, cursor: Cursor): boolean {
    const type = this.#typeBySubject.get(message.subject);
    return type !== undefined && sequence > (cursor.place.kept[type] ?? 0);
  }

  #toMessage({ message }: Pulled): BrokerMessage {
    const key = message.headers?.get("Tenon-Key") ?? "";
    return {
      id: toEventId(message.headers?.get("Nats-Msg-Id") ?? ""),
      service: this.#options.emitter,
      type: this.#typeBySubject.get(message.subject) ?? "",
      key: message.headers?.has("Tenon-Key") === true ? decodeURIComponent(key) : undefined,
      body: message.string(),
    };
  }

  async #openPull({ connection, streams, cursor }: Session): Promise<Pull> {
    const { batchMax, client, emitter, link, names, types } = this.#options;
    const { kept } = cursor.place;
    return Pull.open({
      connection,
      client,
      link,
      streams,
      stream: names.eventStream(emitter),
      // A type that was added to the subscription begins at the start; what the others have kept is passed over.
      fromSequence: Math.min(...types.map((type) => kept[type] ?? 0)) + 1,
      filters: this.#filters(connection),
      ahead: 2 * batchMax,
    });
  }

  /** Servers before 2.10 take one filter: all events come then, and the others are left out here. */
  #filters(connection: NatsConnection): readonly string[] {
    const subjects = [...this.#typeBySubject.keys()];
    const takesMany = isAtLeast(connection.info?.version ?? "", [2, 10, 0]);
    return subjects.length === 1 || takesMany ? subjects : [this.#options.names.allEventsOf(this.#options.emitter)];
  }

  /** A stream that was made anew, or lost its end in a power cut, gives its numbers out again: then all of it is read again. */
  async #assertSameStream({ streams, cursor }: Session): Promise<void> {
    const { emitter, log, names, subscriber } = this.#options;
    const { last, lastId } = cursor.place;
    if (last === 0) return;
    const stream = names.eventStream(emitter);
    const { state } = await streams.manager.streams.info(stream);
    const found = last > state.last_seq ? null : await streams.manager.streams.getMessage(stream, { seq: last });
    const isSame = found === null ? last <= state.last_seq : found.header.get("Nats-Msg-Id") === lastId;
    const facts = { stream, from: emitter, for: subscriber };
    if (!isSame) {
      log.warn("the stream is not the one that was read: it is read from its start", facts);
      cursor.reset();
    } else if (state.first_seq > last + 1) {
      log.error("events left the stream, by its age or size, before they were read", { ...facts, lost: state.first_seq - last - 1 });
    }
  }
}

interface Session {
  readonly connection: NatsConnection;
  readonly streams: Streams;
  readonly cursor: Cursor;
}
