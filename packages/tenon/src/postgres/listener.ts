/**
 * One connection that hears notices (LISTEN/NOTIFY). It comes back by itself when it was lost; what was told meanwhile is
 * missed, and whoever listens is told that something may have been.
 *
 * Poolers that share server connections between transactions do not let notices through: whoever listens has to look by
 * itself from time to time as well.
 *
 * @see https://www.postgresql.org/docs/current/sql-listen.html
 */
import type { Client, ClientConfig } from "pg";

/** Between two tries to connect, in ms. */
const reconnectMs = 1_000;

export class Listener {
  readonly #channel: string;
  readonly #onNotice: (payload: string | undefined) => void;
  readonly #connect: () => Client;
  #client: Client | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isClosed = false;

  constructor(options: {
    readonly Client: new (config: ClientConfig) => Client;
    /** Asked for before each connection. */
    readonly config: ClientConfig;
    readonly channel: string;
    readonly onNotice: (payload: string | undefined) => void;
  }) {
    this.#channel = options.channel;
    this.#onNotice = options.onNotice;
    this.#connect = () => new options.Client(options.config);
    void this.#open();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined); // it may be lost already
  }

  async #open(): Promise<void> {
    const client = this.#connect();
    this.#client = client;
    client.on("error", () => undefined); // `end` follows, and says what is to be done
    client.on("end", () => this.#again());
    client.on("notification", ({ payload }) => this.#onNotice(payload ?? ""));
    try {
      await client.connect();
      await client.query(`listen "${this.#channel.replaceAll('"', '""')}"`);
      this.#onNotice(undefined);
    } catch {
      await client.end().catch(() => undefined);
      this.#again();
    }
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#open(), reconnectMs).unref();
  }
}
