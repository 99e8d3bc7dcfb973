import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { assertKept, eventually, TestEvents, TestInbox, untilPublished } from "../../src/events/broker-testing.ts";
import type { Broker } from "../../src/events/index.ts";
import { openNats } from "../../src/nats/index.ts";
import { freePort, HeardLog, OwnServer, serverUrl, silent, skip, skipOwn, TestSpace } from "./server.ts";

const dayNanos = 86_400_000 * 1_000_000;

describe("streams and cursors on the server", { skip }, () => {
  const space = new TestSpace();
  const opened: Broker[] = [];
  let connection: NatsConnection;
  let manager: JetStreamManager;

  before(async () => {
    connection = await connect({ servers: serverUrl });
    manager = await jetstreamManager(connection);
  });
  after(async () => {
    await Promise.all(opened.map((broker) => broker.close()));
    await connection.close();
    await space.drop();
  });

  async function open(options: Parameters<TestSpace["open"]>[0] = {}): Promise<Broker> {
    const broker = await space.open(options);
    opened.push(broker);
    return broker;
  }

  test("are made at first use, and mended when the app's settings have changed", async () => {
    const events = new TestEvents("mended");
    const name = `${space.prefix}-events-mended`;
    await (await open()).publish(events.make(3));
    const { config } = await manager.streams.info(name);
    const { retention, storage, discard, subjects } = config;
    assert.deepEqual({ retention, storage, discard, subjects }, { retention: "limits", storage: "file", discard: "new", subjects: [`${space.prefix}.events.mended.>`] });
    assert.equal(config.max_age, 7 * dayNanos);
    assert.equal(config.max_bytes, -1);

    await (await open({ maxAgeMs: 86_400_000, duplicateWindowMs: 60_000 })).publish(events.make(3));
    const changed = await manager.streams.info(name);
    assert.equal(changed.config.max_age, dayNanos);
    assert.equal(changed.config.duplicate_window, 60_000 * 1_000_000);
    assert.equal(changed.state.messages, 6);
  });

  test("a subscriber makes the stream where it comes first, and leaves the settings of one that is there", async () => {
    const name = `${space.prefix}-events-early`;
    const subscriber = await open({ maxAgeMs: 3_600_000 });
    const early = await subscriber.consume({ service: "reader", types: new Map([["early", ["early.placed"]]]) }, () => Promise.resolve());
    await eventually(async () => (await manager.streams.info(name).catch(() => undefined)) !== undefined, () => "the stream was not made");
    await early.close();
    await (await open()).publish(new TestEvents("early").make(1));
    assert.equal((await manager.streams.info(name)).config.max_age, 7 * dayNanos);
    const inbox = new TestInbox();
    const again = await subscriber.consume({ service: "reader", types: new Map([["early", ["early.placed"]]]) }, inbox.sink);
    await eventually(() => inbox.kept.length === 1, () => "the event did not arrive");
    await again.close();
    assert.equal((await manager.streams.info(name)).config.max_age, 7 * dayNanos);
  });

  test("what cannot be changed is told, with what to do", async () => {
    await manager.streams.add({ name: `${space.prefix}-events-fleeting`, subjects: [`${space.prefix}.events.fleeting.>`], storage: "memory" });
    await assert.rejects((await open()).publish(new TestEvents("fleeting").make(1)), { code: "unavailable", message: /storage memory, not file, which cannot be changed: delete it, or choose another prefix/ });
    await manager.streams.add({ name: `${space.prefix}-other`, subjects: [`${space.prefix}.events.taken.>`] });
    await assert.rejects((await open()).publish(new TestEvents("taken").make(1)), { code: "unavailable", message: /another stream takes the subjects/ });
  });

  test("a full stream refuses, and loses nothing that it has", async () => {
    const events = new TestEvents("full");
    const broker = await open({ maxBytes: 40_000 });
    const messages = events.make(1_000);
    if (/^2\.(?:9|10\.[0-4]$)/.test(connection.info?.version ?? "")) {
      await assert.rejects(broker.publish(messages), { code: "unavailable", message: /drops the oldest events of a full stream.*leave maxBytes out/ });
      return;
    }
    await assert.rejects(broker.publish(messages), { code: "unavailable", message: /the stream is full/ });
    const { state } = await manager.streams.info(`${space.prefix}-events-full`);
    assert.equal(state.first_seq, 1);
    const roomier = await open({ maxBytes: 4_000_000 });
    await roomier.publish(messages);
    const inbox = new TestInbox();
    const consumption = await roomier.consume({ service: "reader", types: new Map([["full", ["full.placed"]]]) }, inbox.sink);
    await inbox.holds(messages);
    assertKept(inbox, messages);
    await consumption.close();
  });

  test("a type that is added to a subscription comes from its first event on, beside processes that do not know it yet", async () => {
    const events = new TestEvents("growing");
    const broker = await open();
    const [placed, paid] = [events.make(30), events.make(30, { type: "paid" })];
    await broker.publish([...placed.slice(0, 20), ...paid.slice(0, 20)]);
    const inbox = new TestInbox();
    const before = await (await open()).consume({ service: "reader", types: new Map([["growing", ["growing.placed"]]]) }, inbox.sink);
    await inbox.holds(placed.slice(0, 20));
    const later = await (await open()).consume({ service: "reader", types: new Map([["growing", ["growing.placed", "growing.paid"]]]) }, inbox.sink);
    await broker.publish([...paid.slice(20), ...placed.slice(20)]);
    await inbox.holds(placed);
    await before.close();
    await inbox.holds(paid);
    assert.equal(inbox.kept.length, 60);
    assert.ok(inbox.handed.length < 100, "what was kept is passed over");
    await later.close();
  });

  test("a stream that was deleted and made again is read from its start, although the cursor was further", async () => {
    const events = new TestEvents("anew");
    const broker = await open();
    const log = new HeardLog();
    const inbox = new TestInbox();
    const group = { service: "reader", types: new Map([["anew", ["anew.placed"]]]) };
    const messages = events.make(80);
    await broker.publish(messages.slice(0, 20));
    const first = await (await open()).consume(group, inbox.sink);
    await inbox.holds(messages.slice(0, 20));
    await first.close();
    await manager.streams.delete(`${space.prefix}-events-anew`);
    await untilPublished(broker, messages.slice(20)); // its numbers run past the cursor at once
    const second = await (await open({ log })).consume(group, inbox.sink);
    await inbox.holds(messages);
    assertKept(inbox, messages);
    assert.ok(log.lines.some((line) => line.includes("read from its start")));
    await second.close();
  });

  test("events that left the stream before they were read are missed aloud", async () => {
    const events = new TestEvents("aged");
    const broker = await open();
    const log = new HeardLog();
    const inbox = new TestInbox();
    const group = { service: "reader", types: new Map([["aged", ["aged.placed"]]]) };
    const messages = events.make(30);
    await broker.publish(messages.slice(0, 10));
    const first = await (await open()).consume(group, inbox.sink);
    await inbox.holds(messages.slice(0, 10));
    await first.close();
    await broker.publish(messages.slice(10));
    await manager.streams.purge(`${space.prefix}-events-aged`, { seq: 21 });
    const second = await (await open({ log })).consume(group, inbox.sink);
    await inbox.holds(messages.slice(20));
    assert.ok(log.lines.some((line) => line.startsWith("error") && line.includes('"lost":10')), log.lines.join("\n"));
    await second.close();
  });
});

