/** An event that ends each process that delivers it: after so many deaths it is a dead letter, and everything else is done. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { live, type Place, places } from "../data/process-places.ts";
import { add, applied, count, prepare, record, run } from "./delivered-service.ts";
import { attempts, poison } from "./poisoned-process.ts";

const script = fileURLToPath(new URL("poisoned-process.ts", import.meta.url));
const total = 40;

for (const place of places) {
  describe(`an event that ends its process, on ${place.name}`, { skip: place.skip }, () => {
    let opened: Place;
    before(async () => {
      opened = await place.open();
    });
    after(() => opened?.drop());

    test("is a dead letter once its attempts are used up, and costs the others no more than an attempt or two", async () => {
      await opened.use(async (database) => {
        await prepare(database);
        await add(database, "work", Array.from({ length: total }, (_, n) => record(n, n % 4 === 0 ? undefined : `k${n % 11}`)));
      });
      let deaths = 0;
      while (await live(script, opened.where)) {
        deaths += 1;
        assert.ok(deaths <= attempts + 1, `${deaths} deaths`);
      }
      await opened.use(async (database) => {
        assert.equal(deaths, attempts + 1); // the first one is not counted: nothing was written down before
        const dead = await run(database, "select data, attempts, error from tenon_dead_letters");
        assert.deepEqual(dead.map(({ attempts: made, data }) => [data, made]), [[{ n: poison }, attempts]]);
        assert.match(String(dead[0]?.["error"]), /^The process ended while it was at work on this delivery\. That makes 4/);
        assert.deepEqual((await applied(database)).toSorted((a, b) => a - b), Array.from({ length: total }, (_, n) => n).filter((n) => n !== poison));
        assert.equal(await count(database, "tenon_inbox"), 0);
      });
    });

    test("a process that stops in order leaves nothing that would count", async () => {
      await opened.use((database) => add(database, "work", [record(100), record(101)]));
      assert.equal(await live(script, opened.where), false);
      await opened.use(async (database) => {
        assert.equal(await count(database, "tenon_inbox"), 0);
        assert.equal((await run(database, "select 1 from tenon_lanes where holder is not null")).length, 0);
      });
    });
  });
}
