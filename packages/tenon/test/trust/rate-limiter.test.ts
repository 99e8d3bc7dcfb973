import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RateLimiter } from "../../src/trust/index.ts";

const shape = fc.record({ calls: fc.integer({ min: 1, max: 60 }), perMs: fc.oneof(fc.constantFrom(1, 7, 1_000, 60_000), fc.integer({ min: 1, max: 100_000 })) });
/** Pauses between calls, as parts of the window: many small ones, some long ones. */
const pauses = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.05, noNaN: true }), fc.double({ min: 0, max: 3, noNaN: true })), { maxLength: 300 });

function limiterOf({ calls, perMs }: { readonly calls: number; readonly perMs: number }): RateLimiter {
  return new RateLimiter({ calls, perMs, keysMax: 1_000 });
}

describe("RateLimiter", () => {
  test("in no stretch of one window does it pass more than the burst and what comes: twice the calls", () => {
    fc.assert(
      fc.property(shape, pauses, fc.double({ min: 0, max: 1e9, noNaN: true }), ({ calls, perMs }, parts, startMs) => {
        const limiter = limiterOf({ calls, perMs });
        const passed: number[] = [];
        let nowMs = startMs;
        for (const part of parts) {
          nowMs += part * perMs;
          if (limiter.take("a", nowMs) === 0) passed.push(nowMs);
        }
        passed.forEach((fromMs, i) => {
          const within = passed.slice(i).filter((atMs) => atMs < fromMs + perMs).length;
          assert.ok(within <= 2 * calls, `${within} passed, of ${calls}`);
        });
      }),
      { numRuns: 500 },
    );
  });

  test("over a long time it passes calls per window and the one burst, however hard it is pressed", () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 20 }), ({ calls, perMs }, windows) => {
        const limiter = limiterOf({ calls, perMs });
        let passed = 0;
        const steps = windows * calls * 4;
        for (let step = 0; step <= steps; step += 1) if (limiter.take("a", (step / steps) * windows * perMs) === 0) passed += 1;
        assert.ok(passed <= calls * (windows + 1) + 1, `${passed} passed in ${windows} windows of ${calls}`);
        assert.ok(passed >= calls * windows, `only ${passed} passed in ${windows} windows of ${calls}`);
      }),
      { numRuns: 300 },
    );
  });

  test("after a pause exactly `calls` pass at once, and the next one does not", () => {
    fc.assert(
      fc.property(shape, pauses, ({ calls, perMs }, parts) => {
        const limiter = limiterOf({ calls, perMs });
        let nowMs = 12_345.678;
        for (const part of parts) limiter.take("a", (nowMs += part * perMs));
        nowMs += 2 * perMs;
        for (let i = 0; i < calls; i += 1) assert.equal(limiter.take("a", nowMs), 0, `call ${i + 1} of ${calls}`);
        assert.ok(limiter.take("a", nowMs) > 0);
      }),
      { numRuns: 500 },
    );
  });

  test("who waits as long as it says gets in, and not a moment before", () => {
    fc.assert(
      fc.property(shape, pauses, ({ calls, perMs }, parts) => {
        const limiter = limiterOf({ calls, perMs });
        let nowMs = 0;
        for (const part of parts) limiter.take("a", (nowMs += part * perMs));
        for (let i = 0; i <= 2 * calls; i += 1) {
          const waitMs = limiter.take("a", nowMs);
          if (waitMs === 0) continue;
          assert.ok(waitMs <= perMs, `${waitMs} of ${perMs}`);
          // Instants are told apart to a nanosecond: what is shorter to wait than that is the rounding of a number.
          if (waitMs > 0.001) assert.ok(limiter.take("a", nowMs + waitMs * 0.99) > 0);
          assert.equal(limiter.take("a", nowMs + waitMs * 1.000001 + 0.000001), 0);
          return;
        }
        assert.fail("it never refused");
      }),
      { numRuns: 500 },
    );
  });

  test("a refused call costs nothing: who keeps asking is served at its rate", () => {
    const limiter = limiterOf({ calls: 10, perMs: 1_000 });
    let passed = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 1) if (limiter.take("a", nowMs) === 0) passed += 1;
    assert.ok(passed >= 109 && passed <= 110, String(passed));
  });

  test("one key does not pay for another", () => {
    const limiter = limiterOf({ calls: 1, perMs: 1_000 });
    assert.equal(limiter.take("a", 0), 0);
    assert.ok(limiter.take("a", 0) > 0);
    assert.equal(limiter.take("b", 0), 0);
  });

  test("a flood of keys keeps memory bounded, and forgets those that are not heard of any more", () => {
    const limiter = new RateLimiter({ calls: 5, perMs: 60_000, keysMax: 1_000 });
    for (let i = 0; i < 100_000; i += 1) limiter.take(`key-${i}`, i / 100);
    assert.ok(limiter.size <= 1_000, String(limiter.size));
    limiter.take("a", 1_000_000);
    limiter.take("a", 2_000_000);
    limiter.take("a", 3_000_000);
    assert.equal(limiter.size, 1);
  });

  test("forgetting idle keys gives nobody a call too many", () => {
    const limiter = limiterOf({ calls: 4, perMs: 1_000 });
    for (let i = 0; i < 4; i += 1) assert.equal(limiter.take("a", 999), 0);
    for (let nowMs = 1_000; nowMs < 5_000; nowMs += 1) limiter.take("other", nowMs); // rotates, several times
    let passed = 0;
    for (let i = 0; i < 10; i += 1) if (limiter.take("a", 5_000) === 0) passed += 1;
    assert.equal(passed, 4);
    for (let i = 0; i < 4; i += 1) limiter.take("b", 5_000);
    limiter.take("other", 6_200);
    assert.ok(limiter.take("a", 5_600) === 0 && limiter.take("a", 5_600) === 0 && limiter.take("a", 5_600) > 0);
  });

  test("a limit that lets nobody in is refused when it is made", () => {
    for (const [calls, perMs] of [[0, 1_000], [-1, 1_000], [1.5, 1_000], [Number.NaN, 1_000], [1, 0], [1, Number.NaN], [1, Number.POSITIVE_INFINITY]] as const) {
      assert.throws(() => new RateLimiter({ calls, perMs, keysMax: 10 }), RangeError);
    }
  });
});
