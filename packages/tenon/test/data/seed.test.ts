import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createSeedWork, migrate } from "../../src/data/index.ts";
import { engines, type Opened } from "./engines.ts";
import { order, ordersMigrations, tables } from "./shop.ts";

for (const engine of engines) {
  describe(`example data on ${engine.name}`, { skip: engine.skip }, () => {
    let opened: Opened;
    before(async () => {
      opened = await engine.open();
      await migrate(opened.database, [{ service: "orders", migrations: ordersMigrations }]);
    });
    after(() => opened.drop());

    test("are filled in once, by one of several, and not half", async () => {
      const options = { database: opened.database, service: "orders", tables };
      const failing = createSeedWork(options, async (db) => {
        await db.insertInto("orders").values(order(1)).execute();
        throw new RangeError("a bug in the seed");
      });
      await assert.rejects(failing, RangeError);

      const seeds = [1, 2].map(() =>
        createSeedWork(options, async (db) => {
          await db.insertInto("orders").values(order(1)).execute();
          await db.transaction().execute((part) => part.insertInto("orders").values(order(1)).execute()).catch(() => undefined);
          await db.insertInto("orders").values(order(2)).execute();
        }),
      );
      assert.deepEqual(new Set(await Promise.all(seeds)), new Set([false, true]));

      const session = await opened.database.acquire({ service: "orders", mode: "write", timeoutMs: 1_000 });
      assert.deepEqual((await session.query("select id from orders order by id", [])).rows, [{ id: 1 }, { id: 2 }]);
      await session.query("delete from tenon_seed", []);
      session.release();
      assert.equal(await createSeedWork(options, () => assert.fail("there are rows already")), false);
    });
  });
}
