import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Metrics } from "../../src/telemetry/index.ts";

describe("metrics", () => {
  test("are counted by operation and code, with durations in cumulative buckets", () => {
    const metrics = new Metrics();
    const meter = metrics.operation("orders.place");
    meter.observe("ok", 0.4);
    meter.observe("ok", 1); // a bound belongs to its own bucket: le means at most
    meter.observe("overloaded", 20_000);
    metrics.gauge({ name: "tenon_calls_underway", help: "Calls under way.", read: () => 3 });
    const lines = metrics.toPrometheus().split("\n");
    for (const expected of [
      'tenon_calls_total{operation="orders.place",code="ok"} 2',
      'tenon_calls_total{operation="orders.place",code="overloaded"} 1',
      'tenon_call_duration_seconds_bucket{operation="orders.place",le="0.0005"} 1',
      'tenon_call_duration_seconds_bucket{operation="orders.place",le="0.001"} 2',
      'tenon_call_duration_seconds_bucket{operation="orders.place",le="10"} 2',
      'tenon_call_duration_seconds_bucket{operation="orders.place",le="+Inf"} 3',
      'tenon_call_duration_seconds_count{operation="orders.place"} 3',
      "tenon_calls_underway 3",
    ]) {
      assert.ok(lines.includes(expected), expected);
    }
  });

  test("give one meter to one operation, however often it is asked for", () => {
    const metrics = new Metrics();
    assert.equal(metrics.operation("a.b"), metrics.operation("a.b"));
  });
});
