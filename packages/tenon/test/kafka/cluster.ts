/** A mock of a cluster, by librdkafka: `kcat` runs it. It keeps topics in memory, and has no topics made by request. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Broker } from "../../src/events/index.ts";
import type { Log } from "../../src/kernel/index.ts";
import { type KafkaOptions, openKafka } from "../../src/kafka/index.ts";

/** Why tests of Kafka are skipped, or `false` when they are not. */
export const skip = spawnSync("kcat", ["-V"]).status === 0 ? false : "there is no kcat, whose mock of a cluster the tests use";

export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export class MockCluster {
  readonly brokers: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, brokers: string) {
    this.#child = child;
    this.brokers = brokers;
  }

  static async start(): Promise<MockCluster> {
    const child = spawn("kcat", ["-C", "-b", "x", "-t", "t", "-X", "test.mock.num.brokers=3", "-d", "mock"], { stdio: ["pipe", "ignore", "pipe"] });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => {
      // It goes on to tell what it does, which is read and thrown away.
      if (text.length < 100_000) text += chunk.toString();
      const found = /bootstrap\.servers=(\S+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new RangeError(`kcat ended: ${text}`)));
    return new MockCluster(child, await promise);
  }

  open(options: Partial<KafkaOptions> = {}): Promise<Broker> {
    // The mock wants the leader of a group to be the last to speak when a group forms. Asking it for topics first, each
    // time, makes the leader late enough. It forms a group for a second less than `takeoverMs`, the first time for 3 s.
    return openKafka({ brokers: this.brokers, log: silent, takeoverMs: 3_800, metadataMaxAgeMs: 0, ...options });
  }

  async drop(): Promise<void> {
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }
}
