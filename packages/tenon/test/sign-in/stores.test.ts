import { describe, test } from "node:test";
import { memorySessions, openDatabaseSessions } from "../../src/sign-in/index.ts";
import { sessionStoreContract } from "../../src/sign-in/testing.ts";
import { engines } from "../data/engines.ts";

sessionStoreContract("memory", async () => ({ store: memorySessions(), close: async () => undefined }));

for (const engine of engines) {
  if (engine.skip !== false) {
    test(`${engine.name} keeps the SessionStore contract`, { skip: engine.skip });
    continue;
  }
  describe(engine.name, () => {
    sessionStoreContract(engine.name, async () => {
      const opened = await engine.open();
      return { store: await openDatabaseSessions(opened.database), close: () => opened.drop() };
    });
  });
}
