/** What an incident is made of: when it began, how many callers met it, which traces show it, and what counting costs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CallGraph, type GraphedCall } from "../../src/calls/index.ts";
import { anonymous } from "../../src/contract/index.ts";
import { bucketMs, findOnset, NotableMemory, settingsChange } from "../../src/incidents/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { SimulatedGraph } from "./simulated-graph.ts";

describe("when it began", () => {
  test("is the bucket in which a share went up for good, and not an odd failure before", () => {
    const row = Array.from({ length: 60 }, (_, i) => ({ atMs: i * 10_000, total: 200, bad: i === 11 ? 2 : i >= 40 ? 10 : 0 }));
    assert.equal(findOnset(row), 400_000);
    assert.equal(findOnset(row.map((each) => ({ ...each, bad: 0 }))), undefined);
    assert.equal(findOnset(row.map((each) => ({ ...each, bad: 3 }))), 0);
  });

  test("is found to the bucket wherever it is, in any traffic", () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 55 }), fc.array(fc.integer({ min: 20, max: 500 }), { minLength: 60, maxLength: 60 }), (at, totals) => {
        const row = totals.map((total, i) => ({ atMs: i * 10_000, total, bad: i >= at ? Math.ceil(total * 0.3) : 0 }));
        assert.equal(findOnset(row), at * 10_000);
      }),
    );
  });
});

const call = (subject: string, operation = "orders.get", traceId = ""): GraphedCall => ({ graphNode: operation, parent: undefined, caller: subject === "" ? anonymous : { ...anonymous, kind: "person", subject, issuer: "https://issuer" }, address: "10.0.0.1", traceIds: { traceId, spanId: "" } });

describe("callers that met it", () => {
  test("are counted to a few percent, each once, over operations and minutes, and nobody is named", () => {
    const clock = new ManualClock();
    const memory = new NotableMemory({ clock, random: () => 0.42 });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 400; i++) memory.notable(call(`caller-${i}`, i % 2 === 0 ? "orders.get" : "orders.place"), "internal", 5);
      clock.advance(40_000);
    }
    const about = memory.callers(["orders.get", "orders.place"], 0);
    assert.ok(Math.abs(about - 400) < 60, `${about}`);
    assert.ok(Math.abs(memory.callers(["orders.get"], 0) - 200) < 30);
    assert.equal(memory.callers(["orders.list"], 0), 0);
    assert.equal(memory.callers(["orders.get"], clock.nowMs() + 60_000), 0, "those of before do not count");
    assert.ok(!JSON.stringify(memory).includes("caller-"));
  });

  test("few are counted to the one; without names they are told apart by address", () => {
    const memory = new NotableMemory({ clock: new ManualClock(), random: () => 0.1 });
    for (const subject of ["ada", "bob", "ada", "", ""]) memory.notable(call(subject), "internal", 5);
    assert.equal(memory.callers(["orders.get"], 0), 3);
  });

  test("the latest traces are kept, failed ones and slow ones, and memory is bounded", () => {
    const clock = new ManualClock();
    const memory = new NotableMemory({ clock, random: () => 0.1 });
    for (let i = 0; i < 100; i++) {
      clock.advance(10);
      memory.notable(call("ada", `orders.op${i % 80}`, `trace-${i}`), i % 2 === 0 ? "internal" : "ok", 5);
    }
    const { failed, slow } = memory.samples(["orders.op0", "orders.op1", "orders.op79"], 0);
    assert.deepEqual(failed.map(({ traceId }) => traceId), ["trace-80", "trace-0"]);
    assert.deepEqual(slow.map(({ traceId }) => traceId), ["trace-81", "trace-1"], "the 65th operation and those after it are not remembered");
  });
});

describe("the past of the graph", () => {
  test("sums to what was counted, bucket by bucket, and forgets what is older than two hours", () => {
    const simulated = new SimulatedGraph();
    const use = (times: number) => [{ from: "", to: "a.x", times, bad: 1, ms: 3 }];
    const startMs = simulated.clock.nowMs();
    for (let i = 1; i <= 10; i++) simulated.pass(use(i));
    const { edges } = simulated.history;
    assert.deepEqual(simulated.history.uses(edges, startMs, simulated.clock.nowMs()).total, 55);
    assert.deepEqual(simulated.history.uses(edges, startMs + 2 * bucketMs, startMs + 4 * bucketMs), { total: 7, bad: 2, sumMs: 21, slots: [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
    simulated.clock.advance(7_200_000);
    simulated.pass(use(2));
    assert.equal(simulated.history.uses(edges, startMs, simulated.clock.nowMs()).total, 2);
  });

  test("edges are bounded, and what is beyond is counted", () => {
    const graph = new CallGraph(new ManualClock());
    for (let i = 0; i < 600; i++) graph.edge("a.x", `dependency:${i}`).observe(false, 1);
    assert.deepEqual([graph.edges.length, graph.unplaced], [512, 88]);
  });

  test("settings are compared by name, and no value is in what is told", () => {
    assert.equal(settingsChange({ salt: "s", digests: { A: "1", B: "2" } }, { salt: "s", digests: { A: "1", B: "2" } }), undefined);
    assert.equal(settingsChange({ salt: "s", digests: { A: "1", B: "2" } }, { salt: "s", digests: { B: "9", C: "3" } }), "A was taken away, B has another value, C was set");
  });

  test("counting a call costs below 150 ns", (t) => {
    const graph = new CallGraph(new ManualClock());
    const into = graph.into("orders.get", 1_000);
    const from = { ...call("ada"), parent: call("ada", "orders.place") };
    const calls = 1_000_000;
    const rounds = Array.from({ length: 5 }, () => {
      const startMs = performance.now();
      for (let i = 0; i < calls; i++) into.observe(from, { code: "ok", isBad: false, ms: i % 200 });
      return ((performance.now() - startMs) / calls) * 1_000_000;
    });
    const ns = Math.min(...rounds);
    t.diagnostic(`${ns.toFixed(1)} ns`);
    assert.ok(ns < 150, `${ns} ns`);
  });
});

describe("what is remembered of calls", () => {
  test("makes room for operations that fail now by those that have not for an hour", () => {
    const clock = new ManualClock();
    const memory = new NotableMemory({ clock, random: () => 0.42 });
    for (let i = 0; i < 100; i += 1) memory.notable(call("ada", `orders.op${i}`, `trace${i}`), "internal", 5);
    assert.equal(memory.callers(["orders.op63"], 0), 1);
    assert.equal(memory.callers(["orders.op64"], 0), 0, "64 at once");
    clock.advance(3_000_000);
    memory.notable(call("ada", "orders.op0", "later"), "internal", 5);
    clock.advance(3_000_000);
    memory.notable(call("ada", "orders.new", "new"), "internal", 5);
    assert.equal(memory.callers(["orders.new"], 0), 1);
    assert.equal(memory.callers(["orders.op1"], 0), 0);
    assert.deepEqual(memory.samples(["orders.op0"], 0).failed.map(({ traceId }) => traceId), ["trace0", "later"].toReversed());
  });
});
