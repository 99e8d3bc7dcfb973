/**
 * Events over NATS JetStream, from server 2.9 on.
 *
 * Publishing: a stream on disk for each service that emits. `publish` resolves when the server has acknowledged every
 * message, and keeps their order through failures of every part (`publisher.ts`). Reading: one process of a
 * subscribing service at a time, from a cursor that moves after the sink has kept a batch (`reader.ts`). That takes
 * the place of a durable consumer with acknowledgments, because the server gives what was not acknowledged out again
 * behind what is new, and to any process: it keeps no order through a failure.
 *
 * What it does not promise:
 * - A server acknowledges before it syncs to disk (`sync_interval`, 2 minutes). Killed, it loses nothing; a power cut
 *   may take acknowledged events, unless there are `replicas`, or the server is set to `sync_interval: always`.
 * - A cluster of servers before 2.10.23 may lose what it has acknowledged when one of them restarts: in one of ten such
 *   rounds under load its replicas differed by the last events of a batch (2.9.10). With `replicas` the log says so.
 * - Events leave the stream after `maxAgeMs`, read or not. A service that was away for longer has missed some; the log
 *   says so.
 * - Duplicates arrive: the server drops those of the last minutes only. The sink has to know the ids it has kept.
 * - One process of a service reads what another service emits; more of them do not make it faster, only safer.
 * - An event of more than the server's `max_payload` (1 MiB) is refused.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import type { Broker, BrokerGroup, BrokerMessage, BrokerSink, Consumption } from "../events/index.ts";
import { Fault, type Log } from "../kernel/index.ts";
import { type Client, loadClient } from "./client.ts";
import { Link, type NatsTarget, parseNatsUrl } from "./link.ts";
import { Names } from "./names.ts";
import { Publisher } from "./publisher.ts";
import { Reader } from "./reader.ts";
import { isAtLeast, type StreamLimits, Streams } from "./streams.ts";

export interface NatsOptions {
  /** `nats://user:password@host:4222`, `nats://token@host`, `tls://host`; several servers of a cluster with commas between. */
  readonly url: string;
  readonly log: Log;
  /** Before every name on the server. Default `tenon`; apps that share a server and not their events have one each. */
  readonly prefix?: string;
  /** How long `publish` tries before it gives up. Default 5 000 ms: a server that restarts is back by then. */
  readonly publishTimeoutMs?: number;
  /** How long events stay, read or not. Default 7 days: a service that is away over a long weekend misses nothing. */
  readonly maxAgeMs?: number;
  /** The size of a service's stream; a full one refuses. Default -1, no bound but the server's: a bound is reserved at once. From server 2.10.5 on. */
  readonly maxBytes?: number;
  /** How long the server remembers ids. Default 120 000 ms, its own default: about 100 bytes of its memory for each event. */
  readonly duplicateWindowMs?: number;
  /** Servers of a cluster that keep each stream: 1, 3 or 5. Default 1, which is all that a single server can do. */
  readonly replicas?: number;
  /** Messages given to the sink at once, at most. Default 500: a transaction of some 10 ms. */
  readonly batchMax?: number;
  /** After how long another process reads on in place of one that is gone. Default 10 000 ms: longer than a pause for garbage. */
  readonly takeoverMs?: number;
}

/**
 * Connects in the background and for ever: a server that is away makes `publish` fail, not the start.
 *
 * @throws {Fault} `invalid_argument` for a URL or prefix that cannot be read, `unimplemented` without the client's packages.
 */
export async function openNats(options: NatsOptions): Promise<Broker> {
  const target = parseNatsUrl(options.url);
  const names = new Names(options.prefix ?? "tenon");
  return new NatsBroker({ options, target, names, client: await loadClient() });
}

interface Parts {
  readonly options: NatsOptions;
  readonly target: NatsTarget;
  readonly names: Names;
  readonly client: Client;
}

