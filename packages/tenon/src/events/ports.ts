/**
 * What the events room asks of others: a broker, where one is used between outboxes and inboxes. `testing.ts` beside
 * this file is the suite that adapters pass.
 */

/** One event on its way through a broker. */
export interface BrokerMessage {
  /** Of the event, a UUID. A broker that can, drops a second message of the same id. */
  readonly id: string;
  /** The service that emitted it. */
  readonly service: string;
  /** `orders.placed` */
  readonly type: string;
  /** Messages of one service and key stay in the order in which they were published. */
  readonly key: string | undefined;
  /** A CloudEvents 1.0 envelope in JSON (`application/cloudevents+json`). */
  readonly body: string;
}

/** The events that one service wants. */
export interface BrokerGroup {
  /** The service that subscribes. All its processes share the messages. */
  readonly service: string;
  /** Types of events by the service that emits them. */
  readonly types: ReadonlyMap<string, readonly string[]>;
}

/** Keeps messages. Rejecting means that they were not kept, and that they have to come again, in the same order. */
export type BrokerSink = (messages: readonly BrokerMessage[]) => Promise<void>;

/** A running consumption. */
export interface Consumption {
  /** Resolves when nothing is handed to the sink any more. What was not kept comes again. Idempotent. */
  close(): Promise<void>;
}

export interface Broker {
  /** `nats nats://127.0.0.1:4222`: for messages. Holds no password. */
  readonly label: string;
  /**
   * Publishes in order, and resolves when the broker keeps all of them durably. A rejection says nothing about how
   * many were kept: the same messages are published again, and must not overtake each other by that.
   *
   * @throws {Fault} `unavailable`
   */
  publish(messages: readonly BrokerMessage[]): Promise<void>;
  /**
   * Hands every message of the group to the sink, at least once, those of one service and key in order. Streams and
   * consumers are made where they are missing and mended where they differ. A broker that is away is waited for.
   */
  consume(group: BrokerGroup, sink: BrokerSink): Promise<Consumption>;
  /** Idempotent. */
  close(): Promise<void>;
}
