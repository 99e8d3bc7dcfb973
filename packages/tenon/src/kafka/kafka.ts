/**
 * Events over Kafka: a topic for each service that emits, a partition by key, a consumer group for each service that
 * subscribes, whose offsets are committed after the sink has kept a batch.
 *
 * What it does not promise:
 * - It was tested against librdkafka's mock of a cluster, which does not make topics on request, elects no leaders and
 *   forgets everything when it ends. What real brokers do when they die is Kafka's promise (`acks=all`, which is asked
 *   for, and `min.insync.replicas`, which is the operator's).
 * - Order is per key and partition. Events without a key have none. When partitions are added to a topic, keys move, and
 *   an event may come before an older one of its key that still lies in the old partition.
 * - Duplicates arrive: after each failure of a publish, and after each change of the group. The sink has to know the
 *   ids it has kept; Kafka drops none by id.
 * - Events leave the topic after its `retention.ms`. A service that was away for longer has missed some; the log says so.
 * - A type that is added to a subscription comes from where the group is by then: events of it that older processes of the
 *   service have passed over are not read again.
 * - A topic that was deleted and made again, and is longer than the old one by the time it is read, is not noticed.
 */
import type { Admin, Producer } from "@platformatic/kafka";
import type { Broker, BrokerGroup, BrokerMessage, BrokerSink, Consumption } from "../events/index.ts";
import { Fault, type Log } from "../kernel/index.ts";
import { type Client, loadClient } from "./client.ts";
import type { KafkaConsumer } from "./partition-reader.ts";
import { Publisher } from "./publisher.ts";
import { Reader } from "./reader.ts";
import { Topics } from "./topics.ts";

export interface KafkaLogin {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

export interface KafkaOptions {
  /** `host:9092`, several with commas between. */
  readonly brokers: string;
  readonly log: Log;
  /** Before the names of topics and groups. Default `tenon`. */
  readonly prefix?: string;
  readonly login?: KafkaLogin;
  /** Options of Node's `tls.connect`; `{}` for TLS with the system's authorities. Default: none, the line is plain. */
  readonly tls?: Readonly<Record<string, unknown>>;
  /** Of a topic that is made: how many processes of a service can read at once. Default 6; it cannot be changed without a break of the order. */
  readonly partitions?: number;
  /** Of a topic that is made. Default -1: as many as the cluster gives by itself. */
  readonly replicas?: number;
  /** Of a topic that is made: how long events stay. Default 7 days: a service that is away over a long weekend misses nothing. */
  readonly maxAgeMs?: number;
  /** How long `publish` tries before it gives up. Default 10 000 ms: a leader that died is replaced by then. */
  readonly publishTimeoutMs?: number;
  /** How long the client goes by what it knows of topics and their leaders. Default 300 000 ms: an error makes it ask at once anyway. */
  readonly metadataMaxAgeMs?: number;
  /** Messages given to the sink at once, at most. Default 500: a transaction of some 10 ms. */
  readonly batchMax?: number;
  /** After how long the group gives the partitions of a process that is gone to others. Default 10 000 ms; brokers take no less than 6 000. */
  readonly takeoverMs?: number;
}

/** How long one request may take. */
const requestTimeoutMs = 5_000;
/** The same for a member of a group: to join one waits until the other members have heard of it. */
const memberTimeoutMs = 30_000;
/** Of one request, by the client; whoever called tries again after that. */
const retries = 2;

/**
 * Connects at first use: a cluster that is away makes `publish` fail, not the start.
 *
 * @throws {Fault} `invalid_argument` for brokers or a prefix that cannot be read, `unimplemented` without the client's package.
 */
export async function openKafka(options: KafkaOptions): Promise<Broker> {
  const brokers = options.brokers.split(",").map((part) => part.trim());
  for (const broker of brokers) {
    if (!/^[\w.[\]:-]+:\d{1,5}$/.test(broker)) throw new Fault("invalid_argument", "the brokers of Kafka cannot be read: host:9092, several with commas between");
  }
  const prefix = options.prefix ?? "tenon";
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(prefix)) throw new Fault("invalid_argument", `"${prefix}" cannot be a prefix on Kafka: lower-case letters, digits and -, starting with a letter, 41 at most`);
  return new KafkaBroker(await loadClient(), { options, brokers, prefix });
}

