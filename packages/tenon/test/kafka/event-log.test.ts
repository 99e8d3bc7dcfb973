import { test } from "node:test";
import { BrokerLog } from "../../src/events/index.ts";
import { eventLogContract } from "../../src/events/testing.ts";
import { openServerDatabase, skip as skipDatabase } from "../data/server.ts";
import { MockCluster, silent, skip } from "./cluster.ts";

if (skip === false && skipDatabase === false) {
  eventLogContract("kafka", async () => {
    const cluster = await MockCluster.start();
    const server = await openServerDatabase();
    return {
      database: server.database,
      receivers: "one", // the mock is slow to form a group anew, and at times never does
      open: async (options) => new BrokerLog({ ...options, broker: await cluster.open(), log: silent }),
      async drop() {
        await cluster.drop();
        await server.drop();
      },
    };
  });
} else test("kafka keeps the EventLog contract", { skip: skip === false ? skipDatabase : skip });
