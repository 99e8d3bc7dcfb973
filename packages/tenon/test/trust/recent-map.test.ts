import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RecentMap } from "../../src/trust/index.ts";

describe("RecentMap", () => {
  test("whatever is done, it never holds more than its bound, nor anything but what was set last", () => {
    const key = fc.integer({ min: 0, max: 30 }).map(String);
    const step = fc.oneof(
      fc.record({ does: fc.constant("set" as const), key }),
      fc.record({ does: fc.constant("get" as const), key }),
      fc.record({ does: fc.constant("delete" as const), key }),
      fc.record({ does: fc.constant("rotate" as const), key }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.array(step, { maxLength: 200 }), (maxEntries, steps) => {
        const map = new RecentMap<{ readonly value: number }>(maxEntries);
        const truth = new Map<string, number>();
        steps.forEach(({ does, key: name }, value) => {
          if (does === "set") {
            map.set(name, { value });
            truth.set(name, value);
            assert.equal(map.get(name)?.value, value);
          } else if (does === "delete") {
            map.delete(name);
            truth.delete(name);
            assert.equal(map.get(name), undefined);
          } else if (does === "rotate") {
            map.rotate();
          } else {
            const found = map.get(name);
            if (found !== undefined) assert.equal(found.value, truth.get(name));
          }
          assert.ok(map.size <= maxEntries, `${map.size} of ${maxEntries}`);
        });
      }),
    );
  });

  test("what is used stays, however many others pass", () => {
    const map = new RecentMap<object>(100);
    const used = {};
    map.set("used", used);
    for (let i = 0; i < 10_000; i += 1) {
      map.set(`other-${i}`, {});
      assert.equal(map.get("used"), used);
    }
  });

  test("what was not used since the rotation before the last is gone", () => {
    const map = new RecentMap<object>(100);
    map.set("a", {});
    map.rotate();
    assert.ok(map.get("a"));
    map.rotate();
    map.rotate();
    assert.equal(map.get("a"), undefined);
    assert.equal(map.size, 0);
  });

  test("a bound that holds nothing is refused", () => {
    for (const maxEntries of [0, 1, -1, 2.5, Number.NaN]) assert.throws(() => new RecentMap(maxEntries), RangeError);
  });
});