class NatsBroker implements Broker {
  readonly label: string;
  readonly #options: NatsOptions;
  readonly #names: Names;
  readonly #client: Client;
  readonly #link: Link;
  readonly #limits: StreamLimits;
  readonly #publishers = new Map<string, Publisher>();
  readonly #readers = new Set<Reader>();
  readonly #streams = new WeakMap<NatsConnection, Promise<Streams>>();
  #isClosed = false;
  #hasWarned = false;

  constructor({ options, target, names, client }: Parts) {
    this.label = target.label;
    this.#options = options;
    this.#names = names;
    this.#client = client;
    this.#link = new Link({ target, client, log: options.log });
    this.#limits = {
      maxAgeMs: options.maxAgeMs ?? 7 * 86_400_000,
      maxBytes: options.maxBytes ?? -1,
      duplicateWindowMs: options.duplicateWindowMs ?? 120_000,
      replicas: options.replicas ?? 1,
    };
  }

  async publish(messages: readonly BrokerMessage[]): Promise<void> {
    this.#assertOpen();
    for (const [service, ofService] of Map.groupBy(messages, (message) => message.service)) {
      await this.#publisherOf(service).publish(ofService);
    }
  }

  async consume(group: BrokerGroup, sink: BrokerSink): Promise<Consumption> {
    this.#assertOpen();
    const readers = [...group.types].filter(([, types]) => types.length > 0).map(([emitter, types]) => this.#openReader({ group, emitter, types, sink }));
    return {
      close: async () => {
        await Promise.all(readers.map((reader) => reader.close()));
        for (const reader of readers) this.#readers.delete(reader);
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#readers].map((reader) => reader.close()));
    await this.#link.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Fault("unavailable", "the broker is closed");
  }

  #publisherOf(service: string): Publisher {
    let publisher = this.#publishers.get(service);
    if (publisher === undefined) {
      publisher = new Publisher({
        service,
        client: this.#client,
        link: this.#link,
        names: this.#names,
        publishTimeoutMs: this.#options.publishTimeoutMs ?? 5_000,
        streamsOf: (connection) => this.#streamsOf(connection),
      });
      this.#publishers.set(service, publisher);
    }
    return publisher;
  }

  #openReader({ group, emitter, types, sink }: Subscription): Reader {
    const reader = new Reader({
      emitter,
      subscriber: group.service,
      types,
      sink,
      client: this.#client,
      link: this.#link,
      log: this.#options.log,
      names: this.#names,
      streamsOf: (connection) => this.#streamsOf(connection),
      batchMax: this.#options.batchMax ?? 500,
      takeoverMs: this.#options.takeoverMs ?? 10_000,
    });
    this.#readers.add(reader);
    return reader;
  }

  #streamsOf(connection: NatsConnection): Promise<Streams> {
    let streams = this.#streams.get(connection);
    if (streams === undefined) {
      streams = Streams.open(connection, { client: this.#client, names: this.#names, limits: this.#limits });
      this.#streams.set(connection, streams);
      this.#warnOfLosses(connection.info?.version ?? "");
    }
    return streams;
  }

  /** https://github.com/nats-io/nats-server/issues/4174 */
  #warnOfLosses(version: string): void {
    if (this.#hasWarned || this.#limits.replicas === 1 || keepsReplicas(version)) return;
    this.#hasWarned = true;
    const message = "a cluster of this version of NATS may lose acknowledged events when one of its servers restarts: use 2.12 or later";
    this.#options.log.warn(message, { broker: this.label, version, replicas: this.#limits.replicas });
  }
}

/** Whether a cluster of this version holds what it has acknowledged while one of its servers restarts. */
export function keepsReplicas(version: string): boolean {
  return isAtLeast(version, [2, 10, 23]);
}

interface Subscription {
  readonly group: BrokerGroup;
  readonly emitter: string;
  readonly types: readonly string[];
  readonly sink: BrokerSink;
}
