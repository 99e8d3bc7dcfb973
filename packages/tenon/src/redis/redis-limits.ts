/**
 * Limits in Redis: one script for each call, which takes a call of every limit or of none. Calls that come in one turn of
 * the event loop travel together.
 *
 * A server that does not answer within the time is told of as a failure; what follows from that is decided by whoever asks
 * (`GuardedLimits`). A count is lost when the server loses its memory: the limit starts anew. With a replica that takes
 * over, what it had not seen yet is lost in the same way.
 *
 * Needs Redis 5 or newer, or what understands the same (Valkey).
 */
import { hash } from "node:crypto";
import type { Redis } from "ioredis";
import type { Log, Part } from "../kernel/index.ts";
import { limitStateOf, type LimitState, type LimitStore, type LimitTake } from "../trust/index.ts";
import { loadClient } from "./client.ts";
import { limitScript } from "./limit-script.ts";

export interface RedisLimitsOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` with TLS. */
  readonly url: string;
  /** Before every key: apps that share a server and not their limits have one each. */
  readonly prefix: string;
  readonly log: Log;
  /** The longest wait for an answer, in ms. Default 150: a limit is not worth more of anybody's time. */
  readonly timeoutMs?: number;
}

export interface RedisLimits extends LimitStore, Part {
  take(takes: readonly LimitTake[]): Promise<readonly LimitState[]>;
}

const timeoutDefaultMs = 150;
/** Between two attempts to connect, at the longest, in ms. */
const reconnectMaxMs = 2_000;

/**
 * Connects when it is started, and goes on trying: a server that is away keeps no app from starting.
 *
 * @throws {Fault} `unimplemented` when the client's package is not installed.
 */
export async function openRedisLimits(options: RedisLimitsOptions): Promise<RedisLimits> {
  const { Redis: Client } = await loadClient();
  const client = new Client(options.url, {
    lazyConnect: true,
    enableAutoPipelining: true,
    enableOfflineQueue: false, // a call does not wait for a connection
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    retryStrategy: (attempt: number) => Math.min(reconnectMaxMs, 50 * 2 ** Math.min(attempt, 10)),
  });
  return new ScriptedLimits(client, options);
}

class ScriptedLimits implements RedisLimits {
  readonly name = "limits in Redis";
  readonly #client: Redis;
  readonly #prefix: string;
  readonly #timeoutMs: number;
  readonly #digest = hash("sha1", limitScript);

  constructor(client: Redis, { log, prefix, timeoutMs = timeoutDefaultMs }: RedisLimitsOptions) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#prefix = prefix;
    // Without a listener the client would write to the console by itself. Calls that fail are told of by whoever asks.
    client.on("error", (error: Error) => log.debug("the connection to Redis failed", { error }));
  }

  async start(): Promise<void> {
    await this.#client.connect().catch(() => undefined); // told by "error" and tried again; calls meanwhile fail at once
  }

  async stop(): Promise<void> {
    this.#client.disconnect();
  }

  async take(takes: readonly LimitTake[]): Promise<readonly LimitState[]> {
    const keys = takes.map((each) => this.#keyOf(each));
    const times = takes.flatMap(({ policy: { calls, perMs } }) => [String((perMs * 1_000) / calls), String(perMs * 1_000)]);
    const answer = await within(this.#timeoutMs, this.#run(keys, times));
    return takes.map(({ policy: { calls, perMs } }, i) => {
      const [waitUs, earlyUs] = [answer[2 * i], answer[2 * i + 1]];
      if (typeof waitUs !== "number" || typeof earlyUs !== "number") throw new TypeError("Redis answered the script of limits with something else than numbers");
      return { ...limitStateOf(earlyUs / 1_000, { perMs, intervalMs: perMs / calls }), waitMs: waitUs / 1_000 };
    });
  }

  async #run(keys: readonly string[], times: readonly string[]): Promise<readonly unknown[]> {
    try {
      return (await this.#client.evalsha(this.#digest, keys.length, ...keys, ...times)) as readonly unknown[];
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return (await this.#client.eval(limitScript, keys.length, ...keys, ...times)) as readonly unknown[];
    }
  }

  /**
   * Of one operation in one slot of a cluster, since a script reads keys of one node alone. What is counted is no text for
   * other people's servers (a mail address, a subject): a digest tells keys apart just as well.
   */
  #keyOf({ key, policy: { calls, id, perMs } }: LimitTake): string {
    const [operation = "", name = ""] = id.split(" ", 2);
    return `${this.#prefix}:limit:{${operation}}:${name}:${calls}/${perMs}:${hash("sha256", key, "base64url").slice(0, 27)}`;
  }
}

/** Rejects when the answer takes longer. */
function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // A process that was busy for longer than the time finds the answer behind the timer: it is read before anything is said.
    const timer = setTimeout(() => setImmediate(() => reject(new RedisTimeoutError(`Redis did not answer within ${timeoutMs} ms`))), timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export class RedisTimeoutError extends Error {
  override readonly name = "RedisTimeoutError";
}
