import { test } from "node:test";
import { brokerContract } from "../../src/events/broker-testing.ts";
import { MockCluster, skip } from "./cluster.ts";

if (skip === false) {
  brokerContract("kafka", async () => {
    const cluster = await MockCluster.start();
    return { open: () => cluster.open(), drop: () => cluster.drop(), seeds: 1, comings: "no" };
  });
} else test("kafka keeps the Broker contract", { skip });
