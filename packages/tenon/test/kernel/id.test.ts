import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdSource } from "../../src/kernel/index.ts";

test("identifiers are sixteen hexadecimal digits and differ", () => {
  const next = createIdSource(Math.random);
  const ids = Array.from({ length: 10_000 }, next);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
});

test("the same source of chance gives the same identifiers, another one others", () => {
  const idsOf = (draw: number): readonly string[] => {
    const next = createIdSource(() => draw);
    return [next(), next(), next()];
  };
  assert.deepEqual(idsOf(0.25), idsOf(0.25));
  assert.equal(idsOf(0.25).some((id) => idsOf(0.5).includes(id)), false);
});

test("the counter goes round without growing a digit", () => {
  const next = createIdSource(() => 0.999_999_999_9); // starts at the last number of 32 bits
  for (const id of [next(), next(), next()]) assert.match(id, /^[0-9a-f]{16}$/);
});
