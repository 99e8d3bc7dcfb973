/**
 * Reads the partitions that a process was given, until it is given others: a loop for each broker that leads some of
 * them. A batch of a partition is handed over when the one before it was kept, and its offset is committed after that.
 */
import type { Consumer } from "@platformatic/kafka";
import type { BrokerMessage } from "../events/index.ts";

/** How long a broker waits for events before it answers with none. */
const waitMs = 500;
/** Of one answer: some hundred events. */
const answerMaxBytes = 1_000_000;

export type KafkaConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>;

export interface Place {
  readonly topic: string;
  readonly partition: number;
  /** The next to read. */
  offset: bigint;
}

export interface Fetched {
  readonly place: Place;
  readonly message: BrokerMessage | undefined;
  readonly offset: bigint;
}

export interface PartitionReaderOptions {
  readonly consumer: KafkaConsumer;
  readonly places: readonly Place[];
  readonly topics: readonly string[];
  /** Whether to go on. */
  readonly isCurrent: () => boolean;
  readonly toMessage: (topic: string, record: FetchedRecord) => BrokerMessage | undefined;
  /** Keeps what it is given, or gives up because it is not current any more. In the order of calls. */
  readonly keep: (fetched: readonly Fetched[]) => Promise<void>;
}

export interface FetchedRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

/** Resolves when it is not current any more. @throws what the client met; the loops of all brokers have ended by then. */
export async function runPartitions(options: PartitionReaderOptions): Promise<void> {
  const { consumer, places, topics } = options;
  const metadata = await consumer.metadata({ topics: [...topics], forceUpdate: true });
  const byLeader = Map.groupBy(places, ({ topic, partition }) => metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1);
  const topicIds = new Map([...metadata.topics].map(([name, { id }]) => [name, id]));
  let hasFailed = false;
  const isCurrent = (): boolean => !hasFailed && options.isCurrent();
  const loops = [...byLeader].map(async ([node, led]) => {
    try {
      while (isCurrent()) await fetchOnce({ ...options, isCurrent }, { node, led, topicIds });
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  });
  const failed = (await Promise.allSettled(loops)).find((loop) => loop.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

interface Led {
  readonly node: number;
  readonly led: readonly Place[];
  readonly topicIds: ReadonlyMap<string, string>;
}

async function fetchOnce(options: PartitionReaderOptions, { node, led, topicIds }: Led): Promise<void> {
  const { consumer, isCurrent, keep, toMessage } = options;
  const topics = [...Map.groupBy(led, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topicId: topicIds.get(topic) ?? "",
    partitions: ofTopic.map(({ partition, offset }) => ({ partition, fetchOffset: offset, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: answerMaxBytes })),
  }));
  const response = await consumer.fetch({ node, topics, maxWaitTime: waitMs, minBytes: 1, maxBytes: answerMaxBytes });
  const fetched: Fetched[] = [];
  for (const answer of response.responses) {
    for (const { partitionIndex, records } of answer.partitions) {
      const place = led.find(({ topic, partition }) => topicIds.get(topic) === answer.topicId && partition === partitionIndex);
      if (place === undefined) continue;
      for (const batch of records ?? []) {
        const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
        // A batch may begin before what was asked for. Control batches, of transactions, hold no events.
        const isControl = (batch.attributes & 0x20) !== 0;
        for (const record of isControl ? [] : batch.records) {
          const offset = batch.firstOffset + BigInt(record.offsetDelta);
          if (offset >= place.offset) fetched.push({ place, offset, message: toMessage(place.topic, record) });
        }
        if (isControl && last >= place.offset) fetched.push({ place, offset: last, message: undefined });
      }
    }
  }
  if (fetched.length > 0 && isCurrent()) await keep(fetched);
}
