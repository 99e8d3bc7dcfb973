import { test } from "node:test";
import { BrokerLog } from "../../src/events/index.ts";
import { eventLogContract } from "../../src/events/testing.ts";
import { openServerDatabase, skip as skipDatabase } from "../data/server.ts";
import { silent, skip, TestSpace } from "./server.ts";

if (skip === false && skipDatabase === false) {
  eventLogContract("nats", async () => {
    const space = new TestSpace();
    const server = await openServerDatabase();
    return {
      database: server.database,
      open: async (options) => new BrokerLog({ ...options, broker: await space.open(), log: silent }),
      async drop() {
        await space.drop();
        await server.drop();
      },
    };
  });
} else test("nats keeps the EventLog contract", { skip: skip === false ? skipDatabase : skip });
