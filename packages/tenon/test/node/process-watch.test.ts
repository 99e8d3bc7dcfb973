/** Figures of this very process, while it works, waits and collects garbage. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ProcessWatch } from "../../src/node/index.ts";
import { Metrics } from "../../src/telemetry/index.ts";
import { ManualClock } from "../trust/manual-clock.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** @param work  What the process does while it is watched. */
async function watched(work: (look: (name: string) => number, clock: ManualClock) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const metrics = new Metrics({ clock });
  const watch = new ProcessWatch({ metrics, clock });
  watch.start();
  const look = (name: string): number => metrics.collect().find((family) => family.name === name)?.series[0]?.value ?? Number.NaN;
  try {
    await work(look, clock);
    const collections = metrics.collect().find(({ name }) => name === "nodejs_gc_duration_seconds");
    assert.deepEqual(collections?.series.map(({ labels }) => labels["kind"]).toSorted(), ["incremental", "major", "minor", "weakcb"]);
  } finally {
    watch.stop();
  }
}

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe("the figures of a process", () => {
  test("show how late its event loop is, by windows of ten seconds that all who collect share", async () => {
    await watched(async (look, clock) => {
      await pause(100);
      block(300);
      await pause(100);
      const max = look("nodejs_eventloop_lag_max_seconds");
      assert.ok(max > 0.2 && max < 5, `${max} s late`);
      assert.ok(look("nodejs_eventloop_lag_min_seconds") < 0.2);
      assert.ok(look("nodejs_eventloop_utilization_ratio") > 0.1);
      clock.advance(10_000);
      assert.equal(look("nodejs_eventloop_lag_max_seconds"), max, "the window that has just ended");
      await pause(100);
      assert.equal(look("nodejs_eventloop_lag_max_seconds"), max, "still, while the next one runs");
      clock.advance(10_000);
      assert.ok(look("nodejs_eventloop_lag_max_seconds") < max, "the next one had no such delay");
    });
  });

  test("show its work, its memory and its files", async () => {
    await watched(async (look) => {
      const before = look("process_cpu_seconds");
      for (let round = 0; round < 20 && look("process_cpu_seconds") - before <= 0.02; round += 1) block(50); // others may have the core
      assert.ok(look("process_cpu_seconds") - before > 0.02);
      assert.ok(look("process_resident_memory_bytes") > look("nodejs_heap_size_used_bytes"));
      assert.ok(look("nodejs_heap_size_used_bytes") > 1e6);
      if (process.platform === "linux") assert.ok(look("process_open_fds") > 2 && look("process_open_fds") < look("process_max_fds"));
    });
  });

  test("count what the garbage collector did", async () => {
    const clock = new ManualClock();
    const metrics = new Metrics({ clock });
    const watch = new ProcessWatch({ metrics, clock });
    const majors = (): number => metrics.collect().find(({ name }) => name === "nodejs_gc_duration_seconds")?.series.find(({ labels }) => labels["kind"] === "major")?.histogram?.count ?? 0;
    watch.start();
    collectGarbage();
    for (let i = 0; i < 100 && majors() === 0; i++) await pause(20);
    assert.ok(majors() > 0);
    watch.stop();
    const counted = majors();
    collectGarbage();
    await pause(100);
    assert.equal(majors(), counted, "nothing is watched any more");
  });
});
