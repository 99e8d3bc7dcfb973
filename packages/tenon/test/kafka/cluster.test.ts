import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Consumer } from "@platformatic/kafka";
import { assertKept, TestEvents, TestInbox } from "../../src/events/broker-testing.ts";
import type { Broker, BrokerGroup } from "../../src/events/index.ts";
import { openKafka } from "../../src/kafka/index.ts";
import { MockCluster, silent, skip } from "./cluster.ts";

function group(service: string, from: string): BrokerGroup {
  return { service, types: new Map([[from, [`${from}.placed`]]]) };
}

describe("a cluster of Kafka", { skip }, () => {
  let cluster: MockCluster;
  const opened: Broker[] = [];

  before(async () => {
    cluster = await MockCluster.start();
  });
  after(async () => {
    await Promise.all(opened.map((broker) => broker.close()));
    await cluster.drop();
  });

  async function open(): Promise<Broker> {
    const broker = await cluster.open();
    opened.push(broker);
    return broker;
  }

  test("events of a key lie in one partition, those without a key are spread, and a repeat goes where the first went", async () => {
    const broker = await open();
    const of = (key: string | undefined) => ({ id: randomUUID(), service: "spread", type: "spread.placed", key, body: "{}" });
    const messages = [...Array.from({ length: 20 }, () => of("one")), ...Array.from({ length: 40 }, () => of(undefined))];
    await broker.publish(messages);
    await broker.publish(messages);

    const consumer = new Consumer({ clientId: "test", bootstrapBrokers: cluster.brokers.split(","), groupId: "look" });
    const partitionsOf = new Map<string, Set<number>>();
    const { topics } = await consumer.metadata({ topics: ["tenon.events.spread"] });
    const topic = topics.get("tenon.events.spread");
    assert.ok(topic);
    consumer.topics.track("tenon.events.spread");
    for (const [partition, { leader }] of Object.entries(topic.partitions)) {
      const wanted = { partition: Number(partition), fetchOffset: 0n, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 1_000_000 };
      const { responses } = await consumer.fetch({ node: leader, topics: [{ topicId: topic.id, partitions: [wanted] }], maxWaitTime: 100 });
      for (const record of responses.flatMap((response) => response.partitions).flatMap(({ records }) => records ?? []).flatMap((batch) => batch.records)) {
        const id = record.headers.find(([name]) => name?.toString() === "tenon-id")?.[1]?.toString() ?? "";
        partitionsOf.set(id, (partitionsOf.get(id) ?? new Set()).add(Number(partition)));
      }
    }
    await consumer.close();
    const partitionOf = (id: string): number => {
      const found = [...(partitionsOf.get(id) ?? [])];
      assert.equal(found.length, 1);
      return found[0] as number;
    };
    assert.equal(new Set(messages.slice(0, 20).map(({ id }) => partitionOf(id))).size, 1);
    assert.ok(new Set(messages.slice(20).map(({ id }) => partitionOf(id))).size > 1);
  });

  test("a batch that is larger than a request is sent in several, in order", async () => {
    const broker = await open();
    const events = new TestEvents("large");
    const messages = events.make(300).map((message) => ({ ...message, body: JSON.stringify({ ...(JSON.parse(message.body) as object), text: "x".repeat(8_000) }) }));
    await broker.publish(messages);
    const inbox = new TestInbox();
    const consumption = await broker.consume(group("large-reader", "large"), inbox.sink);
    await inbox.holds(messages);
    assertKept(inbox, messages);
    await consumption.close();
  });

  test("a process that is killed with events in its hands: another one gets them, in order, once the group has noticed", async () => {
    const broker = await open();
    const messages = new TestEvents("killed").make(50);
    await broker.publish(messages);
    const script = fileURLToPath(new URL("hanging-reader.ts", import.meta.url));
    const child = spawn(process.execPath, ["--conditions=tenon-source", script, cluster.brokers, "killed"], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data"); // it has them
    const inbox = new TestInbox();
    child.kill("SIGKILL");
    const consumption = await broker.consume(group("reader", "killed"), inbox.sink);
    await inbox.holds(messages);
    assertKept(inbox, messages);
    await consumption.close();
  });

  test("a cluster that went away: `publish` says so within its time, and closing does not wait for it", async () => {
    const brief = await MockCluster.start();
    const broker = await brief.open({ publishTimeoutMs: 1_000 });
    const events = new TestEvents("brief");
    await broker.publish(events.make(10));
    const consumption = await broker.consume(group("reader", "brief"), () => Promise.resolve());
    await brief.drop();
    const startedMs = performance.now();
    await assert.rejects(broker.publish(events.make(10)), { name: "Fault", code: "unavailable" });
    assert.ok(performance.now() - startedMs < 2_000);
    await pause(100);
    const closedMs = performance.now();
    await consumption.close();
    await broker.close();
    assert.ok(performance.now() - closedMs < 10_000, `${performance.now() - closedMs} ms`);
  });
});

describe("Kafka that cannot be used is told of clearly", () => {
  test("brokers and prefixes that cannot be read", async () => {
    for (const brokers of ["", "localhost", "kafka://h:1", "h:9092,"]) await assert.rejects(openKafka({ brokers, log: silent }), { code: "invalid_argument" });
    await assert.rejects(openKafka({ brokers: "h:9092", prefix: "A b", log: silent }), { code: "invalid_argument", message: /cannot be a prefix/ });
  });

  test("nobody listens", async () => {
    const broker = await openKafka({ brokers: "127.0.0.1:1", log: silent, publishTimeoutMs: 2_000 });
    assert.equal(broker.label, "kafka 127.0.0.1:1");
    await assert.rejects(broker.publish(new TestEvents("orders").make(1)), { name: "Fault", code: "unavailable", message: /Kafka is out of reach|did not answer in time/ });
    await broker.close();
  });
});
