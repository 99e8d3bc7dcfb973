/**
 * Publishes in order: events of a key go to one partition, and what goes to a partition in one request is kept whole or
 * not at all. The requests of a batch follow one another, so a later event of a key is never kept before an earlier one
 * by a failure in between; after it, the same events are published again, and some are there twice.
 */
import type { Producer } from "@platformatic/kafka";
import type { BrokerMessage } from "../events/index.ts";
import { Fault } from "../kernel/index.ts";
import type { Client } from "./client.ts";
import { toFault } from "./failures.ts";
import type { Topics } from "./topics.ts";

/** Bytes in one request: brokers take batches of 1 MiB (`message.max.bytes`), headers and framing included. */
const requestMaxBytes = 700_000;
/** Headers and framing of one event, at most. */
const overheadBytes = 300;

export interface PublisherOptions {
  readonly client: Client;
  readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>;
  readonly topics: Topics;
  readonly topicOf: (service: string) => string;
  readonly label: string;
  readonly publishTimeoutMs: number;
}

type Record = ReturnType<Publisher["toRecord"]>;

export class Publisher {
  readonly #options: PublisherOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** One batch after the other. @throws {Fault} `unavailable`, `payload_too_large` */
  publish(messages: readonly BrokerMessage[]): Promise<void> {
    const turn = this.#turn.then(() => this.#publish(messages));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #publish(messages: readonly BrokerMessage[]): Promise<void> {
    const { label, publishTimeoutMs, topicOf, topics } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Fault("unavailable", "Kafka did not answer in time", { facts: { broker: label }, retryAfterS: 1 })), publishTimeoutMs);
    late.catch(() => undefined);
    try {
      for (const service of new Set(messages.map((message) => message.service))) await Promise.race([topics.ensure(topicOf(service)), late]);
      for (const records of this.#requests(messages)) await Promise.race([this.#options.producer.send({ messages: [...records] }), late]);
    } catch (error) {
      topics.forget();
      throw toFault(error, label);
    } finally {
      clearTimeout(timer);
    }
  }

  *#requests(messages: readonly BrokerMessage[]): Generator<readonly Record[]> {
    let records: Record[] = [];
    let bytes = 0;
    for (const message of messages) {
      const record = this.toRecord(message);
      const size = record.value.length + (record.key?.length ?? 0) + overheadBytes;
      if (records.length > 0 && bytes + size > requestMaxBytes) {
        yield records;
        records = [];
        bytes = 0;
      }
      records.push(record);
      bytes += size;
    }
    if (records.length > 0) yield records;
  }

  /** https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/kafka-protocol-binding.md, structured mode. */
  toRecord({ id, service, type, key, body }: BrokerMessage) {
    const headers = new Map([
      ["content-type", "application/cloudevents+json"],
      ["tenon-id", id],
      ["tenon-type", type],
    ].map(([name = "", value = ""]) => [Buffer.from(name), Buffer.from(value)] as const));
    const keyBytes = key === undefined ? undefined : Buffer.from(key);
    return {
      topic: this.#options.topicOf(service),
      value: Buffer.from(body),
      headers,
      // As Java's clients choose it. Without a key by the id, so that a repeat goes where the first went.
      partition: this.#options.client.compatibilityPartitioner(undefined as never, keyBytes ?? Buffer.from(id)),
      ...(keyBytes === undefined ? {} : { key: keyBytes }),
    };
  }
}
