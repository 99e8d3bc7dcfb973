import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { assertKept, eventually, TestEvents, TestInbox, untilPublished } from "../../src/events/broker-testing.ts";
import type { Broker, BrokerMessage } from "../../src/events/index.ts";
import { freePort, OwnServer, skipOwn, TestSpace } from "./server.ts";

describe("a cluster of three servers", { skip: skipOwn }, () => {
  const servers: OwnServer[] = [];
  const opened: Broker[] = [];
  let space: TestSpace;

  before(async () => {
    const routes = [await freePort(), await freePort(), await freePort()];
    const urls = routes.map((port) => `nats-route://127.0.0.1:${port}`).join(",");
    for (const [i, route] of routes.entries()) {
      servers.push(await OwnServer.start({ extra: ["-n", `s${i}`, "--cluster_name", "test", "--cluster", `nats://127.0.0.1:${route}`, "--routes", urls] }));
    }
    space = new TestSpace(servers.map(({ url }) => url).join(","));
    await eventually(isReady, () => "the cluster did not come up");
  });
  after(async () => {
    await Promise.all(opened.map((broker) => broker.close()));
    await Promise.all(servers.map((server) => server.drop()));
  });

  async function isReady(): Promise<boolean> {
    const connection = await connect({ servers: servers.map(({ url }) => url) });
    try {
      const manager = await jetstreamManager(connection, { timeout: 1_000 });
      await manager.streams.add({ name: "ready", subjects: ["ready"], num_replicas: 3 });
      await manager.streams.delete("ready");
      return true;
    } catch {
      return false;
    } finally {
      await connection.close();
    }
  }

  test("whichever server is killed under load: each event once, in order", async () => {
    const open = async (): Promise<Broker> => {
      const broker = await space.open({ replicas: 3, publishTimeoutMs: 2_000 });
      opened.push(broker);
      return broker;
    };
    const events = new TestEvents("orders");
    const inbox = new TestInbox();
    const consumption = await (await open()).consume({ service: "reader", types: new Map([["orders", ["orders.placed"]]]) }, inbox.sink);
    const published: BrokerMessage[] = [];
    let isOver = false;
    const relay = await open();
    const relaying = (async () => {
      while (!isOver) {
        const batch = events.make(100);
        await untilPublished(relay, batch);
        published.push(...batch);
      }
    })();
    for (const server of servers) {
      await pause(800);
      await server.kill();
      await pause(800);
      await server.restart();
    }
    await eventually(() => published.length > 1_000, () => `${published.length} events were published`);
    isOver = true;
    await relaying;
    await inbox.holds(published);
    assertKept(inbox, published);
    assert.ok(published.length > 1_000);
    await consumption.close();
  });
});
