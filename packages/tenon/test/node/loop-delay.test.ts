import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoopDelay } from "../../src/node/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

/** A process whose time and work are those that the test says. */
class Loop {
  readonly delay: LoopDelay;
  readonly #clock = new ManualClock();
  #cpuMs = 0;

  constructor() {
    this.delay = new LoopDelay(this.#clock, () => this.#cpuMs);
  }

  /** One turn with a request at its start, and another one that asks how late it is after so long. */
  async turn(ms: number, cpuMs = ms): Promise<number> {
    this.delay.seen(this.#clock.elapsedMs());
    this.#clock.advance(ms);
    this.#cpuMs += cpuMs;
    const delayMs = this.delay.delayMs();
    await new Promise((resolve) => setImmediate(resolve));
    return delayMs;
  }
}

describe("the delay of the event loop", () => {
  test("is nothing while turns are short, or long for less than a second", async () => {
    const loop = new Loop();
    for (let turns = 0; turns < 100; turns += 1) assert.equal(await loop.turn(20), 0);
    for (let turns = 0; turns < 16; turns += 1) assert.equal(await loop.turn(60), 0);
  });

  test("is the time since the turn began once a queue has stood for a second, and nothing again after a short turn", async () => {
    const loop = new Loop();
    for (let turns = 0; turns < 17; turns += 1) await loop.turn(60);
    assert.equal(await loop.turn(60), 60);
    assert.equal(await loop.turn(75), 75);
    await loop.turn(1);
    assert.equal(await loop.turn(60), 0);
  });

  test("does not count what others did with the processor", async () => {
    const loop = new Loop();
    for (let turns = 0; turns < 40; turns += 1) assert.equal(await loop.turn(60, 30), 0);
  });

  test("goes by the work of this very process where nothing else is said", async () => {
    const clock = new ManualClock();
    const delay = new LoopDelay(clock);
    for (let turns = 0; turns < 20; turns += 1) {
      delay.seen(clock.elapsedMs());
      clock.advance(60_000); // nobody works for so long in no time
      assert.equal(delay.delayMs(), 0);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
