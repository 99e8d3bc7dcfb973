import assert from "node:assert/strict";
import { createSecretKey, randomBytes, randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import type { SealedField } from "../../src/data/index.ts";
import { OpenedLately, type SubjectKey } from "../../src/privacy/index.ts";
import { ManualClock } from "../calls/fixture.ts";

function newKey(isFresh = false): SubjectKey {
  const bytes = randomBytes(32);
  return { id: randomUUID(), idBytes: randomBytes(16), bytes, secret: createSecretKey(bytes), purpose: "subject", subject: "ada", isFresh, isRestricted: false };
}

describe("values that were opened lately", () => {
  const field: SealedField = { column: "people/people.name", key: ["ada"], sealed: "tenon:1:a" };

  function setUp() {
    const clock = new ManualClock();
    const atHand = new Map<string, SubjectKey>();
    const keys = { drops: 0, byIdAtHand: (id: string) => atHand.get(id) };
    const key = newKey();
    atHand.set(key.id, key);
    const lately = new OpenedLately(keys, clock);
    lately.add(field, key, "tAda");
    return { atHand, clock, key, keys, lately };
  }

  test("are found by their sealed text, in their column and row alone", () => {
    const { key, lately } = setUp();
    assert.equal(lately.find({ ...field })?.marked, "tAda");
    assert.equal(lately.find({ ...field })?.key, key);
    for (const other of [{ sealed: "tenon:1:b" }, { column: "people/people.email" }, { key: ["bob"] }, { key: ["ada", "1"] }]) assert.equal(lately.find({ ...field, ...other }), undefined);
  });

  test("end with their key, also where it was read anew", () => {
    const { atHand, key, lately } = setUp();
    atHand.set(key.id, { ...key });
    assert.equal(lately.find(field), undefined);
    atHand.delete(key.id);
    assert.equal(lately.find(field), undefined);
  });

  test("are all let go when anybody's keys are dropped", () => {
    const { key, keys, lately } = setUp();
    keys.drops++;
    assert.equal(lately.find(field), undefined);
    lately.add(field, key, "tAda");
    assert.equal(lately.find(field)?.marked, "tAda");
  });

  test("are let go after two minutes, used or not", () => {
    const { clock, lately } = setUp();
    clock.advance(60_000);
    assert.equal(lately.find(field)?.marked, "tAda");
    clock.advance(60_000);
    assert.equal(lately.find(field), undefined);
  });

  test("are no more than so many, are short, and of keys that will stay", () => {
    const { atHand, key, lately } = setUp();
    for (let i = 0; i < 3 * 2_048; i++) lately.add({ ...field, sealed: `tenon:1:${i}` }, key, "t");
    const kept = Array.from({ length: 3 * 2_048 }, (_, i) => i).filter((i) => lately.find({ ...field, sealed: `tenon:1:${i}` }) !== undefined);
    assert.ok(kept.length >= 2_048 && kept.length <= 2 * 2_048, `${kept.length} are kept`);
    assert.equal(lately.find(field), undefined);
    lately.add(field, key, `t${"x".repeat(1_024)}`);
    assert.equal(lately.find(field), undefined);
    const fresh = newKey(true);
    atHand.set(fresh.id, fresh);
    lately.add(field, fresh, "t");
    assert.equal(lately.find(field), undefined);
  });
});
