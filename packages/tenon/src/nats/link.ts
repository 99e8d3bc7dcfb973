/**
 * The connection to NATS, kept up for as long as the app runs.
 *
 * The client's own reconnection is off: it would send what it had buffered over the next connection, so that the end of
 * a batch could arrive without its beginning. Here a lost connection fails whatever was under way on it, and whoever
 * wants to goes on, on a new one.
 */
import type { ConnectionOptions, NatsConnection } from "@nats-io/transport-node";
import { backoffMs, Fault, type Log } from "../kernel/index.ts";
import { pause } from "../node/index.ts";
import type { Client } from "./client.ts";
import { toUnavailable } from "./failures.ts";

/** A server that is there answers in a tenth of it. */
const connectTimeoutMs = 3_000;
/** Two unanswered ones, and the connection is given up: within 15 s after the network went away without a word. */
const pingEveryMs = 5_000;
/** From quick, for a server that restarts, to slow, for one that is gone. */
const reconnect = { baseMs: 50, capMs: 2_000 };

export interface LinkOptions {
  readonly target: NatsTarget;
  readonly client: Client;
  readonly log: Log;
}

/** Where the servers are and who logs in, taken out of the URL. */
export interface NatsTarget {
  /** Without a password. */
  readonly label: string;
  readonly options: ConnectionOptions;
}

export class Link {
  readonly label: string;
  readonly #target: NatsTarget;
  readonly #client: Client;
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #onConnected = new Set<() => void>();
  readonly #onProblem = new Set<(problem: unknown) => void>();
  readonly #kept: Promise<void>;
  #connection: NatsConnection | undefined = undefined;
  #failure: Fault;
  #toldReason = "";

  constructor({ target, client, log }: LinkOptions) {
    this.label = target.label;
    this.#target = target;
    this.#client = client;
    this.#log = log;
    this.#failure = new Fault("unavailable", "the NATS server has not answered yet", { facts: { broker: this.label } });
    this.#kept = this.#keep();
  }

  /** @throws {Fault} `unavailable` with the last reason, once `signal` is aborted. */
  async connection(signal: AbortSignal): Promise<NatsConnection> {
    while (this.#connection === undefined || this.#connection.isClosed()) {
      if (this.#closing.signal.aborted) throw new Fault("unavailable", "the broker is closed");
      if (signal.aborted) throw this.#failure;
      await this.#change(signal);
    }
    return this.#connection;
  }

  /** Hears of what the server refuses and of the end of the connection. Gives back how to stop listening. */
  onProblem(listener: (problem: unknown) => void): () => void {
    this.#onProblem.add(listener);
    return () => this.#onProblem.delete(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const wake of this.#onConnected) wake();
    await this.#connection?.close();
    await this.#kept;
  }

  /** Resolves at the next connection, at the end of waiting, or when the link is closed. */
  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onConnected.add(resolve);
    const onAbort = (): void => resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    await promise;
    signal.removeEventListener("abort", onAbort);
    this.#onConnected.delete(resolve);
  }

  async #keep(): Promise<void> {
    let attempt = 0;
    while (!this.#closing.signal.aborted) {
      const startedMs = performance.now();
      const reason = await this.#holdOnce();
      if (this.#closing.signal.aborted) return;
      // A connection that held for a while was a good one; one that falls at once is no better than none.
      attempt = performance.now() - startedMs > 10_000 ? 1 : attempt + 1;
      this.#note(reason);
      await pause(backoffMs(attempt, reconnect, Math.random), this.#closing.signal);
    }
  }

  /** Connects and stays until the connection ends, for the reason that is given back. */
  async #holdOnce(): Promise<unknown> {
    const { core } = this.#client;
    let connection: NatsConnection;
    try {
      connection = await core.connect({ ...this.#target.options, reconnect: false, timeout: connectTimeoutMs, pingInterval: pingEveryMs, maxPingOut: 2 });
    } catch (error) {
      return error;
    }
    if (this.#closing.signal.aborted) {
      await connection.close();
      return undefined;
    }
    this.#connection = connection;
    this.#toldReason = "";
    this.#log.info("connected to NATS", { broker: this.label, version: connection.info?.version });
    for (const wake of this.#onConnected) wake();
    void this.#watch(connection);
    const reason = (await connection.closed()) ?? new core.ConnectionError("the server closed the connection");
    this.#connection = undefined;
    for (const listener of this.#onProblem) listener(reason);
    return reason;
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type !== "error") continue;
      for (const listener of this.#onProblem) listener(status.error);
    }
  }

  #note(reason: unknown): void {
    const failure = toUnavailable(reason, this.label, this.#client);
    // One line for each reason of an outage, not one for each attempt.
    if (failure.message !== this.#toldReason) this.#log.warn("no connection to NATS", { broker: this.label, reason: failure.message });
    this.#toldReason = failure.message;
    this.#failure = failure;
  }
}

/**
 * `nats://user:password@host:4222`, `nats://token@host`, `tls://host`; several servers with a comma between.
 *
 * @throws {Fault} `invalid_argument`
 */
export function parseNatsUrl(text: string): NatsTarget {
  const urls = text.split(",").map((part) => parseOne(part.trim()));
  const login = urls.find((url) => url.username !== "");
  const servers = urls.map((url) => `${url.hostname}:${url.port === "" ? "4222" : url.port}`);
  const isSecure = urls.some((url) => url.protocol === "tls:");
  const user = decodeURIComponent(login?.username ?? "");
  const pass = decodeURIComponent(login?.password ?? "");
  return {
    label: `nats ${urls.map((url, i) => `${url.protocol}//${servers[i]}`).join(",")}`,
    options: {
      name: "tenon",
      servers,
      ...(isSecure ? { tls: {} } : {}),
      ...(user !== "" && pass === "" ? { token: user } : {}),
      ...(user !== "" && pass !== "" ? { user, pass } : {}),
    },
  };
}

function parseOne(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "" || (url.protocol !== "nats:" && url.protocol !== "tls:")) {
    // The text is not quoted: it may hold a password.
    throw new Fault("invalid_argument", "the URL of NATS cannot be read: nats://user:password@host:4222, or tls:// in place of nats://");
  }
  return url;
}
