/** The ring of buckets against a plain list of events: whatever happens when, a window holds what the list says. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BucketRing, type Counts, keptMs, tiers } from "../../src/objectives/index.ts";

const windowsMs = [300_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000, 259_200_000, keptMs];

interface Happened extends Counts {
  readonly atMs: number;
}

/** The tier that answers for a window. */
function bucketMsOf(windowMs: number): number {
  const tier = tiers.find(({ bucketS, length }) => bucketS * length * 1_000 >= windowMs);
  assert.ok(tier !== undefined);
  return tier.bucketS * 1_000;
}

/** What a window holds by the list: whole buckets, the one under way included. */
function expectedOf(events: readonly Happened[], windowMs: number, nowMs: number): Counts {
  const bucketMs = bucketMsOf(windowMs);
  const last = Math.floor(nowMs / bucketMs);
  const first = last - windowMs / bucketMs + 1;
  const inside = events.filter(({ atMs }) => Math.floor(atMs / bucketMs) >= first && Math.floor(atMs / bucketMs) <= last);
  return { bad: inside.reduce((sum, { bad }) => sum + bad, 0), total: inside.reduce((sum, { total }) => sum + total, 0) };
}

const startMs = 1_700_000_000_000;
/** Steps from nothing to more than is kept, short ones more often. */
const step = fc.oneof(fc.nat(20_000), fc.nat(4_000_000), fc.nat(100_000_000), fc.nat(40 * 86_400_000));
const counts = fc.nat(1_000).chain((total) => fc.nat(total).map((bad) => ({ bad, total })));

describe("a ring of buckets", () => {
  test("says of every window what a list of all events says", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, counts), { maxLength: 60 }), step, (steps, rest) => {
        const ring = new BucketRing();
        const events: Happened[] = [];
        let nowMs = startMs;
        for (const [ms, counted] of steps) {
          nowMs += ms;
          ring.add(nowMs, counted);
          events.push({ atMs: nowMs, ...counted });
        }
        nowMs += rest;
        for (const windowMs of windowsMs) assert.deepEqual(ring.sum(windowMs, nowMs), expectedOf(events, windowMs, nowMs), `window of ${windowMs} ms`);
      }),
      { numRuns: 300 },
    );
  });

  test("takes what comes late into the bucket of its instant, as long as that is kept", () => {
    fc.assert(
      fc.property(fc.nat(50 * 86_400_000), counts, counts, (agoMs, late, prompt) => {
        const ring = new BucketRing();
        ring.add(startMs, prompt);
        ring.add(startMs - agoMs, late);
        for (const windowMs of windowsMs) assert.deepEqual(ring.sum(windowMs, startMs), expectedOf([{ atMs: startMs, ...prompt }, { atMs: startMs - agoMs, ...late }], windowMs, startMs), `window of ${windowMs} ms`);
      }),
    );
  });

  test("what is set bucket by bucket is what was added", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3_600_000), counts), { minLength: 1, maxLength: 40 }), (steps) => {
        const added = new BucketRing();
        const copied = new BucketRing();
        const stored = new Map<string, { readonly bucketS: number; readonly atMs: number; bad: number; total: number }>();
        let nowMs = startMs;
        for (const [ms, counted] of steps) {
          nowMs += ms;
          added.add(nowMs, counted);
          for (const { bucketS } of tiers) {
            const atMs = nowMs - (nowMs % (bucketS * 1_000));
            const row = stored.get(`${bucketS}/${atMs}`) ?? { bucketS, atMs, bad: 0, total: 0 };
            stored.set(`${bucketS}/${atMs}`, { ...row, bad: row.bad + counted.bad, total: row.total + counted.total });
          }
        }
        // Twice, and in no order: setting is no adding.
        for (const row of [...stored.values(), ...[...stored.values()].toReversed()]) copied.set(row.bucketS, row.atMs, row);
        for (const windowMs of windowsMs) assert.deepEqual(copied.sum(windowMs, nowMs), added.sum(windowMs, nowMs));
      }),
    );
  });

  test("forgets after 28 days, and not before", () => {
    const ring = new BucketRing();
    ring.add(startMs, { bad: 1, total: 1 });
    assert.equal(ring.sum(keptMs, startMs + keptMs - 3_600_000).total, 1);
    assert.equal(ring.sum(keptMs, startMs + keptMs + 3_600_000).total, 0);
  });

  test("holds 2 256 buckets whatever happens", () => {
    assert.equal(tiers.reduce((sum, { length }) => sum + length, 0), 2_256);
  });
});
