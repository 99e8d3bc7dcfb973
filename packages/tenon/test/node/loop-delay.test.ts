import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoopDelay } from "../../src/node/index.ts";
import { systemClock } from "../../src/app/index.ts";

/** One turn of the event loop with a request that computes for so long, then another that asks how late it is. */
function turn(delay: LoopDelay, computeMs: number): Promise<number> {
  return new Promise((resolve) => {
    setImmediate(() => {
      const startMs = systemClock.elapsedMs();
      delay.seen(startMs);
      const usage = process.cpuUsage();
      let spentMs = 0;
      while (spentMs < computeMs) {
        const { system, user } = process.cpuUsage(usage);
        spentMs = (system + user) / 1_000;
      }
      const delayMs = delay.delayMs();
      setImmediate(() => resolve(delayMs));
    });
  });
}

describe("the delay of the event loop", () => {
  test("is nothing while turns are short, or long for less than a second", async () => {
    const delay = new LoopDelay(systemClock);
    for (let turns = 0; turns < 5; turns += 1) assert.equal(await turn(delay, 2), 0);
    for (let turns = 0; turns < 5; turns += 1) assert.equal(await turn(delay, 60), 0);
  });

  test("is the time since the turn began once a queue has stood for a second, and nothing again after a short turn", async () => {
    const delay = new LoopDelay(systemClock);
    const untilMs = systemClock.elapsedMs() + 1_300;
    let lastMs = 0;
    while (systemClock.elapsedMs() < untilMs) lastMs = await turn(delay, 60);
    assert.ok(lastMs >= 55, `told ${lastMs} ms`);
    await turn(delay, 1);
    assert.equal(await turn(delay, 60), 0);
  });

  test("does not count what others did with the processor", async () => {
    const delay = new LoopDelay(systemClock);
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    for (let turns = 0; turns < 20; turns += 1) {
      delay.seen(systemClock.elapsedMs());
      Atomics.wait(sleeper, 0, 0, 60); // the process stands still, as if another had its core
      assert.equal(delay.delayMs(), 0);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
