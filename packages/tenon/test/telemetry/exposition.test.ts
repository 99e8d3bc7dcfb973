/** Metrics as text, in both formats. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type MetricFamily, toMetricsText } from "../../src/telemetry/index.ts";

const exemplar = { value: 0.07, timeMs: 1_764_000_000_125, traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const families: readonly MetricFamily[] = [
  { name: "orders_placed", help: 'Orders "placed"\nby \\tier.', unit: "", type: "counter", series: [{ labels: { tier: "gold" }, value: 3, sinceMs: 1_500 }] },
  { name: "heap_bytes", help: "Heap.", unit: "bytes", type: "gauge", series: [{ labels: {}, value: Number.NaN, sinceMs: 0 }] },
  {
    name: "work_seconds",
    help: "Work.",
    unit: "seconds",
    type: "histogram",
    series: [{ labels: { of: "us" }, sinceMs: 2_000, histogram: { bounds: [0.05, 1], counts: [1, 2, 1], sum: 9.5, count: 4, exemplars: new Map([[1, exemplar]]) } }],
  },
];

describe("metrics as text", () => {
  test("are OpenMetrics 1.0, with units, exemplars and the instants at which counting began", () => {
    assert.equal(
      toMetricsText(families, "openmetrics"),
      String.raw`# HELP orders_placed Orders \"placed\"\nby \\tier.
# TYPE orders_placed counter
orders_placed_total{tier="gold"} 3
orders_placed_created{tier="gold"} 1.500
# HELP heap_bytes Heap.
# TYPE heap_bytes gauge
# UNIT heap_bytes bytes
heap_bytes NaN
# HELP work_seconds Work.
# TYPE work_seconds histogram
# UNIT work_seconds seconds
work_seconds_bucket{of="us",le="0.05"} 1
work_seconds_bucket{of="us",le="1.0"} 3 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 0.07 1764000000.125
work_seconds_bucket{of="us",le="+Inf"} 4
work_seconds_sum{of="us"} 9.5
work_seconds_count{of="us"} 4
work_seconds_created{of="us"} 2.000
# EOF
`,
    );
  });

  test("are what Prometheus reads without asking for it", () => {
    assert.equal(
      toMetricsText(families, "prometheus"),
      String.raw`# HELP orders_placed_total Orders "placed"\nby \\tier.
# TYPE orders_placed_total counter
orders_placed_total{tier="gold"} 3
# HELP heap_bytes Heap.
# TYPE heap_bytes gauge
heap_bytes NaN
# HELP work_seconds Work.
# TYPE work_seconds histogram
work_seconds_bucket{of="us",le="0.05"} 1
work_seconds_bucket{of="us",le="1"} 3
work_seconds_bucket{of="us",le="+Inf"} 4
work_seconds_sum{of="us"} 9.5
work_seconds_count{of="us"} 4
`,
    );
  });

  test("end properly where there are none", () => {
    assert.equal(toMetricsText([], "openmetrics"), "# EOF\n");
    assert.equal(toMetricsText([], "prometheus"), "");
  });

  test("keep any value of a label on its line, and whole", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("\\", '"', "\n", "n", "}", " ", "é") }), (value) => {
        for (const format of ["openmetrics", "prometheus"] as const) {
          const text = toMetricsText([{ name: "visits", help: "", unit: "", type: "gauge", series: [{ labels: { of: value }, value: 1, sinceMs: 0 }] }], format);
          const quoted = /^visits\{of="((?:[^"\\\n]|\\["\\n])*)"\} 1$/m.exec(text)?.[1];
          assert.equal(quoted?.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char)), value);
        }
      }),
    );
  });
});
