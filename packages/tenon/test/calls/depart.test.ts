/** A call to another process is a use like any other: the graph of calls has it, and so a suspect is found behind it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Call, CallGraph, depart } from "../../src/calls/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { get, make, ManualClock } from "./fixture.ts";

test("calls that are answered elsewhere are counted as uses by the operation that makes them, failures by whose fault they are", async () => {
  const clock = new ManualClock();
  const graph = new CallGraph(clock);
  const answers: (() => unknown)[] = [
    () => "in",
    () => {
      throw new Fault("unavailable", "things is out of reach");
    },
    () => {
      throw new Fault("invalid_argument", "the caller's own mistake");
    },
  ];
  const carrier = {
    async carry() {
      clock.advance(40);
      return answers.shift()?.();
    },
  };
  const handler = depart(get, { carrier, clock, graph });
  const parent = new Call({ operation: make, id: "1", startedAtMs: 0, input: {} });
  parent.graphNode = make.id;
  for (let i = 0; i < 3; i += 1) await Promise.resolve(handler(new Call({ operation: get, id: "2", startedAtMs: clock.elapsedMs(), input: {}, parent, from: "things" }))).catch(() => undefined);
  assert.deepEqual(graph.edges.map(({ bad, from, sumMs, to, total }) => ({ bad, from, sumMs, to, total })), [{ from: "things.make", to: "things.get", total: 3, bad: 1, sumMs: 120 }]);
});
