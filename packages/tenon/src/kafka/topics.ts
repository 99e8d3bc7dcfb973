/** A topic for each service that emits, made where it is missing. Topics that are there are left as they are. */
import type { Admin } from "@platformatic/kafka";
import { codesOf } from "./failures.ts";

export interface TopicOptions {
  readonly partitions: number;
  readonly replicas: number;
  readonly maxAgeMs: number;
}

/** A topic that was just made is known to all brokers after a moment. */
const lookAgain = { times: 10, everyMs: 200 };

export class Topics {
  readonly #admin: Admin;
  readonly #options: TopicOptions;
  readonly #seenTo = new Map<string, Promise<void>>();

  constructor(admin: Admin, options: TopicOptions) {
    this.#admin = admin;
    this.#options = options;
  }

  ensure(topic: string): Promise<void> {
    let seen = this.#seenTo.get(topic);
    if (seen === undefined) {
      seen = this.#ensure(topic);
      this.#seenTo.set(topic, seen);
      seen.catch(() => this.#seenTo.delete(topic));
    }
    return seen;
  }

  /** After a failure: look again before the next use. */
  forget(): void {
    this.#seenTo.clear();
  }

  async #ensure(topic: string): Promise<void> {
    if (await this.#isThere(topic)) return;
    try {
      const { partitions, replicas, maxAgeMs } = this.#options;
      await this.#admin.createTopics({ topics: [topic], partitions, replicas, configs: [{ name: "retention.ms", value: String(maxAgeMs) }] });
    } catch (error) {
      const codes = codesOf(error);
      // Without the request, or the right to it, there is the broker's own way: to make a topic when it is asked for.
      const hasOtherWay = codes.some((code) => ["PLT_KFK_UNSUPPORTED_API", "CLUSTER_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED"].includes(code));
      if (hasOtherWay) await this.#admin.metadata({ topics: [topic], autocreateTopics: true, forceUpdate: true });
      else if (!codes.includes("TOPIC_ALREADY_EXISTS")) throw error;
    }
    for (let look = 1; !(await this.#isThere(topic)) && look < lookAgain.times; look++) await new Promise((resolve) => setTimeout(resolve, lookAgain.everyMs));
  }

  async #isThere(topic: string): Promise<boolean> {
    try {
      const { topics } = await this.#admin.metadata({ topics: [topic], autocreateTopics: false, forceUpdate: true });
      return (topics.get(topic)?.partitionsCount ?? 0) > 0;
    } catch (error) {
      if (codesOf(error).some((code) => code === "UNKNOWN_TOPIC_OR_PARTITION" || code === "LEADER_NOT_AVAILABLE")) return false;
      throw error;
    }
  }
}
