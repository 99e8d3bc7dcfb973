import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../src/kernel/index.ts";

test("a duration is a number and a unit", () => {
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration("2s"), 2_000);
  assert.equal(parseDuration("1.5s"), 1_500);
  assert.equal(parseDuration("15m"), 900_000);
  assert.equal(parseDuration("1h"), 3_600_000);
  assert.equal(parseDuration("30d"), 2_592_000_000);
  assert.equal(parseDuration("7y"), 7 * 365 * 86_400_000);
  assert.equal(parseDuration("0ms"), 0);
});

test("what is not a duration is undefined, never a guess", () => {
  for (const text of ["", "5", "s", "-1s", "1 s", "1S", "1sec", "1e3s", ".5s", "1.s", "Infinitys", "1s ", "1h30m", "NaNms"]) {
    assert.equal(parseDuration(text), undefined, JSON.stringify(text));
  }
});

test("a duration is written in the largest unit that says it exactly", () => {
  assert.equal(formatDuration(90_000), "90s");
  assert.equal(formatDuration(120_000), "2m");
  assert.equal(formatDuration(86_400_000), "1d");
  assert.equal(formatDuration(365 * 86_400_000), "1y");
  assert.equal(formatDuration(1_001), "1001ms");
  assert.equal(formatDuration(0), "0ms");
});

test("what is written is read back as the same length", () => {
  fc.assert(fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (ms) => parseDuration(formatDuration(ms)) === ms));
});
