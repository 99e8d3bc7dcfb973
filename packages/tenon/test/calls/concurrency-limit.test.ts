import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConcurrencyLimit } from "../../src/calls/index.ts";
import { simulate } from "./simulated-server.ts";

function freshLimit(): ConcurrencyLimit {
  return new ConcurrencyLimit({ min: 8, max: 1_000, initial: 64 });
}

describe("the concurrency limit", () => {
  test("lets no more calls in than the fixed cap, and as many again as were given back", () => {
    const limit = new ConcurrencyLimit({ min: 1, max: 2, initial: 2 });
    assert.deepEqual([limit.tryAcquire(), limit.tryAcquire(), limit.tryAcquire()], [true, true, false]);
    limit.forget();
    assert.equal(limit.tryAcquire(), true);
    assert.equal(limit.underway, 2);
  });

  for (const workers of [1, 10, 40]) {
    test(`holds goodput at three and ten times the capacity of ${workers} workers, for minutes, and recovers`, () => {
      const serviceMs = 10;
      const capacityPerS = (workers * 1000) / serviceMs;
      const [calm, triple, tenfold, after] = simulate({
        workers,
        serviceMs,
        deadlineMs: 1_000,
        limit: freshLimit(),
        seed: 7,
        loads: [
          { ratePerS: capacityPerS * 0.7, seconds: 20 },
          { ratePerS: capacityPerS * 3, seconds: 120 },
          { ratePerS: capacityPerS * 10, seconds: 30 },
          { ratePerS: capacityPerS * 0.7, seconds: 20 },
        ],
      });
      assert.ok(calm && triple && tenfold && after);
      assert.ok(triple.goodputPerS >= 0.9 * capacityPerS, `3x: ${triple.goodputPerS} of ${capacityPerS}/s, ${JSON.stringify(triple)}`);
      assert.ok(tenfold.goodputPerS >= 0.9 * capacityPerS, `10x: ${tenfold.goodputPerS} of ${capacityPerS}/s, ${JSON.stringify(tenfold)}`);
      assert.ok(triple.late <= triple.offered * 0.001, `late: ${triple.late}`);
      assert.ok(after.refused <= after.offered * 0.01, `still refusing after the storm: ${JSON.stringify(after)}`);
      assert.ok(calm.refused <= calm.offered * 0.01, `refusing while calm: ${JSON.stringify(calm)}`);
    });
  }

  test("holds goodput when it is started under overload, and when everything becomes four times slower in the middle of it", () => {
    for (const seed of [1, 2, 3]) {
      const results = simulate({
        workers: 20,
        serviceMs: 10,
        deadlineMs: 2_000,
        limit: freshLimit(),
        seed,
        loads: [
          { ratePerS: 6_000, seconds: 60 },
          { ratePerS: 1_500, seconds: 5, serviceMs: 40 }, // time to find out
          { ratePerS: 1_500, seconds: 60 },
          { ratePerS: 6_000, seconds: 5, serviceMs: 10 },
          { ratePerS: 6_000, seconds: 60 },
        ],
      });
      const [started, , slow, , fast] = results;
      assert.ok(started && started.goodputPerS >= 0.9 * 2_000, JSON.stringify(results));
      assert.ok(slow && slow.goodputPerS >= 0.9 * 500, JSON.stringify(results));
      assert.ok(fast && fast.goodputPerS >= 0.9 * 2_000, JSON.stringify(results));
    }
  });

  test("without a limit the same load makes every answer late, so the simulation can fail", () => {
    const [, storm] = simulate({
      workers: 10,
      serviceMs: 10,
      deadlineMs: 1_000,
      limit: new ConcurrencyLimit({ min: 1_000_000, max: 1_000_000, initial: 1_000_000 }),
      seed: 7,
      loads: [{ ratePerS: 700, seconds: 5 }, { ratePerS: 3_000, seconds: 20 }],
    });
    assert.ok(storm && storm.good < storm.offered * 0.1, JSON.stringify(storm));
  });
});
