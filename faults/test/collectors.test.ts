import assert from "node:assert/strict";
import { test } from "node:test";
import { collectorNames, promisedOfCollectors, runCollectors } from "../collectors.ts";

/** Times are the drill's own matter: a machine that others use as well says nothing of 5 %. */
test("collectors that are slow, dead or wrong fail no call, keep memory bounded, and leave no span uncounted", async () => {
  const results = await runCollectors({ seconds: 2, rounds: 1, ratePerSecond: 1_500, tell: () => undefined });
  assert.deepEqual(results.map(({ collector }) => collector), collectorNames);
  for (const { backlogMaxBytes, collector, dropped, failed, handed, sent, unaccounted } of results) {
    assert.equal(failed, 0, `calls failed while the collector ${collector}`);
    assert.equal(unaccounted, 0, collector);
    assert.ok(handed >= 18_000, `the load was no load: ${handed} spans`);
    assert.ok(backlogMaxBytes <= promisedOfCollectors.backlogMaxBytes, `${backlogMaxBytes} bytes waited while the collector ${collector}`);
    assert.equal(dropped > 0, collector !== "well", `${dropped} were dropped while the collector ${collector}`);
    assert.equal(sent > 0, collector === "well", `${sent} were sent while the collector ${collector}`);
  }
});
