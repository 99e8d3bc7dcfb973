import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectorNames, type CollectorsResult, keepsCollectorsPromise, promisedOfCollectors, runCollectors } from "../collectors.ts";
import { medianOfRatios, verdictOf } from "../paired-ratios.ts";
import { createSeededRandom } from "../seeded-random.ts";

/** Times are the drill's own matter: a machine that others use as well says nothing of 5 % in some seconds. */
test("collectors that are slow, dead or wrong fail no call, keep memory bounded, and leave no span uncounted", async () => {
  const results = await runCollectors({ seconds: 0.5, pairs: 2, ratePerSecond: 1_500, tell: () => undefined });
  assert.deepEqual(results.map(({ collector }) => collector), collectorNames);
  for (const { backlogMaxBytes, collector, dropped, failed, handed, sent, unaccounted, verdict } of results) {
    assert.equal(failed, 0, `calls failed while the collector ${collector}`);
    assert.equal(unaccounted, 0, collector);
    assert.ok(handed >= 6_000, `the load was no load: ${handed} spans`);
    assert.ok(backlogMaxBytes <= promisedOfCollectors.backlogMaxBytes, `${backlogMaxBytes} bytes waited while the collector ${collector}`);
    assert.equal(dropped > 0, collector !== "well", `${dropped} were dropped while the collector ${collector}`);
    assert.equal(sent > 0, collector === "well", `${sent} were sent while the collector ${collector}`);
    assert.equal(verdict, "not shown", "two pairs show nothing");
  }
});

describe("what pairs of rounds show", () => {
  test("bounds by signs: those of the tables, and none for fewer than six pairs", () => {
    const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);
    assert.deepEqual(medianOfRatios(upTo(5)), { median: 3, low: 0, high: Number.POSITIVE_INFINITY });
    assert.deepEqual(medianOfRatios(upTo(6)), { median: 3.5, low: 1, high: 6 });
    assert.deepEqual(medianOfRatios(upTo(30)), { median: 15.5, low: 10, high: 21 });
  });

  test("the true median lies between them in at least 95 of 100 runs, however skewed the noise is", () => {
    const random = createSeededRandom(7);
    const runs = 2_000;
    let missed = 0;
    for (let run = 0; run < runs; run++) {
      const { high, low } = medianOfRatios(Array.from({ length: 30 }, () => 1.02 * Math.exp(random() < 0.5 ? -0.1 * random() : 3 * random() ** 4)));
      if (low > 1.02 || high < 1.02) missed += 1;
    }
    assert.ok(missed / runs <= 0.05, `${missed} of ${runs}`);
  });

  test("within, worse, or neither; what is not shown breaks no promise, and what is shown to be worse does", () => {
    const verdict = (low: number, high: number): string => verdictOf({ low, high, median: (low + high) / 2 }, 1.05);
    assert.deepEqual([verdict(0.98, 1.04), verdict(0.98, 1.2), verdict(1.06, 1.2)], ["within", "not shown", "worse"]);
    const good: CollectorsResult = { collector: "hangs", p99Ms: 1, withoutP99Ms: 1, p99OfWithout: { median: 1, low: 0.9, high: 1.1 }, verdict: "not shown", pairs: 30, handed: 10, sent: 0, dropped: 10, unaccounted: 0, backlogMaxBytes: 0, heapMaxBytes: 0, failed: 0 };
    assert.equal(keepsCollectorsPromise(good), true);
    for (const worse of [{ verdict: "worse" }, { unaccounted: 1 }, { failed: 1 }, { backlogMaxBytes: promisedOfCollectors.backlogMaxBytes + 1 }, { collector: "well" }] as const) assert.equal(keepsCollectorsPromise({ ...good, ...worse }), false);
  });
});
