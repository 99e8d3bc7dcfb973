import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { anonymous, type Caller } from "../../src/contract/index.ts";
import { Call, type Handler, MemoryAnswers, replay } from "../../src/calls/index.ts";
import { get, make, ManualClock } from "./fixture.ts";

function person(subject: string): Caller {
  return { kind: "person", subject, issuer: "test", scopes: new Set(), roles: new Set(), claims: {} };
}

function call(input: unknown, idempotencyKey: string | undefined, caller: Caller = person("ada")): Call {
  return new Call({ operation: make, id: "1", startedAtMs: 0, input, idempotencyKey, caller });
}

function compiled(next: Handler, clock = new ManualClock()): Handler {
  const answers = new MemoryAnswers({ keepMs: 1_000, max: 3, nowMs: () => clock.nowMs() });
  return replay({ answers }).compile(make, next);
}

describe("replay", () => {
  test("gives a repeat its first answer and does not run the handler again", async () => {
    let runs = 0;
    const run = compiled(() => ({ name: `run ${++runs}` }));
    assert.deepEqual(await run(call({ name: "a" }, "k")), { name: "run 1" });
    const again = call({ name: "a" }, "k");
    assert.deepEqual(await run(again), { name: "run 1" });
    assert.equal(again.isReplay, true);
    assert.equal(runs, 1);
  });

  test("answers conflict for another input under the same key", async () => {
    const run = compiled(() => ({ name: "x" }));
    await run(call({ name: "a" }, "k"));
    await assert.rejects(async () => run(call({ name: "b" }, "k")), { code: "conflict" });
  });

  test("never replays one caller's answer to another", async () => {
    const run = compiled((running) => ({ name: running.caller?.subject }));
    assert.deepEqual(await run(call({ name: "a" }, "k", person("ada"))), { name: "ada" });
    assert.deepEqual(await run(call({ name: "a" }, "k", person("bob"))), { name: "bob" });
  });

  test("refuses short keys of callers who have shown nothing, as only their keys tell them apart", async () => {
    let runs = 0;
    const run = compiled(() => ({ name: `run ${++runs}` }));
    for (const key of ["1", "order-1", "2026-11-26", "x".repeat(15)]) {
      await assert.rejects(async () => run(call({ name: "a" }, key, anonymous)), { code: "invalid_argument", message: /16 characters at least/ });
    }
    const [one, other] = ["6f1c0a52d8be4f7c", "0b9f2c44-7f0e-4f5d-9f0a-3f6c1f7f6f0e"];
    assert.deepEqual(await run(call({ name: "a" }, one, anonymous)), { name: "run 1" });
    assert.deepEqual(await run(call({ name: "a" }, one, anonymous)), { name: "run 1" });
    assert.deepEqual(await run(call({ name: "a" }, other, anonymous)), { name: "run 2" });
  });

  test("takes a short key that a service has chosen, also where it acts for nobody", async () => {
    const run = compiled(() => ({ name: "x" }));
    assert.deepEqual(await run(new Call({ operation: make, id: "1", startedAtMs: 0, input: { name: "a" }, idempotencyKey: "k", caller: anonymous, from: "orders" })), { name: "x" });
  });

  test("stores nothing of a command that failed: its repeat runs", async () => {
    let runs = 0;
    const run = compiled(async () => {
      runs += 1;
      if (runs === 1) throw new RangeError("first");
      return { name: "second" };
    });
    await assert.rejects(async () => run(call({ name: "a" }, "k")), RangeError);
    assert.deepEqual(await run(call({ name: "a" }, "k")), { name: "second" });
  });

  test("runs repeats that come at once one after the other, so the handler runs once", async () => {
    let runs = 0;
    const run = compiled(async () => {
      runs += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return { name: `run ${runs}` };
    });
    const all = await Promise.all(Array.from({ length: 20 }, () => run(call({ name: "a" }, "k"))));
    assert.equal(runs, 1);
    assert.deepEqual(new Set(all.map((each) => JSON.stringify(each))), new Set(['{"name":"run 1"}']));
  });

  test("refuses a key that is no key, and lets calls without one and queries through untouched", async () => {
    const run = compiled(() => ({ name: "x" }));
    for (const key of ["", "a b", "ä", "x".repeat(256)]) {
      await assert.rejects(async () => run(call({ name: "a" }, key)), { code: "invalid_argument" });
    }
    assert.deepEqual(run(call({ name: "a" }, undefined)), { name: "x" });
    const next: Handler = () => 1;
    assert.equal(replay({ answers: new MemoryAnswers({ keepMs: 1, max: 1, nowMs: () => 0 }) }).compile(get, next), next);
  });

  test("in memory keeps an answer for its time and forgets the oldest beyond its size", async () => {
    const clock = new ManualClock();
    let runs = 0;
    const run = compiled(() => ({ name: `run ${++runs}` }), clock);
    await run(call({ name: "a" }, "k"));
    clock.advance(1_000);
    assert.deepEqual(await run(call({ name: "a" }, "k")), { name: "run 2" });
    for (const key of ["k1", "k2", "k3"]) await run(call({ name: "a" }, key));
    assert.deepEqual(await run(call({ name: "a" }, "k")), { name: "run 6" });
  });
});
