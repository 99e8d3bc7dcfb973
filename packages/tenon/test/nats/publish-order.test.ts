import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import fc from "fast-check";
import { TestEvents, untilPublished } from "../../src/events/broker-testing.ts";
import type { Broker, BrokerMessage } from "../../src/events/index.ts";
import { Line } from "./line.ts";
import { serverUrl, skip, TestSpace } from "./server.ts";

/** What stands in the stream, in its order, each event once. */
async function storedIds(connection: NatsConnection, stream: string): Promise<readonly string[]> {
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(stream);
  const ids: string[] = [];
  if (state.messages === 0) return ids;
  const consumer = await jetstream(connection).consumers.get(stream, {});
  const messages = await consumer.consume({ max_messages: 1_000 });
  for await (const message of messages) {
    ids.push((message.headers?.get("Nats-Msg-Id") ?? "").split("/", 1)[0] ?? "");
    if (message.seq >= state.last_seq) break;
  }
  await messages.close();
  return [...new Set(ids)];
}

describe("what is published keeps its order in the stream", { skip }, () => {
  const space = new TestSpace();
  const line = new Line(Number(new URL(serverUrl).port));
  let connection: NatsConnection;
  const opened: Broker[] = [];
  let serial = 0;

  before(async () => {
    connection = await connect({ servers: serverUrl });
    await line.open();
  });
  after(async () => {
    await Promise.all(opened.map((broker) => broker.close()));
    await line.close();
    await connection.close();
    await space.drop();
  });

  async function open(options: Parameters<TestSpace["open"]>[0] = {}): Promise<Broker> {
    const broker = await space.open(options);
    opened.push(broker);
    return broker;
  }

  function emitter(): { readonly service: string; readonly events: TestEvents; readonly stream: string } {
    const service = `emitter-${++serial}`;
    return { service, events: new TestEvents(service), stream: `${space.prefix}-events-${service}` };
  }

  async function assertStored(stream: string, messages: readonly BrokerMessage[]): Promise<void> {
    assert.deepEqual(await storedIds(connection, stream), messages.map(({ id }) => id));
  }

  test("a message that is lost in the middle of a batch is not overtaken by those behind it", async () => {
    const { events, stream, service } = emitter();
    const broker = await open({ url: line.url, publishTimeoutMs: 1_000 });
    const messages = events.make(100);
    await broker.publish(messages.slice(0, 10));
    let count = 0;
    line.onMessage = (subject) => (subject.endsWith(`${service}.placed`) && ++count === 40 ? "lose" : "pass");
    await assert.rejects(broker.publish(messages.slice(10)), { code: "unavailable" });
    await assertStored(stream, messages.slice(0, 49));
    await broker.publish(messages.slice(10));
    await assertStored(stream, messages);
  });

  test("messages that are lost at random, and lines that are cut, by several relays at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 2 }),
        async (sizes, losses, cuts, relays) => {
          const { events, stream, service } = emitter();
          let count = 0;
          line.onMessage = (subject) => {
            if (!subject.endsWith(`${service}.placed`)) return "pass";
            count += 1;
            if (cuts.includes(count)) setImmediate(() => line.cut());
            return losses.includes(count) ? "lose" : "pass";
          };
          const batches = sizes.map((size) => events.make(size));
          const brokers = await Promise.all(Array.from({ length: relays }, () => open({ url: line.url, publishTimeoutMs: 250 })));
          const relay = async (broker: Broker): Promise<void> => {
            for (const batch of batches) await untilPublished(broker, batch);
          };
          await Promise.all(brokers.map(relay));
          await assertStored(stream, batches.flat());
          await Promise.all(brokers.map((broker) => broker.close()));
        },
      ),
      { numRuns: 12 },
    );
    line.onMessage = () => "pass";
  });

  test("a repeat of which the server has forgotten the beginning, and not the end, goes through at once", async () => {
    const { events, stream } = emitter();
    const broker = await open({ duplicateWindowMs: 400 });
    const messages = events.make(30);
    await broker.publish(messages.slice(0, 5));
    await pause(300);
    await broker.publish(messages.slice(5, 15));
    await pause(250); // the first five are forgotten now, the next ten are not
    const startedMs = performance.now();
    await broker.publish(messages);
    assert.ok(performance.now() - startedMs < 300, "it did not wait until the rest was forgotten as well");
    await assertStored(stream, messages);
  });

  test("relays whose batches begin and end elsewhere agree on the order", async () => {
    const { events, stream } = emitter();
    const messages = events.make(900);
    const brokers = [await open(), await open(), await open()];
    await Promise.all(
      brokers.map(async (broker, i) => {
        const size = [40, 70, 110][i] as number;
        for (let at = 0; at < messages.length; at += size) await untilPublished(broker, messages.slice(at, at + size));
      }),
    );
    await assertStored(stream, messages);
  });

  test("batches that are handed over at once are sent one after the other", async () => {
    const { events, stream } = emitter();
    const broker = await open();
    const batches = Array.from({ length: 20 }, () => events.make(37));
    await Promise.all(batches.map((batch) => broker.publish(batch)));
    await assertStored(stream, batches.flat());
  });

  test("an event that is too large is refused before anything of its batch is sent", async () => {
    const { events } = emitter();
    const broker = await open();
    const [first, second] = events.make(2) as [BrokerMessage, BrokerMessage];
    const large = { ...second, body: JSON.stringify({ text: "x".repeat(2_000_000) }) };
    await assert.rejects(broker.publish([first, large]), { name: "Fault", code: "payload_too_large", message: /has 2000016 bytes; this NATS server takes \d+/ });
  });

  test("an event under the name of another service is refused", async () => {
    const { events } = emitter();
    const broker = await open();
    const [message] = events.make(1) as [BrokerMessage];
    await broker.publish([{ ...message, service: "others", type: "others.placed" }]);
    await assert.rejects(broker.publish([{ ...message, type: "others.placed" }]), { code: "invalid_argument" });
  });
});
