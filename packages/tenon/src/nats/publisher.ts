/**
 * Publishes the events of one service in order, without waiting for the answer to each.
 *
 * A message that gets lost, while those behind it arrive, would be overtaken by them once it is sent again. So each
 * message tells the server the id of the one before it, and the server takes it only when that is the last of the
 * stream: where one is missing, all behind it are refused. The first message of a round carries no such condition: all
 * before it is kept, which the answers have said.
 *
 * A message counts as kept when the server said so of this very message. A round ends with some kept and some refused
 * for their order (one was lost; a second relay publishes the same; an older copy fell out of the server's memory of
 * ids); the next begins with the first that is not kept. When it turns out to be there already, the next goes alone
 * as well: a server may look at the condition before it looks for duplicates, and then refuses what it has.
 *
 * Twice publishing the same events, by whatever mixture of relays, leaves their first copies in order.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import type { BrokerMessage } from "../events/index.ts";
import { Fault } from "../kernel/index.ts";
import { pause } from "../node/index.ts";
import type { Client } from "./client.ts";
import { toRefusal, toUnavailable } from "./failures.ts";
import type { Link } from "./link.ts";
import type { Names } from "./names.ts";
import { type Answer, type Outgoing, sendRound } from "./publish-round.ts";
import type { Streams } from "./streams.ts";

/** "wrong last msg ID" */
const wrongOrder = 10_070;
/** "duplicate message id is in process": one of the same id is on its way through a cluster, or failed on it. */
const inProcess = 10_158;
/** A cluster applies a message in milliseconds. After so many refusals the id is that of a message that failed. */
const inProcessMax = 10;
const inProcessPauseMs = 30;
/** Ids, keys and conditions in the headers of a message, at most; an id has 36 characters, a key is bounded by this. */
const headersMaxBytes = 4_096;

export interface PublisherOptions {
  readonly service: string;
  readonly client: Client;
  readonly link: Link;
  readonly names: Names;
  readonly publishTimeoutMs: number;
  readonly streamsOf: (connection: NatsConnection) => Promise<Streams>;
}

/** A message, and what became of it. */
interface Item extends Omit<Outgoing, "afterId"> {
  readonly id: string;
  readonly before: Item | undefined;
  wireId: string;
  inProcess: number;
  isKept: boolean;
}

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
    const { client, link, service, streamsOf } = this.#options;
    const items = this.#toItems(messages);
    const signal = AbortSignal.timeout(this.#options.publishTimeoutMs);
    const connection = await link.connection(signal);
    assertFits(items, connection.info?.max_payload);
    let streams: Streams | undefined = undefined;
    try {
      streams = await streamsOf(connection);
      await streams.ownEvents(service);
      await this.#send(connection, items, signal);
    } catch (error) {
      streams?.forget();
      throw toUnavailable(error, link.label, client);
    }
  }

  #toItems(messages: readonly BrokerMessage[]): readonly Item[] {
    const { names, service } = this.#options;
    const items: Item[] = [];
    for (const { id, type, key, body } of messages) {
      const subject = names.eventSubject(service, type);
      items.push({ id, subject, body, key, before: items.at(-1), wireId: id, inProcess: 0, isKept: false });
    }
    return items;
  }

  async #send(connection: NatsConnection, items: readonly Item[], signal: AbortSignal): Promise<void> {
    const { client, link } = this.#options;
    let waiting = items;
    let isAlone = false;
    while (waiting.length > 0) {
      const round = isAlone ? waiting.slice(0, 1) : waiting;
      const { answers, problem } = await sendRound(connection, round.map(toOutgoing), { client, link, signal });
      for (const [place, item] of round.entries()) this.#settle(item, answers[place]);
      if (problem !== undefined) throw toUnavailable(problem, link.label, client);
      const first = answers[0];
      isAlone = !(first?.kind === "kept" && !first.isDuplicate);
      if (first?.kind === "refused") await pause(inProcessPauseMs, signal);
      waiting = waiting.filter((item) => !item.isKept);
    }
  }

  /** @throws {Fault} `unavailable` when it was refused for another reason than its order. */
  #settle(item: Item, answer: Answer | undefined): void {
    if (answer === undefined) return;
    if (answer.kind === "kept") {
      item.isKept = true;
      return;
    }
    if (answer.code === inProcess) {
      item.inProcess += 1;
      // Clusters remember the id of a message that they refused; under another one it is a new message to them.
      if (item.inProcess % inProcessMax === 0) item.wireId = `${item.id}/${item.inProcess / inProcessMax}`;
    } else if (answer.code !== wrongOrder) {
      throw toRefusal(answer.code, answer.reason, this.#options.link.label);
    }
  }
}

/** The id of an event, out of that of its message. */
export function toEventId(wireId: string): string {
  return wireId.split("/", 1)[0] ?? wireId;
}

function toOutgoing(item: Item, place: number): Outgoing {
  const { subject, body, key, wireId } = item;
  return { subject, body, key, wireId, afterId: place === 0 ? undefined : item.before?.wireId };
}

/**
 * Before anything is sent: one message too many bytes would hold up those behind it for good.
 *
 * @throws {Fault} `payload_too_large`
 */
function assertFits(items: readonly Item[], maxPayloadBytes: number | undefined): void {
  const maxBytes = (maxPayloadBytes ?? Number.POSITIVE_INFINITY) - headersMaxBytes;
  for (const { id, subject, body, key } of items) {
    const bytes = Buffer.byteLength(body) + (key === undefined ? 0 : encodeURIComponent(key).length);
    if (bytes <= maxBytes) continue;
    throw new Fault("payload_too_large", `the event ${id} (${subject}) has ${bytes} bytes; this NATS server takes ${maxBytes} (its max_payload, less the headers)`, {
      facts: { event: id, bytes, maxBytes },
    });
  }
}
