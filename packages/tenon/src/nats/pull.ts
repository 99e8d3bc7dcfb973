/**
 * Messages of a stream from some place on, in order and without gaps, or not at all: every doubt (a number that is
 * missing, a heartbeat that does not come, a lost connection) ends the pull, and whoever reads begins anew from the
 * last place that was kept. The consumer on the server is one without acknowledgments, and goes away by itself.
 */
import type { ConsumerConfig } from "@nats-io/jetstream";
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Client } from "./client.ts";
import type { Link } from "./link.ts";
import type { Streams } from "./streams.ts";

const nanosPerMs = 1_000_000;
/** How long a request for messages stands at the server. */
const requestMs = 30_000;
const heartbeatMs = 5_000;
/** Heartbeats that may be late, and not missing: a server under load. */
const silenceMaxMs = 3 * heartbeatMs;
/** A consumer that nobody asks any more is removed by the server after so long. */
const inactiveMs = 2 * requestMs;

export class PullBroken extends Error {
  override readonly name = "PullBroken";
}

export interface Pulled {
  readonly sequence: number;
  readonly message: Msg;
}

export interface PullOptions {
  readonly connection: NatsConnection;
  readonly client: Client;
  readonly link: Link;
  readonly streams: Streams;
  readonly stream: string;
  readonly fromSequence: number;
  readonly filters: readonly string[];
  /** Messages asked for ahead of what was taken. */
  readonly ahead: number;
}

export class Pull {
  readonly #options: PullOptions;
  readonly #consumer: string;
  readonly #inbox: string;
  #subscription: Subscription | undefined = undefined;
  #stopListening: (() => void) | undefined = undefined;
  #silence: NodeJS.Timeout | undefined = undefined;
  #arrived: Pulled[] = [];
  #wake: (() => void) | undefined = undefined;
  #failure: Error | undefined = undefined;
  /** Asked of the server and not come yet. */
  #outstanding = 0;
  /** The number that the server gave to the last delivery; they count from 1 without gaps. */
  #delivered = 0;

  private constructor(options: PullOptions) {
    this.#options = options;
    this.#consumer = `tenon-${options.client.core.nuid.next()}`;
    this.#inbox = options.client.core.createInbox();
  }

  static async open(options: PullOptions): Promise<Pull> {
    const pull = new Pull(options);
    await options.streams.manager.consumers.add(options.stream, pull.#config());
    pull.#subscription = options.connection.subscribe(pull.#inbox, {
      callback: (error, message) => (error === null ? pull.#receive(message) : pull.fail(error)),
    });
    pull.#stopListening = options.link.onProblem((problem) => pull.#concerns(problem) && pull.fail(problem));
    pull.#listen();
    pull.#ask();
    return pull;
  }

  /** Waits for at least one message; gives at most `max`. @throws what ended the pull. */
  async take(max: number): Promise<readonly Pulled[]> {
    while (this.#arrived.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
    const taken = this.#arrived.splice(0, max);
    this.#ask();
    return taken;
  }

  /** Ends the pull: `take` throws from now on. */
  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new PullBroken(String(error));
    this.#wake?.();
  }

  /** Never rejects: the server removes what nobody asks of any more. */
  async close(): Promise<void> {
    const { connection, stream, streams } = this.#options;
    this.fail(new PullBroken("closed"));
    this.#stopListening?.();
    clearTimeout(this.#silence);
    if (connection.isClosed()) return;
    this.#subscription?.unsubscribe();
    await streams.manager.consumers.delete(stream, this.#consumer).catch(() => undefined);
  }

  #config(): Partial<ConsumerConfig> {
    const { filters, fromSequence } = this.#options;
    return {
      name: this.#consumer,
      ack_policy: "none",
      deliver_policy: "by_start_sequence",
      opt_start_seq: fromSequence,
      inactive_threshold: inactiveMs * nanosPerMs,
      mem_storage: true,
      num_replicas: 1,
      ...(filters.length === 1 ? { filter_subject: filters[0] as string } : { filter_subjects: [...filters] }),
    };
  }

  /** Asks in halves, so that the next messages are on their way while these are worked on. */
  #ask(): void {
    const { ahead, connection, stream } = this.#options;
    const missing = ahead - this.#arrived.length - this.#outstanding;
    if (missing * 2 < ahead || connection.isClosed()) return;
    this.#outstanding += missing;
    const request = { batch: missing, expires: requestMs * nanosPerMs, idle_heartbeat: heartbeatMs * nanosPerMs };
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`, JSON.stringify(request), { reply: this.#inbox });
  }

  #receive(message: Msg): void {
    this.#silence?.refresh();
    if (message.headers !== undefined && message.headers.code > 0) {
      this.#hearStatus(message.headers.code, message);
      return;
    }
    const place = toDelivery(message.reply ?? "");
    if (place === undefined || place.delivery !== this.#delivered + 1) {
      this.fail(new PullBroken(`delivery ${this.#delivered + 1} of ${this.#options.stream} did not arrive`));
      return;
    }
    this.#delivered = place.delivery;
    this.#outstanding = Math.max(0, this.#outstanding - 1);
    this.#arrived.push({ sequence: place.sequence, message });
    this.#wake?.();
  }

  /** https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-37.md: 100 is a heartbeat, 404 and 408 end a request. */
  #hearStatus(code: number, { headers }: Msg): void {
    if (code === 100) {
      const last = Number(headers?.get("Nats-Last-Consumer") || this.#delivered);
      if (last > this.#delivered) this.fail(new PullBroken(`deliveries up to ${last} of ${this.#options.stream} did not arrive`));
    } else if (code === 404 || code === 408) {
      const left = headers?.get("Nats-Pending-Messages") ?? "";
      this.#outstanding = left === "" ? 0 : Math.max(0, this.#outstanding - Number(left));
      this.#ask();
    } else {
      this.fail(new PullBroken(`the server ended the reading of ${this.#options.stream}: ${headers?.description} (${code})`));
    }
  }

  #listen(): void {
    this.#silence = setTimeout(() => this.fail(new PullBroken(`nothing was heard of ${this.#options.stream} for ${silenceMaxMs} ms`)), silenceMaxMs);
  }

  /** A lost connection does; a refusal, when it is of what was asked here. */
  #concerns(problem: unknown): boolean {
    if (!(problem instanceof this.#options.client.core.PermissionViolationError)) return true;
    return problem.subject === this.#inbox || problem.subject.endsWith(this.#consumer);
  }
}

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<delivery>.<time>.<pending>`, or the same with a domain and an
 * account before the stream and a token after the rest: ADR-15.
 */
function toDelivery(reply: string): { readonly sequence: number; readonly delivery: number } | undefined {
  const tokens = reply.split(".");
  const shift = tokens.length > 9 ? 2 : 0;
  const sequence = Number(tokens[5 + shift]);
  const delivery = Number(tokens[6 + shift]);
  return sequence > 0 && delivery > 0 ? { sequence, delivery } : undefined;
}
