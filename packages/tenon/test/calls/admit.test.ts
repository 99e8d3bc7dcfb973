import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { admit, Call, ConcurrencyLimit } from "../../src/calls/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { get, ManualClock } from "./fixture.ts";

function call(parent?: Call): Call {
  return new Call({ operation: get, id: "1", startedAtMs: 0, input: {}, parent });
}

describe("admission", () => {
  test("refuses what finds no place with overloaded and a drawn retry-after, and gives places back on every way out", async () => {
    const limit = new ConcurrencyLimit({ min: 1, max: 1, initial: 1 });
    const clock = new ManualClock();
    const ends: ((how: "well" | "badly") => void)[] = [];
    const run = admit({ limit, clock, random: () => 0.99 }).compile(get, () => new Promise((resolve, reject) => ends.push((how) => (how === "well" ? resolve(1) : reject(new Fault("conflict", "no"))))));
    const first = run(call()) as Promise<unknown>;
    assert.throws(() => run(call()), (thrown) => thrown instanceof Fault && thrown.code === "overloaded" && thrown.retryAfterS === 3);
    ends[0]?.("well");
    await first;
    const second = run(call()) as Promise<unknown>;
    ends[1]?.("badly");
    await assert.rejects(second, { code: "conflict" });
    const throwing = admit({ limit, clock, random: () => 0 }).compile(get, () => {
      throw new Fault("not_found", "no");
    });
    assert.throws(() => throwing(call()), { code: "not_found" });
    assert.equal(limit.underway, 0);
  });

  test("lets a part of an admitted call through, however full it is", () => {
    const limit = new ConcurrencyLimit({ min: 1, max: 1, initial: 1 });
    const run = admit({ limit, clock: new ManualClock(), random: () => 0 }).compile(get, () => "in");
    assert.equal(limit.tryAcquire(), true);
    assert.equal(run(call(call())), "in");
  });

  test("refuses everybody while requests wait too long before they are seen", () => {
    let waitMs = 39;
    const run = admit({ limit: new ConcurrencyLimit({ min: 1, max: 9, initial: 9 }), clock: new ManualClock(), random: () => 0, queueDelayMs: () => waitMs }).compile(get, () => "in");
    assert.equal(run(call()), "in");
    waitMs = 41;
    assert.throws(() => run(call()), { code: "overloaded" });
  });
});
