import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Call, deadline, type Handler } from "../../src/calls/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { get, ManualClock } from "./fixture.ts";

function start(clock: ManualClock, more: { readonly timeoutMs?: number; readonly parent?: Call } = {}): Call {
  return new Call({ operation: get, id: "1", startedAtMs: clock.elapsedMs(), input: {}, ...more });
}

function compiled(clock: ManualClock, next: Handler): Handler {
  return deadline({ clock }).compile(get, next);
}

describe("the deadline", () => {
  test("answers deadline_exceeded when it passes, aborts the signal with the same reason, and leaves no timer", async () => {
    const clock = new ManualClock();
    const call = start(clock);
    let reason: unknown;
    const answer = compiled(clock, (running) => {
      running.signal.addEventListener("abort", () => (reason = running.signal.reason));
      return new Promise(() => undefined);
    })(call) as Promise<unknown>;

    clock.advance(999);
    assert.equal(call.canceled, undefined);
    clock.advance(1);
    const fault = await answer.then(() => undefined, (thrown: unknown) => thrown);
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, "deadline_exceeded");
    assert.equal(reason, fault);
    assert.equal(clock.timers, 0);
  });

  test("costs no timer where nothing is waited for, and leaves none behind where something was", async () => {
    const clock = new ManualClock();
    assert.equal(compiled(clock, () => 7)(start(clock)), 7);
    assert.equal(clock.timers, 0);
    const answer = compiled(clock, () => Promise.resolve(8))(start(clock));
    assert.equal(await answer, 8);
    assert.equal(clock.timers, 0);
  });

  test("is the caller's own where that is shorter, never longer than the contract's", () => {
    const clock = new ManualClock();
    const short = start(clock, { timeoutMs: 200 });
    compiled(clock, () => undefined)(short);
    assert.equal(short.deadlineAtMs, 200);
    const long = start(clock, { timeoutMs: 60_000 });
    compiled(clock, () => undefined)(long);
    assert.equal(long.deadlineAtMs, 1_000);
  });

  test("of a part is what is left of the whole, and the part ends when the whole is canceled", async () => {
    const clock = new ManualClock();
    const parent = start(clock);
    compiled(clock, () => undefined)(parent);
    clock.advance(700);
    const child = start(clock, { parent });
    const answer = compiled(clock, () => new Promise(() => undefined))(child) as Promise<unknown>;
    assert.equal(child.deadlineAtMs, 1_000);
    parent.cancel();
    await assert.rejects(answer, { code: "canceled" });
  });

  test("that has passed before the work begins refuses the call without starting it", () => {
    const clock = new ManualClock();
    const call = start(clock, { timeoutMs: 0 });
    let started = false;
    assert.throws(() => compiled(clock, () => (started = true))(call), { code: "deadline_exceeded" });
    assert.equal(started, false);
  });
});
