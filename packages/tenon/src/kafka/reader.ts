/**
 * Reads for one subscribing service, as a member of its consumer group, for as long as the consumption lasts.
 *
 * joining → reading the partitions it was given → (others were given) → reading those → (anything went wrong) → a pause
 * → joining. After each change it begins at what the group has committed, and never at what it has read itself: a
 * partition that went away and came back was read on by somebody else.
 */
import type { BrokerGroup, BrokerMessage, BrokerSink } from "../events/index.ts";
import { backoffMs, type Log } from "../kernel/index.ts";
import { pause } from "../node/index.ts";
import type { Client } from "./client.ts";
import { toFault } from "./failures.ts";
import { type Fetched, type FetchedRecord, type KafkaConsumer, type Place, runPartitions } from "./partition-reader.ts";
import type { Topics } from "./topics.ts";

/** From a hiccup of the database to an outage of it. */
const retry = { baseMs: 250, capMs: 10_000 };
/** A member that leaves says so; one that cannot is found out by the group. */
const leaveMaxMs = 3_000;
/** Between two looks whether partitions have come, where there are none. */
const idleMs = 100;

export interface ReaderOptions {
  readonly group: BrokerGroup;
  readonly sink: BrokerSink;
  readonly client: Client;
  readonly log: Log;
  readonly label: string;
  readonly topics: Topics;
  readonly topicOf: (service: string) => string;
  readonly openConsumer: (groupId: string) => KafkaConsumer;
  readonly batchMax: number;
  readonly takeoverMs: number;
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #serviceByTopic: ReadonlyMap<string, string>;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #keeping: Promise<unknown> = Promise.resolve();
  #failures = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const wanted = [...options.group.types].filter(([, types]) => types.length > 0).map(([service]) => service);
    this.#serviceByTopic = new Map(wanted.map((service) => [options.topicOf(service), service]));
    this.#running = wanted.length === 0 ? Promise.resolve() : this.#run(this.#closing.signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { group, label, log, topics } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#session(signal);
      } catch (error) {
        if (signal.aborted) return;
        topics.forget();
        this.#failures += 1;
        log.warn("the reading of events was interrupted", { broker: label, for: group.service, attempt: this.#failures, reason: toFault(error, label).message });
        await pause(backoffMs(this.#failures, retry, Math.random), signal);
      }
    }
  }

  /** One membership in the group. */
  async #session(signal: AbortSignal): Promise<void> {
    const { group, openConsumer, takeoverMs, topics } = this.#options;
    const names = [...this.#serviceByTopic.keys()];
    for (const topic of names) await topics.ensure(topic);
    const consumer = openConsumer(group.service);
    let generation = 0;
    consumer.on("consumer:group:join", () => generation++);
    // Told of a member that could not join again, which is one no longer. Unheard, it would end the process.
    const failures: Error[] = [];
    consumer.on("error", (error: Error) => failures.push(error));
    try {
      for (const topic of names) consumer.topics.track(topic);
      await consumer.joinGroup({ sessionTimeout: takeoverMs, heartbeatInterval: Math.ceil(takeoverMs / 5), rebalanceTimeout: Math.max(takeoverMs, 10_000) });
      while (!signal.aborted) {
        const joined = generation;
        const isCurrent = (): boolean => !signal.aborted && failures.length === 0 && generation === joined && consumer.isActive();
        await this.#readAssigned(consumer, isCurrent);
        if (failures[0] !== undefined) throw failures[0];
        if (!consumer.isActive() || generation === joined) await pause(idleMs, signal);
      }
    } finally {
      const left = new AbortController();
      const leaving = consumer.close(true).then(() => left.abort(), () => left.abort());
      await Promise.race([leaving, pause(leaveMaxMs, left.signal)]);
    }
  }

  async #readAssigned(consumer: KafkaConsumer, isCurrent: () => boolean): Promise<void> {
    if (!isCurrent()) return;
    const places = await this.#places(consumer);
    if (places.length === 0 || !isCurrent()) return;
    await runPartitions({
      consumer,
      places,
      topics: [...this.#serviceByTopic.keys()],
      isCurrent,
      toMessage: (topic, record) => this.#toMessage(topic, record),
      keep: (fetched) => this.#keepInTurn(fetched, consumer, isCurrent),
    });
  }

  /** Where the group is in each partition that this process was given. */
  async #places(consumer: KafkaConsumer): Promise<readonly Place[]> {
    const assigned = (consumer.assignments ?? []).filter(({ partitions }) => partitions.length > 0);
    if (assigned.length === 0) return [];
    const committed = await consumer.listCommittedOffsets({ topics: assigned });
    const places = assigned.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition, offset: committed.get(topic)?.[partition] ?? -1n })));
    return Promise.all(places.map((place) => this.#inRange(consumer, place)));
  }

  /** A place that the topic still has: events age out, and a topic that was made anew counts from 0 again. */
  async #inRange(consumer: KafkaConsumer, place: Place): Promise<Place> {
    const { group, log } = this.#options;
    const { topic, partition, offset } = place;
    const look = async (timestamp: bigint): Promise<bigint> => (await consumer.listOffsets({ topics: [topic], partitions: { [topic]: [partition] }, timestamp })).get(topic)?.[partition] ?? 0n;
    const [first, next] = [await look(-2n), await look(-1n)];
    if (offset >= first && offset <= next) return place;
    const facts = { topic, partition, for: group.service };
    if (offset >= 0n && offset < first) log.error("events left the topic, by its age or size, before they were read", { ...facts, lost: Number(first - offset) });
    else if (offset > next) log.warn("the topic is not the one that was read: it is read from its start", facts);
    return { ...place, offset: first };
  }

  /** The sink sees one batch at a time, whichever broker they come from. */
  #keepInTurn(fetched: readonly Fetched[], consumer: KafkaConsumer, isCurrent: () => boolean): Promise<void> {
    const turn = this.#keeping.then(async () => {
      for (let at = 0; at < fetched.length && isCurrent(); at += this.#options.batchMax) {
        await this.#keep(fetched.slice(at, at + this.#options.batchMax), consumer, isCurrent);
      }
    });
    this.#keeping = turn.catch(() => undefined);
    return turn;
  }

  /** Until the sink has kept it: nothing later of these partitions comes before that. */
  async #keep(batch: readonly Fetched[], consumer: KafkaConsumer, isCurrent: () => boolean): Promise<void> {
    const { group, label, log, sink } = this.#options;
    const messages = batch.flatMap(({ message }) => (message === undefined ? [] : [message]));
    for (let attempt = 1; messages.length > 0; attempt++) {
      try {
        await sink(messages);
        break;
      } catch (error) {
        log.warn("events could not be kept, and come again", { broker: label, for: group.service, attempt, error });
        await pause(backoffMs(attempt, retry, Math.random), this.#closing.signal);
        if (!isCurrent()) return;
      }
    }
    const reached = new Map<Place, bigint>();
    for (const { place, offset } of batch) reached.set(place, offset + 1n);
    for (const [place, offset] of reached) place.offset = offset;
    this.#failures = 0;
    await consumer.commit({ offsets: [...reached.keys()].map(({ topic, partition, offset }) => ({ topic, partition, offset, leaderEpoch: -1 })) });
  }

  #toMessage(topic: string, { key, value, headers }: FetchedRecord): BrokerMessage | undefined {
    const service = this.#serviceByTopic.get(topic) ?? "";
    const read = (name: string): string => headers.find(([header]) => header?.toString() === name)?.[1]?.toString() ?? "";
    const type = read("tenon-type");
    if (this.#options.group.types.get(service)?.includes(type) !== true) return undefined;
    return { id: read("tenon-id"), service, type, key: key === null ? undefined : key.toString(), body: value?.toString() ?? "" };
  }
}
