import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffMs } from "../../src/kernel/index.ts";

const limits = { baseMs: 1_000, capMs: 600_000 };

test("each wait may be twice as long as the one before, until the cap", () => {
  const almostOne = (): number => 1 - Number.EPSILON;
  const longest = [1, 2, 3, 4, 10, 11, 12].map((attempt) => backoffMs(attempt, limits, almostOne) + 1);
  assert.deepEqual(longest, [1_000, 2_000, 4_000, 8_000, 512_000, 600_000, 600_000]);
});

test("a wait is a whole number of ms, drawn evenly from nothing up to its ceiling", () => {
  assert.equal(backoffMs(3, limits, () => 0), 0);
  assert.equal(backoffMs(3, limits, () => 0.5), 2_000);
  assert.equal(backoffMs(1, limits, () => 0.12345), 123);
});

test("however many attempts there were, a wait stays below the cap", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), random, (attempt, drawn) => {
      const waitMs = backoffMs(attempt, limits, () => drawn);
      return Number.isSafeInteger(waitMs) && waitMs >= 0 && waitMs < limits.capMs;
    }),
  );
});

test("what is not a whole number from 1 is a bug of the caller", () => {
  for (const attempt of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => backoffMs(attempt, limits, () => 0), RangeError);
  }
});
