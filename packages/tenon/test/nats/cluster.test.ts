import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { assertKept, eventually, TestEvents, TestInbox, untilPublished } from "../../src/events/broker-testing.ts";
import type { Broker, BrokerMessage } from "../../src/events/index.ts";
import { keepsReplicas } from "../../src/nats/index.ts";
import { freePort, HeardLog, OwnServer, skipOwn, TestSpace, version } from "./server.ts";

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

  /** Publishes until `disturb` is over, and then looks at what has arrived. */
  async function assertKeptThrough(service: string, disturb: () => Promise<void>): Promise<HeardLog> {
    const log = new HeardLog();
    const open = async (): Promise<Broker> => {
      const broker = await space.open({ replicas: 3, publishTimeoutMs: 2_000, log });
      opened.push(broker);
      return broker;
    };
    const events = new TestEvents(service);
    const inbox = new TestInbox();
    const consumption = await (await open()).consume({ service: "reader", types: new Map([[service, [`${service}.placed`]]]) }, inbox.sink);
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
    await pause(800);
    await disturb();
    const before = published.length;
    await eventually(() => published.length > before + 1_000, () => `${published.length - before} events were published afterwards`);
    isOver = true;
    await relaying;
    await inbox.holds(published);
    assertKept(inbox, published);
    await consumption.close();
    return log;
  }

  const reason = keepsReplicas(version) ? false : `a cluster of NATS ${version} loses acknowledged events when its servers restart; 2.10.23 is needed`;

  test("whichever server restarts under load: each event once, in order", { skip: reason }, async () => {
    await assertKeptThrough("orders", async () => {
      for (const server of servers) {
        await server.kill();
        await pause(800);
        await server.restart();
        await pause(800);
      }
    });
  });

  // The last of the suite: the cluster goes on with two.
  test("the leader is killed under load and stays away: each event once, in order", async () => {
    const log = await assertKeptThrough("payments", async () => {
      const leader = await leaderOf(`${space.prefix}-events-payments`);
      await servers[Number(leader.slice(1))]?.kill();
    });
    const warnings = log.lines.filter((line) => line.includes("may lose acknowledged events"));
    assert.equal(warnings.length, keepsReplicas(version) ? 0 : 2, "each broker warns once of a server that may lose events");
  });

  async function leaderOf(stream: string): Promise<string> {
    const connection = await connect({ servers: space.url });
    const manager = await jetstreamManager(connection);
    let leader = "";
    const isLed = async (): Promise<boolean> => {
      const { cluster } = await manager.streams.info(stream);
      leader = cluster?.leader ?? "";
      return leader !== "" && cluster?.replicas?.length === 2;
    };
    await eventually(isLed, () => `the stream ${stream} is not kept by three servers`);
    await connection.close();
    return leader;
  }
});
