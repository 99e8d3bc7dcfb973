import { describe, test } from "node:test";
import { databaseKeys, memoryKeys } from "../../src/keys/index.ts";
import { keyStoreContract } from "../../src/keys/testing.ts";
import { engines } from "../data/engines.ts";

keyStoreContract("memory", async () => ({ store: memoryKeys(), close: async () => undefined }));

for (const engine of engines) {
  if (engine.skip !== false) {
    test(`${engine.name} keeps the KeyStore contract`, { skip: engine.skip });
    continue;
  }
  describe(engine.name, () => {
    keyStoreContract(engine.name, async () => {
      const opened = await engine.open();
      return { store: databaseKeys(opened.database), close: () => opened.drop() };
    });
  });
}
