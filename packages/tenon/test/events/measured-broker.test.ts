/** What is counted of a broker, with one that does as the test says. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Broker, type BrokerMessage, type BrokerSink, measureBroker } from "../../src/events/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { Metrics } from "../../src/telemetry/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

const message: BrokerMessage = { id: "1", service: "orders", type: "orders.placed", key: undefined, body: "{}" };

describe("a broker that is counted", () => {
  const clock = new ManualClock();
  const metrics = new Metrics({ clock });
  let failure: Error | undefined;
  let sink: BrokerSink | undefined;
  const broker: Broker = measureBroker(
    {
      label: "test",
      async publish() {
        clock.advance(30);
        if (failure !== undefined) throw failure;
      },
      async consume(_group, own) {
        sink = own;
        return { close: async () => undefined };
      },
      close: async () => undefined,
    },
    { metrics, clock },
  );

  function values(name: string): Readonly<Record<string, number>> {
    const series = metrics.collect().find((family) => family.name === name)?.series ?? [];
    return Object.fromEntries(series.map(({ histogram, labels, value }) => [Object.values(labels).join("/"), value ?? histogram?.sum ?? Number.NaN]));
  }

  test("tells what was published, how long it took, and what failed, which is passed on", async () => {
    await broker.publish([message, message]);
    failure = new Fault("unavailable", "away");
    await assert.rejects(broker.publish([message]), failure);
    assert.deepEqual(values("tenon_broker_published"), { orders: 2 });
    assert.deepEqual(values("tenon_broker_publish_failures"), { unavailable: 1 });
    assert.deepEqual(values("tenon_broker_publish_duration_seconds"), { "": 0.06 });
  });

  test("tells what came into an inbox, and what could not", async () => {
    let isFull = false;
    await broker.consume({ service: "mail", types: new Map() }, async () => {
      if (isFull) throw new RangeError("full");
    });
    await sink?.([message, message, message]);
    isFull = true;
    await assert.rejects(async () => sink?.([message]), RangeError);
    assert.deepEqual(values("tenon_broker_received"), { mail: 3 });
    assert.deepEqual(values("tenon_broker_receive_failures"), { "mail/internal": 1 });
  });
});
