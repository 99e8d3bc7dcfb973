/** A step that ends each process that runs it: its run is parked after so many deaths, and the others come to their ends. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { live, type Place, places } from "../data/process-places.ts";
import { AppProcess, prepare, readRows } from "./app-process.ts";
import { deadly, ids, services, settings } from "./deadly-process.ts";

const script = fileURLToPath(new URL("deadly-process.ts", import.meta.url));

for (const place of places) {
  describe(`a step that ends its process, on ${place.name}`, { skip: place.skip }, () => {
    let opened: Place;
    before(async () => {
      opened = await place.open();
    });
    after(() => opened?.drop());

    test("parks its run once that is known, loses none of the others, and goes on when it is mended", async () => {
      await opened.use((database) => prepare(database, services));
      let deaths = 0;
      while (await live(script, opened.where)) {
        deaths += 1;
        assert.ok(deaths <= 6, `${deaths} deaths`);
      }
      await opened.use(async (database) => {
        const runs = await readRows(database, "relays", "select id, state, parked_reason from tenon_runs order by id", []);
        assert.deepEqual(runs.map(({ id, state }) => [id, state]), ids.map((id) => [`relay:${id}`, id === deadly ? "parked" : "completed"]));
        const reason = String(runs.find(({ state }) => state === "parked")?.["parked_reason"]);
        assert.match(reason, /^5 processes ended, or stood still, while they were at work on it, after the step "one": mend what ends them, then resume it$/);
        const mended = await AppProcess.start({ services, database, settings });
        await mended.desk("relays").resume(`relay:${deadly}`);
        await mended.settled();
        await mended.stop();
        const effects = await readRows(database, "relays", "select run, what from effects order by run, what", []);
        assert.deepEqual(effects.map(({ run, what }) => `${String(run)} ${String(what)}`), ids.flatMap((id) => [`${id} one`, `${id} two`]));
        assert.deepEqual(await readRows(database, "relays", "select id from tenon_runs where state <> 'completed'", []), []);
      });
    });
  });
}
