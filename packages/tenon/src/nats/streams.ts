/**
 * The streams on the server: made at first use, and mended where their settings differ from those of the app.
 *
 * The service that emits owns the settings of its stream. A subscriber makes the stream when it comes first, and leaves
 * the settings of one that is there alone.
 */
import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { Fault } from "../kernel/index.ts";
import type { Client } from "./client.ts";
import type { Names } from "./names.ts";

export interface StreamLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly duplicateWindowMs: number;
  readonly replicas: number;
}

type Wanted = Pick<StreamConfig, "name" | "subjects"> & Partial<StreamConfig>;

const nanosPerMs = 1_000_000;
const streamNotFound = 10_059;
const streamNameTaken = 10_058;
/** An answer of the server's own takes milliseconds; a cluster that elects a leader, a second. */
const apiTimeoutMs = 5_000;

/** What one connection has seen to. A new connection may lead to a server that lost its streams. */
export class Streams {
  readonly manager: JetStreamManager;
  readonly #client: Client;
  readonly #names: Names;
  readonly #limits: StreamLimits;
  readonly #seenTo = new Map<string, Promise<void>>();

  private constructor(manager: JetStreamManager, options: StreamsOptions) {
    this.manager = manager;
    this.#client = options.client;
    this.#names = options.names;
    this.#limits = options.limits;
  }

  /** @throws {Fault} `unavailable` for limits that the server does not keep as it should. */
  static async open(connection: NatsConnection, options: StreamsOptions): Promise<Streams> {
    const version = connection.info?.version ?? "";
    if (options.limits.maxBytes !== -1 && !isAtLeast(version, [2, 10, 5])) {
      // https://github.com/nats-io/nats-server/issues/4771
      throw new Fault("unavailable", `this NATS server (${version}) drops the oldest events of a full stream instead of refusing new ones: leave maxBytes out, or use 2.10.5 or later`);
    }
    const manager = await options.client.jetstream.jetstreamManager(connection, { checkAPI: false, timeout: apiTimeoutMs });
    return new Streams(manager, options);
  }

  /** For the emitter: makes or mends. @throws {Fault} `unavailable` where that is impossible, with what to do. */
  ownEvents(service: string): Promise<void> {
    return this.#once(`own ${service}`, () => this.#see(this.#eventConfig(service), "mend"));
  }

  /** For a subscriber: makes what is missing. */
  othersEvents(service: string): Promise<void> {
    return this.#once(`others ${service}`, () => this.#see(this.#eventConfig(service), "leave"));
  }

  cursors(): Promise<void> {
    return this.#once("cursors", () => this.#see(this.#cursorConfig(), "mend"));
  }

  /** After a failure: look again before the next use. */
  forget(): void {
    this.#seenTo.clear();
  }

  #once(key: string, see: () => Promise<void>): Promise<void> {
    let seen = this.#seenTo.get(key);
    if (seen === undefined) {
      seen = see();
      this.#seenTo.set(key, seen);
      seen.catch(() => this.#seenTo.delete(key));
    }
    return seen;
  }

  #eventConfig(service: string): Wanted {
    const { maxAgeMs, maxBytes, duplicateWindowMs, replicas } = this.#limits;
    return {
      name: this.#names.eventStream(service),
      description: `events of the service ${service}`,
      subjects: [this.#names.allEventsOf(service)],
      retention: "limits",
      storage: "file",
      // A full stream refuses, and the outbox keeps: dropping the oldest would lose events that somebody has not read.
      discard: "new",
      max_age: maxAgeMs * nanosPerMs,
      max_bytes: maxBytes,
      duplicate_window: Math.min(duplicateWindowMs, maxAgeMs) * nanosPerMs,
      num_replicas: replicas,
    };
  }

  #cursorConfig(): Wanted {
    return {
      name: this.#names.cursorStream,
      description: "how far each service has read the events of each other",
      subjects: [this.#names.allCursors],
      retention: "limits",
      storage: "file",
      discard: "old",
      max_msgs_per_subject: 1,
      num_replicas: this.#limits.replicas,
    };
  }

  async #see(wanted: Wanted, differing: "mend" | "leave"): Promise<void> {
    const present = await this.#find(wanted.name);
    if (present === undefined) {
      await this.#add(wanted);
      return;
    }
    for (const fixed of ["storage", "retention"] as const) {
      if (present[fixed] === wanted[fixed]) continue;
      const message = `the stream ${wanted.name} is there with ${fixed} ${present[fixed]}, not ${wanted[fixed]}, which cannot be changed: delete it, or choose another prefix`;
      throw new Fault("unavailable", message);
    }
    if (differing === "mend" && differs(present, wanted)) await this.manager.streams.update(wanted.name, { ...present, ...wanted });
  }

  async #find(name: string): Promise<StreamConfig | undefined> {
    try {
      return (await this.manager.streams.info(name)).config;
    } catch (error) {
      if (error instanceof this.#client.jetstream.JetStreamApiError && error.code === streamNotFound) return undefined;
      throw error;
    }
  }

  async #add(wanted: Wanted): Promise<void> {
    try {
      await this.manager.streams.add(wanted);
    } catch (error) {
      // Somebody else was quicker, with settings of their own.
      const isTaken = error instanceof this.#client.jetstream.JetStreamApiError && error.code === streamNameTaken;
      if (!isTaken) throw error;
    }
  }
}

export interface StreamsOptions {
  readonly client: Client;
  readonly names: Names;
  readonly limits: StreamLimits;
}

/** Whether a server's version is so high. */
export function isAtLeast(version: string, wanted: readonly [number, number, number]): boolean {
  const numbers = version.split(/[.-]/, 3).map(Number);
  for (const [i, number] of wanted.entries()) {
    const difference = (numbers[i] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Compares what is wanted and nothing else: servers add settings of their own. */
function differs(present: StreamConfig, wanted: Wanted): boolean {
  return Object.entries(wanted).some(([name, value]) => JSON.stringify(present[name as keyof StreamConfig]) !== JSON.stringify(value));
}
