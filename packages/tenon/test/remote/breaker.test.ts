import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Breaker, RetryBudget } from "../../src/remote/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

function fail(breaker: Breaker, times: number): void {
  for (let i = 0; i < times; i++) breaker.failed();
}

describe("a breaker", () => {
  test("lets everything through until ten failures in a row", () => {
    const breaker = new Breaker(new ManualClock(), () => 0.5);
    fail(breaker, 9);
    breaker.answered();
    fail(breaker, 9);
    assert.deepEqual([breaker.waitMs(), breaker.isOpen], [0, false]);
    breaker.failed();
    assert.deepEqual([breaker.waitMs(), breaker.isOpen], [500, true]);
  });

  test("lets one call try when its rest is over, and opens again for twice as long when that fails", () => {
    const clock = new ManualClock();
    const breaker = new Breaker(clock, () => 0.5);
    fail(breaker, 10);
    clock.advance(500);
    assert.equal(breaker.waitMs(), 0);
    assert.ok(breaker.waitMs() > 0, "only one");
    breaker.failed();
    assert.equal(breaker.waitMs(), 1_000);
    for (let i = 0; i < 10; i++) {
      clock.advance(60_000);
      assert.equal(breaker.waitMs(), 0);
      breaker.failed();
    }
    assert.equal(breaker.waitMs(), 15_000, "and no longer than this");
  });

  test("closes at the first answer, and begins anew", () => {
    const clock = new ManualClock();
    const breaker = new Breaker(clock, () => 0.5);
    fail(breaker, 60);
    assert.equal(breaker.waitMs(), 500, "those that were under way make it no longer");
    clock.advance(500);
    assert.equal(breaker.waitMs(), 0);
    breaker.answered();
    assert.deepEqual([breaker.waitMs(), breaker.isOpen], [0, false]);
    fail(breaker, 10);
    assert.equal(breaker.waitMs(), 500);
  });
});

test("repeats are a tenth of the calls, and ten to begin with", () => {
  const budget = new RetryBudget();
  function spent(): number {
    let count = 0;
    while (budget.spend()) count += 1;
    return count;
  }
  assert.equal(spent(), 10);
  for (let call = 0; call < 55; call++) budget.earn();
  assert.equal(spent(), 5);
  for (let call = 0; call < 10_000; call++) budget.earn();
  assert.equal(spent(), 10, "and are not saved up");
});
