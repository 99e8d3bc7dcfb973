/**
 * What every LimitStore must do. An adapter's own test file is one call to this. Time is real, since the clock of an
 * adapter may be a server's: limits are wide or narrow enough that a slow machine changes nothing.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { LimitPolicy, LimitState, LimitStore } from "./ports.ts";

export interface StoreUnderTest {
  readonly store: LimitStore;
  close(): Promise<void>;
}

export function limitStoreContract(adapter: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${adapter} keeps the LimitStore contract`, () => {
    let under: StoreUnderTest;
    let next = 0;
    before(async () => {
      under = await open();
    });
    after(() => under.close());

    /** A limit that no other test counts in. */
    function policy(calls: number, perMs: number): LimitPolicy {
      return { id: `shop.act${process.pid} limit-${(next += 1)}`, calls, perMs };
    }

    async function take(given: LimitPolicy, key = "ada"): Promise<LimitState> {
      const [state] = await under.store.take([{ policy: given, key }]);
      return state as LimitState;
    }

    test("after a pause a key has all its calls at once, and not one more", async () => {
      const hourly = policy(3, 3_600_000);
      assert.deepEqual([(await take(hourly)).remaining, (await take(hourly)).remaining, (await take(hourly)).remaining], [2, 1, 0]);
      const refused = await take(hourly);
      assert.ok(refused.waitMs > 590_000 && refused.waitMs <= 600_000, `half of the interval of a call is tolerance: ${refused.waitMs}`);
      assert.equal(refused.remaining, 0);
    });

    test("keys and limits are counted each by itself", async () => {
      const [one, other] = [policy(1, 3_600_000), policy(1, 3_600_000)];
      assert.equal((await take(one)).waitMs, 0);
      assert.notEqual((await take(one)).waitMs, 0);
      assert.equal((await take(one, "alan")).waitMs, 0);
      assert.equal((await take(other)).waitMs, 0);
    });

    test("of several limits, all take a call or none does", async () => {
      const [wide, narrow] = [policy(100, 3_600_000), policy(1, 3_600_000)];
      const both = () => under.store.take([{ policy: wide, key: "ada" }, { policy: narrow, key: "ada" }]);
      assert.deepEqual((await both()).map(({ waitMs }) => waitMs), [0, 0]);
      for (let i = 0; i < 5; i += 1) {
        const [free, full] = (await both()) as readonly [LimitState, LimitState];
        assert.equal(free.waitMs, 0);
        assert.ok(full.waitMs > 0);
      }
      assert.equal((await take(wide)).remaining, 98);
    });

    test("calls come back one by one, at the rate that was said", async () => {
      const quick = policy(3, 1_800); // one each 600 ms: longer than a busy machine takes for four questions
      for (let i = 0; i < 3; i += 1) assert.equal((await take(quick)).waitMs, 0);
      const { waitMs } = await take(quick);
      assert.ok(waitMs > 0 && waitMs <= 600, String(waitMs));
      await pause(waitMs + 5);
      assert.equal((await take(quick)).waitMs, 0);
    });

    test("refused calls cost nothing", async () => {
      const hourly = policy(2, 3_600_000); // no call comes back while this runs
      await take(hourly);
      await take(hourly);
      const before = (await take(hourly)).waitMs;
      for (let i = 0; i < 50; i += 1) await take(hourly);
      const later = (await take(hourly)).waitMs;
      assert.ok(later <= before, `${later} after ${before}`);
    });

    test("many calls at once are counted one by one", async () => {
      const hourly = policy(50, 3_600_000);
      const states = await Promise.all(Array.from({ length: 200 }, () => take(hourly)));
      assert.equal(states.filter(({ waitMs }) => waitMs === 0).length, 50);
    });
  });
}