interface Settings {
  readonly options: KafkaOptions;
  readonly brokers: readonly string[];
  readonly prefix: string;
}

class KafkaBroker implements Broker {
  readonly label: string;
  readonly #client: Client;
  readonly #settings: Settings;
  readonly #admin: Admin;
  readonly #producer: Producer<Buffer, Buffer, Buffer, Buffer>;
  readonly #topics: Topics;
  readonly #publisher: Publisher;
  readonly #readers = new Set<Reader>();
  #isClosed = false;

  constructor(client: Client, settings: Settings) {
    const { brokers, options } = settings;
    this.label = `kafka ${brokers.join(",")}`;
    this.#client = client;
    this.#settings = settings;
    this.#admin = new client.Admin(this.#base());
    // The client would ask for the producer 0 of epoch 0 to go on; -1 asks for a new one.
    this.#producer = new client.Producer({ ...this.#base(), idempotent: true, acks: -1, producerId: -1n, producerEpoch: -1, repeatOnStaleMetadata: true });
    // What goes wrong is told to whoever asked; an event that nobody hears would end the process besides.
    for (const each of [this.#admin, this.#producer]) each.on("error", () => undefined);
    this.#topics = new Topics(this.#admin, { partitions: options.partitions ?? 6, replicas: options.replicas ?? -1, maxAgeMs: options.maxAgeMs ?? 7 * 86_400_000 });
    this.#publisher = new Publisher({
      client,
      producer: this.#producer,
      topics: this.#topics,
      topicOf: (service) => this.#topicOf(service),
      label: this.label,
      publishTimeoutMs: options.publishTimeoutMs ?? 10_000,
    });
  }

  async publish(messages: readonly BrokerMessage[]): Promise<void> {
    this.#assertOpen();
    await this.#publisher.publish(messages);
  }

  async consume(group: BrokerGroup, sink: BrokerSink): Promise<Consumption> {
    this.#assertOpen();
    const { log, batchMax, takeoverMs } = this.#settings.options;
    const reader = new Reader({
      group,
      sink,
      client: this.#client,
      log,
      label: this.label,
      topics: this.#topics,
      topicOf: (service) => this.#topicOf(service),
      openConsumer: (groupId) => this.#openConsumer(groupId),
      batchMax: batchMax ?? 500,
      takeoverMs: takeoverMs ?? 10_000,
    });
    this.#readers.add(reader);
    return {
      close: async () => {
        await reader.close();
        this.#readers.delete(reader);
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#readers].map((reader) => reader.close()));
    await Promise.allSettled([this.#producer.close(true), this.#admin.close()]);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Fault("unavailable", "the broker is closed");
  }

  #topicOf(service: string): string {
    return `${this.#settings.prefix}.events.${service}`;
  }

  #openConsumer(service: string): KafkaConsumer {
    return new this.#client.Consumer({ ...this.#base(), timeout: memberTimeoutMs, groupId: `${this.#settings.prefix}.${service}`, autocommit: false });
  }

  #base() {
    const { brokers, options } = this.#settings;
    return {
      clientId: "tenon",
      bootstrapBrokers: [...brokers],
      timeout: requestTimeoutMs,
      retries,
      retryDelay: 200,
      metadataMaxAge: options.metadataMaxAgeMs ?? 300_000,
      ...(options.login === undefined ? {} : { sasl: { ...options.login } }),
      ...(options.tls === undefined ? {} : { tls: { ...options.tls } }),
    };
  }
}
