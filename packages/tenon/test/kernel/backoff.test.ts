import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../src/kernel/index.ts";

test("waits grow to their cap and spread over the upper half", () => {
  const policy = { baseMs: 100, capMs: 1_000 };
  assert.deepEqual([1, 2, 3, 4, 5, 1_000].map((attempt) => backoffMs(attempt, policy, () => 1)), [100, 200, 400, 800, 1_000, 1_000]);
  assert.deepEqual([1, 2, 5].map((attempt) => backoffMs(attempt, policy, () => 0)), [50, 100, 500]);
});
