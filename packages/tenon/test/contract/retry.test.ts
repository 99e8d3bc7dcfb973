import assert from "node:assert/strict";
import { test } from "node:test";
import { ContractMistakes } from "../../src/contract/index.ts";
import { defaultRetryPolicy, parseRetryOptions, type RetryOptions } from "../../src/contract/index.ts";
import { backoffMs } from "../../src/kernel/index.ts";

function mistakesOf(options: unknown): readonly string[] {
  try {
    parseRetryOptions(options as RetryOptions);
    return [];
  } catch (error) {
    assert.ok(error instanceof ContractMistakes);
    for (const { remedy } of error.mistakes) assert.notEqual(remedy, "");
    return error.mistakes.map(({ at, problem }) => `${at}: ${problem}`);
  }
}

test("where nothing is said, the defaults hold", () => {
  const defaults = { attempts: 10, maxAgeMs: 604_800_000, baseMs: 1_000, capMs: 600_000 };
  assert.deepEqual(parseRetryOptions(), defaults);
  assert.deepEqual(parseRetryOptions({}), defaults);
  assert.deepEqual(parseRetryOptions({ backoff: {} }), defaults);
});

test("each option stands for itself", () => {
  assert.deepEqual(parseRetryOptions({ attempts: 3 }), { ...defaultRetryPolicy, attempts: 3 });
  assert.deepEqual(parseRetryOptions({ maxAge: "1h" }), { ...defaultRetryPolicy, maxAgeMs: 3_600_000 });
  assert.deepEqual(parseRetryOptions({ backoff: { base: "250ms" } }), { ...defaultRetryPolicy, baseMs: 250 });
  assert.deepEqual(parseRetryOptions({ backoff: { base: "5s", cap: "5s" } }), { ...defaultRetryPolicy, baseMs: 5_000, capMs: 5_000 });
});

test("the limits themselves are allowed", () => {
  const options: RetryOptions = { attempts: 1_000, maxAge: "1s", backoff: { base: "10ms", cap: "10ms" } };
  assert.deepEqual(parseRetryOptions(options), { attempts: 1_000, maxAgeMs: 1_000, baseMs: 10, capMs: 10 });
  assert.equal(parseRetryOptions({ attempts: 1 }).attempts, 1);
});

test("everything that is wrong is told in one go, each with a remedy", () => {
  assert.deepEqual(mistakesOf({ attempts: 0, maxAge: "a week", backoff: { base: "1ms", cap: 600 } }), [
    "attempts: 0 is not a whole number from 1 to 1000",
    'maxAge: "a week" is not a duration',
    'backoff.base: "1ms" is too short',
    "backoff.cap: 600 is not a duration",
  ]);
  assert.deepEqual(mistakesOf({ attempts: 2.5, retries: 3, backoff: { max: "1m" } }), [
    "retries: there is no such option",
    "backoff.max: there is no such option",
    "attempts: 2.5 is not a whole number from 1 to 1000",
  ]);
  assert.deepEqual(mistakesOf({ attempts: 1_001, maxAge: `${"9".repeat(20)}y` }), [
    "attempts: 1001 is not a whole number from 1 to 1000",
    `maxAge: "${"9".repeat(20)}y" is too long`,
  ]);
});

test("a cap below the base is a mistake, also when one of them is the default", () => {
  assert.deepEqual(mistakesOf({ backoff: { base: "1m", cap: "30s" } }), ["backoff: the cap, 30s, is below the base, 1m"]);
  assert.deepEqual(mistakesOf({ backoff: { base: "1h" } }), ["backoff: the cap, 10m, is below the base, 1h"]);
  assert.deepEqual(mistakesOf({ backoff: { cap: "500ms" } }), ["backoff: the cap, 500ms, is below the base, 1s"]);
});

test("the defaults last as long as their reasons say", () => {
  const waits = (attempts: number): number =>
    Array.from({ length: attempts - 1 }, (_, index) => backoffMs(index + 1, defaultRetryPolicy, () => 0.5)).reduce((sum, wait) => sum + wait, 0) / 60_000;
  assert.equal(Math.round(waits(10)), 4);
  assert.ok(waits(10) * 2 < 9);
  assert.equal(Math.round(waits(30) / 10) * 10, 100);
});
