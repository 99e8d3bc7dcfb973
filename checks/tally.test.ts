/** The counts that the gate and CI end with. A wrong one would hide a failure. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addTallies, formatTally, readTally } from "./tally.ts";

test("the counts of a run are read from its end, in both formats, with colors or without", () => {
  const end = ["tests 9", "suites 1", "pass 4", "fail 2", "cancelled 1", "skipped 1", "todo 1", "duration_ms 12.5"];
  const expected = { passed: 4, failed: 3, skipped: 2 };
  assert.deepEqual(readTally(end.map((line) => `ℹ ${line}\n`).join("")), expected);
  assert.deepEqual(readTally(end.map((line) => `# ${line}\n`).join("")), expected);
  assert.deepEqual(readTally(end.map((line) => `\u001b[34mℹ ${line}\u001b[39m\n`).join("")), expected);
});

test("what a test prints is not taken for the counts at the end", () => {
  assert.deepEqual(readTally("ℹ pass 100\nℹ fail 0\nℹ pass 1\nℹ fail 1\n"), { passed: 1, failed: 1, skipped: 0 });
});

test("a run that was killed before its end has counted nothing", () => {
  assert.deepEqual(readTally("✔ one\n✔ two\n"), { passed: 0, failed: 0, skipped: 0 });
});

test("counts add up, and are told in one line", () => {
  const tallies = [{ passed: 2, failed: 1, skipped: 0 }, { passed: 5, failed: 0, skipped: 3 }];
  assert.equal(formatTally(addTallies(tallies)), "7 passed, 1 failed, 3 skipped");
});
