/** The soak of the telemetry store, in short: enough for files to come and go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../seeded-random.ts";
import { runSoak } from "../telemetry-soak.ts";

test("a store that is filled beyond its limit of size stays within it, and loses nothing that is young enough", async () => {
  const sizeMaxBytes = 16 * 1024 ** 2;
  const { failed, looks, missing } = await runSoak({ spans: 50_000, sizeMaxBytes, looks: 3, random: createSeededRandom(1) });
  assert.deepEqual({ failed, missing }, { failed: 0, missing: 0 });
  assert.ok((looks.at(-1)?.spans ?? 0) >= 50_000);
  for (const look of looks) {
    assert.ok(look.storeMib <= 16, `${look.storeMib} MiB`);
    for (const [question, ms] of Object.entries(look.questionsMs)) assert.ok(ms < 2_000, `${question} took ${ms} ms`);
  }
});