describe("a NATS server that cannot be used is told of clearly", { skip: skipOwn }, () => {
  async function failureAt(url: string): Promise<string> {
    const broker = await openNats({ url, log: silent, publishTimeoutMs: 700 });
    try {
      await broker.publish(new TestEvents("orders").make(1));
      return "it works";
    } catch (error) {
      assert.equal((error as { readonly code?: string }).code, "unavailable");
      return (error as Error).message;
    } finally {
      await broker.close();
    }
  }

  test("a URL that cannot be read, without what may be a password in it", async () => {
    for (const url of ["", "127.0.0.1:4222", "http://127.0.0.1:4222", "nats://", "postgres://root:secret@h/d"]) {
      await assert.rejects(openNats({ url, log: silent }), (error: Error) => /the URL of NATS cannot be read/.test(error.message) && !error.message.includes("secret"));
    }
    await assert.rejects(openNats({ url: serverUrl, log: silent, prefix: "a.b" }), { code: "invalid_argument", message: /cannot be a prefix/ });
    const broker = await openNats({ url: "nats://me:secret@127.0.0.1:1, nats://other", log: silent });
    assert.equal(broker.label, "nats nats://127.0.0.1:1,nats://other:4222");
    await broker.close();
  });

  test("nobody listens", async () => {
    assert.match(await failureAt(`nats://127.0.0.1:${await freePort()}`), /the NATS server is out of reach: .*refused/);
  });

  test("a server without JetStream", async () => {
    const server = await OwnServer.start({ jetstream: [] });
    assert.match(await failureAt(server.url), /no JetStream \(start it with -js\)/);
    await server.drop();
  });

  test("a login that is refused, and one that may not do what it takes; a right one works, by password and by token", async () => {
    const config = join(tmpdir(), `tenon-nats-${process.pid}.conf`);
    await writeFile(
      config,
      `authorization { users: [
        { user: "all", password: "right" }
        { user: "mute", password: "right", permissions: { publish: { deny: ["tenon.events.>"] } } }
        { user: "reader", password: "right", permissions: { publish: { deny: ["$JS.API.STREAM.>"] } } }
      ] }`,
    );
    const server = await OwnServer.start({ extra: ["-c", config] });
    const as = (login: string): string => `nats://${login}@127.0.0.1:${server.port}`;
    assert.match(await failureAt(as("all:wrong")), /refuses the login/);
    assert.match(await failureAt(server.url), /refuses the login/);
    assert.equal(await failureAt(as("all:right")), "it works");
    assert.match(await failureAt(as("mute:right")), /does not allow this login to publish to tenon\.events\.orders\.placed/);
    assert.match(await failureAt(as("reader:right")), /does not allow this login to publish to \$JS\.API\.STREAM\.INFO\.tenon-events-orders/);
    await server.drop();
    await rm(config);

    const guarded = await OwnServer.start({ extra: ["--auth", "s3cret"] });
    assert.equal(await failureAt(`nats://s3cret@127.0.0.1:${guarded.port}`), "it works");
    assert.match(await failureAt(guarded.url), /refuses the login/);
    await guarded.drop();
  });

  test("an outage is told once, not at each attempt, and a login in no line", async () => {
    const log = new HeardLog();
    const port = await freePort();
    const broker = await openNats({ url: `nats://me:s3cret@127.0.0.1:${port}`, log, publishTimeoutMs: 600 });
    await assert.rejects(broker.publish(new TestEvents("orders").make(1)));
    assert.equal(log.lines.length, 1, log.lines.join("\n"));
    assert.ok(!log.lines.join().includes("s3cret"));
    await broker.close();
  });
});
