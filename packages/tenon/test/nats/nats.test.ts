import { test } from "node:test";
import { brokerContract } from "../../src/events/broker-testing.ts";
import { skip, TestSpace } from "./server.ts";

if (skip === false) {
  brokerContract("nats", async () => {
    const space = new TestSpace();
    return { open: () => space.open(), drop: () => space.drop() };
  });
} else test("nats keeps the Broker contract", { skip });
