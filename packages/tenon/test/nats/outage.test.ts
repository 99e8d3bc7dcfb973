import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { assertKept, eventually, TestEvents, TestInbox, untilPublished } from "../../src/events/broker-testing.ts";
import type { Broker, BrokerGroup, BrokerMessage } from "../../src/events/index.ts";
import { Line } from "./line.ts";
import { OwnServer, skipOwn, TestSpace } from "./server.ts";

function group(service: string, from: string): BrokerGroup {
  return { service, types: new Map([[from, [`${from}.placed`]]]) };
}

describe("a NATS server that goes away", { skip: skipOwn }, () => {
  let server: OwnServer;
  let space: TestSpace;
  let serial = 0;
  const opened: Broker[] = [];

  before(async () => {
    server = await OwnServer.start();
    space = new TestSpace(server.url);
  });
  after(async () => {
    await Promise.all(opened.map((broker) => broker.close()));
    await server.drop();
  });

  async function open(options: Parameters<TestSpace["open"]>[0] = {}): Promise<Broker> {
    const broker = await space.open(options);
    opened.push(broker);
    return broker;
  }

  function emitter(): { readonly service: string; readonly events: TestEvents } {
    const service = `emitter-${++serial}`;
    return { service, events: new TestEvents(service) };
  }

  /** Publishes batch after batch until told to stop. */
  function startRelay(broker: Broker, events: TestEvents, pauseMs = 0): { readonly published: BrokerMessage[]; stop(): Promise<void> } {
    const published: BrokerMessage[] = [];
    let isStopped = false;
    const running = (async () => {
      while (!isStopped) {
        const batch = events.make(100);
        await untilPublished(broker, batch);
        published.push(...batch);
        await pause(pauseMs);
      }
    })();
    return {
      published,
      async stop() {
        isStopped = true;
        await running;
      },
    };
  }

  test("killed under load, again and again: what was acknowledged is there, each event once, in order", async () => {
    const { service, events } = emitter();
    const inbox = new TestInbox();
    const consumption = await (await open()).consume(group("reader", service), inbox.sink);
    const relay = startRelay(await open({ publishTimeoutMs: 1_000 }), events);
    for (let kill = 0; kill < 4; kill++) {
      await pause(250 + 100 * kill);
      await server.kill();
      await pause(100);
      await server.restart();
    }
    await relay.stop();
    await inbox.holds(relay.published);
    assertKept(inbox, relay.published);
    assert.ok(relay.published.length > 1_000, `${relay.published.length} events is no load`);
    await consumption.close();
  });

  test("away for longer: `publish` says so within its time, and goes through once the server is back", async () => {
    const { service, events } = emitter();
    const broker = await open({ publishTimeoutMs: 500 });
    const [first, second] = [events.make(10), events.make(10)];
    await broker.publish(first);
    await server.kill();
    for (let attempt = 0; attempt < 2; attempt++) {
      const startedMs = performance.now();
      await assert.rejects(broker.publish(second), { name: "Fault", code: "unavailable", message: /out of reach/ });
      assert.ok(performance.now() - startedMs < 1_500);
    }
    await server.restart();
    await untilPublished(broker, second);
    const inbox = new TestInbox();
    const consumption = await broker.consume(group("reader", service), inbox.sink);
    await inbox.holds([...first, ...second]);
    assertKept(inbox, [...first, ...second]);
    await consumption.close();
  });

  test("silent, but connected: `publish` says so within its time, and nothing is lost or out of order afterwards", async () => {
    const { service, events } = emitter();
    const inbox = new TestInbox();
    const broker = await open({ publishTimeoutMs: 400 });
    const consumption = await broker.consume(group("reader", service), inbox.sink);
    const messages = events.make(300);
    await broker.publish(messages.slice(0, 100));
    server.pauseProcess();
    const startedMs = performance.now();
    await assert.rejects(broker.publish(messages.slice(100)), { code: "unavailable", message: /did not answer in time/ });
    assert.ok(performance.now() - startedMs < 1_500);
    server.resumeProcess();
    await untilPublished(broker, messages.slice(100));
    await inbox.holds(messages);
    assertKept(inbox, messages);
    await consumption.close();
  });

  test("a consumption that begins while the server is away begins when it is back", async () => {
    const { service, events } = emitter();
    await server.kill();
    const inbox = new TestInbox();
    const broker = await open();
    const consumption = await broker.consume(group("reader", service), inbox.sink);
    await pause(300);
    await server.restart();
    const messages = events.make(10);
    await untilPublished(broker, messages);
    await inbox.holds(messages);
    await consumption.close();
  });

  test("a consumption can be closed while the server is away, and so can the broker", async () => {
    const { service } = emitter();
    const broker = await open();
    const consumption = await broker.consume(group("reader", service), () => Promise.resolve());
    await pause(200);
    await server.kill();
    const startedMs = performance.now();
    await consumption.close();
    await broker.close();
    assert.ok(performance.now() - startedMs < 2_000);
    await server.restart();
  });

  test("lines that are cut under load on both sides: each event once, in order", async () => {
    const { service, events } = emitter();
    const [near, far] = [new Line(server.port), new Line(server.port)];
    await Promise.all([near.open(), far.open()]);
    const inbox = new TestInbox();
    let failures = 0;
    inbox.before = async () => {
      await pause(3);
      if (Math.random() > 0.1 || failures++ > 3) return;
      throw new RangeError("by chance");
    };
    const readers = [await open({ url: far.url }), await open({ url: far.url })];
    const consumptions = await Promise.all(readers.map((reader) => reader.consume(group("reader", service), inbox.sink)));
    const relay = startRelay(await open({ url: near.url, publishTimeoutMs: 1_000 }), events, 2);
    for (let cut = 0; cut < 10; cut++) {
      await pause(60 + Math.random() * 120);
      (cut % 2 === 0 ? near : far).cut();
    }
    await relay.stop();
    await inbox.holds(relay.published);
    assertKept(inbox, relay.published);
    await Promise.all(consumptions.map((consumption) => consumption.close()));
    await Promise.all(readers.map((reader) => reader.close()));
    await Promise.all([near.close(), far.close()]);
  });

  test("a process that is killed with events in its hands: another one gets them, in order, soon after", async () => {
    const { service, events } = emitter();
    const broker = await open();
    const messages = events.make(50);
    await broker.publish(messages);
    const child = spawn(process.execPath, ["--conditions=tenon-source", fileURLToPath(new URL("hanging-reader.ts", import.meta.url)), server.url, space.prefix, service], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data"); // it has them
    const inbox = new TestInbox();
    const consumption = await broker.consume(group("reader", service), inbox.sink);
    await pause(300);
    assert.equal(inbox.handed.length, 0, "the other process is alive and reads");
    child.kill("SIGKILL");
    const startedMs = performance.now();
    await inbox.holds(messages);
    assert.ok(performance.now() - startedMs < 3_000);
    assertKept(inbox, messages);
    await consumption.close();
  });

  test("a process that was asleep and wakes up with old events in its hands does no harm", async () => {
    const { service, events } = emitter();
    const line = new Line(server.port);
    await line.open();
    const inbox = new TestInbox();
    const [sleepy, awake] = [await open({ url: line.url, takeoverMs: 400, batchMax: 10 }), await open({ takeoverMs: 400 })];
    const messages = events.make(200);
    await awake.publish(messages.slice(0, 100));
    const { promise: alarm, resolve: wake } = Promise.withResolvers<void>();
    const { promise: asleep, resolve: fallAsleep } = Promise.withResolvers<void>();
    const first = await sleepy.consume(group("reader", service), async (batch) => {
      if (inbox.kept.length >= 30 && inbox.kept.length < 100) {
        fallAsleep();
        await alarm;
      }
      await inbox.sink(batch);
    });
    await asleep;
    await line.close(); // it cannot show that it is alive any more
    const second = await awake.consume(group("reader", service), inbox.sink);
    await inbox.holds(messages.slice(0, 100));
    await awake.publish(messages.slice(100));
    wake();
    await inbox.holds(messages);
    assertKept(inbox, messages);
    await Promise.all([first.close(), second.close()]);
    await sleepy.close();
  });

  test("a stream that somebody deleted is made again, and read from its start", async () => {
    const { service, events } = emitter();
    const inbox = new TestInbox();
    const broker = await open();
    const consumption = await broker.consume(group("reader", service), inbox.sink);
    const messages = events.make(60);
    await broker.publish(messages.slice(0, 30));
    await inbox.holds(messages.slice(0, 30));
    await space.drop();
    await untilPublished(broker, messages.slice(30));
    await eventually(() => inbox.has(messages), () => "the events of the new stream did not arrive");
    assertKept(inbox, messages);
    await consumption.close();
  });
});
