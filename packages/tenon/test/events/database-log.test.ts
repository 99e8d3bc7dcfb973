import { test } from "node:test";
import { DatabaseLog } from "../../src/events/index.ts";
import { eventLogContract } from "../../src/events/testing.ts";
import { engines } from "../data/engines.ts";

for (const engine of engines) {
  if (engine.skip === false) {
    eventLogContract(`the database (${engine.name})`, async () => {
      const opened = await engine.open();
      return { database: opened.database, open: async (options) => new DatabaseLog(options), drop: () => opened.drop() };
    });
  } else test(`the database (${engine.name}) keeps the EventLog contract`, { skip: engine.skip });
}
