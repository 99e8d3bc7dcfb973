/** The registry of an app: series and their bounds, exemplars, what is counted together, declared metrics. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Clock, Log, LogFields } from "../../src/kernel/index.ts";
import { counter, gauge, histogram } from "../../src/service/index.ts";
import { durationBoundsS, Histogram, type MetricFamily, Metrics } from "../../src/telemetry/index.ts";

let nowMs = 1_000;
const clock: Clock = { nowMs: () => nowMs, elapsedMs: () => nowMs, after: () => ({ cancel: () => undefined }) };

/** What a log was told, in words. */
class HeardLog implements Log {
  readonly heard: string[] = [];
  debug(): void {}
  info(): void {}
  warn(message: string, fields?: LogFields): void {
    this.heard.push(`${String(fields?.["metric"])}: ${message}`);
  }
  error(): void {}
}

function familyOf(metrics: Metrics, name: string): MetricFamily {
  const found = metrics.collect().find((each) => each.name === name);
  assert.ok(found, `${name} is there`);
  return found;
}

function seriesOf(metrics: Metrics, name: string): readonly (readonly [labels: string, value: number | undefined])[] {
  return familyOf(metrics, name).series.map(({ labels, value }) => [Object.values(labels).join("/"), value]);
}

/** Of the first series. */
function bucketsOf(metrics: Metrics, name: string): readonly number[] {
  return Array.from(familyOf(metrics, name).series[0]?.histogram?.counts ?? []);
}

describe("the metrics of an app", () => {
  test("count calls by operation, kind and code, and time them", () => {
    const metrics = new Metrics({ clock });
    const meter = metrics.operation("orders.place");
    meter.observe("ok", 0.4);
    meter.observe("ok", 1); // a bound belongs to its own bucket: le means at most
    meter.observe("overloaded", 20_000);
    assert.deepEqual(seriesOf(metrics, "tenon_calls"), [["orders.place/command/ok", 2], ["orders.place/command/overloaded", 1]]);
    assert.deepEqual(bucketsOf(metrics, "tenon_call_duration_seconds"), [1, 1, ...Array.from({ length: 12 }, () => 0), 1]);
    assert.equal(metrics.operation("orders.place"), meter);
  });

  test("do not change what was collected before", () => {
    const metrics = new Metrics({ clock });
    const durations = metrics.histogram({ name: "work_seconds", help: "Work.", unit: "seconds" }).with();
    durations.observe(1);
    const before = familyOf(metrics, "work_seconds").series[0]?.histogram;
    durations.observe(1);
    assert.equal(before?.count, 1);
    assert.equal(before?.counts[10], 1);
  });

  test("keep the latest exemplar of each bucket, with its trace", () => {
    nowMs = 5_000;
    const durations = new Histogram(clock);
    durations.observe(0.3, { traceId: "a".repeat(32), spanId: "1".repeat(16) });
    durations.observe(0.4, { traceId: "b".repeat(32), spanId: "2".repeat(16) });
    durations.observe(0.45);
    durations.observe(99, { traceId: "c".repeat(32), spanId: "3".repeat(16) });
    assert.deepEqual([...(durations.read().exemplars ?? [])], [
      [9, { value: 0.4, timeMs: 5_000, traceId: "b".repeat(32), spanId: "2".repeat(16) }],
      [14, { value: 99, timeMs: 5_000, traceId: "c".repeat(32), spanId: "3".repeat(16) }],
    ]);
    assert.equal(new Histogram(clock).read().exemplars, undefined);
  });

  test("put every value into the first bucket that holds it", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true })), (values) => {
        const observed = new Histogram(clock);
        for (const value of values) observed.observe(value);
        const { count, counts, sum } = observed.read();
        const edges = [...durationBoundsS, Number.POSITIVE_INFINITY];
        edges.forEach((edge, at) => {
          const above = edges[at - 1] ?? Number.NEGATIVE_INFINITY;
          assert.equal(counts[at], values.filter((value) => value > above && value <= edge).length);
        });
        assert.equal(count, values.length);
        assert.ok(Math.abs(sum - values.reduce((total, value) => total + value, 0)) < 1e-6);
      }),
    );
  });

  test("count what has no place of its own together, say so once, and lose nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 10 }), (pairs, seriesMax) => {
        const log = new HeardLog();
        const metrics = new Metrics({ clock, log, seriesMax });
        const family = metrics.counter({ name: "visits", help: "Visits.", labels: ["country", "page"] });
        for (const [country, page] of pairs) family.with(country, page).add();
        const { series } = familyOf(metrics, "visits");
        const own = new Map(pairs.map((pair) => [JSON.stringify(pair), 0]));
        assert.equal(series.length, Math.min(own.size, seriesMax) + Number(own.size > seriesMax));
        assert.equal(series.reduce((sum, { value = 0 }) => sum + value, 0), pairs.length);
        assert.equal(log.heard.length, Number(own.size > seriesMax));
        if (own.size > seriesMax) {
          assert.deepEqual(series.at(-1)?.labels, { country: "other", page: "other" });
          assert.deepEqual(seriesOf(metrics, "tenon_metric_values_unlabeled"), [["visits", series.at(-1)?.value]]);
        }
      }),
    );
  });

  test("give one series to one set of labels, however often it is asked for", () => {
    const family = new Metrics({ clock }).counter({ name: "visits", help: "Visits.", labels: ["country", "page"] });
    assert.equal(family.with("a", "b"), family.with("a", "b"));
    assert.notEqual(family.with("a", "b"), family.with("b", "a"));
    assert.throws(() => family.with("a"), RangeError);
  });

  test("refuse two metrics of one name, unless they are the same", () => {
    const metrics = new Metrics({ clock });
    const spec = { name: "visits", help: "Visits.", labels: ["page"] };
    assert.equal(metrics.counter(spec), metrics.counter({ ...spec }));
    assert.throws(() => metrics.gauge(spec), /two metrics of the name visits/);
    assert.throws(() => metrics.counter({ ...spec, labels: [] }), RangeError);
    assert.throws(() => metrics.watch({ ...spec, type: "gauge" }, () => []), RangeError);
  });

  test("leave out what cannot be read, and show the rest", () => {
    const log = new HeardLog();
    const metrics = new Metrics({ clock, log });
    metrics.watch({ name: "broken", help: "Broken.", type: "gauge" }, () => {
      throw new RangeError("no");
    });
    metrics.watch({ name: "whole", help: "Whole.", type: "gauge", labels: ["of"] }, () => [{ labels: ["us"], value: 3 }]);
    for (let i = 0; i < 2; i++) assert.deepEqual(metrics.collect().map(({ name }) => name), ["whole"]);
    assert.deepEqual(seriesOf(metrics, "whole"), [["us", 3]]);
    assert.deepEqual(log.heard, ["broken: a metric could not be read"]);
  });

  test("fetch what has to be asked for elsewhere before it is collected", async () => {
    const metrics = new Metrics({ clock });
    let value = 0;
    metrics.onRefresh(async () => void (value = 7));
    metrics.watch({ name: "far", help: "Far away.", type: "gauge" }, () => [{ value }]);
    await metrics.refresh();
    assert.deepEqual(seriesOf(metrics, "far"), [["", 7]]);
  });
});

describe("a declared metric", () => {
  const placed = counter("orders_placed", { help: "Orders.", labels: ["tier"] });

  test("is counted in each registry apart", () => {
    const [first, second] = [new Metrics({ clock }), new Metrics({ clock })];
    first.measure(placed, 1, { tier: "gold" });
    first.measure(placed, 2, { tier: "gold" });
    second.measure(placed, 5, { tier: "gold" });
    assert.deepEqual(seriesOf(first, "orders_placed"), [["gold", 3]]);
    assert.deepEqual(seriesOf(second, "orders_placed"), [["gold", 5]]);
  });

  test("is added to, set or observed by its type", () => {
    const metrics = new Metrics({ clock });
    const open = gauge("carts_open", { help: "Open carts." });
    const weight = histogram("parcel_kilograms", { help: "Weight.", unit: "kilograms", bounds: [1, 5] });
    for (const value of [3, 2]) metrics.measure(open, value);
    for (const value of [0.5, 5, 6]) metrics.measure(weight, value);
    assert.deepEqual(seriesOf(metrics, "carts_open"), [["", 2]]);
    assert.deepEqual(bucketsOf(metrics, "parcel_kilograms"), [1, 1, 1]);
  });

  test("that says the same as another one is the same, as when a module is loaded twice; one that does not is told of and left out", () => {
    const log = new HeardLog();
    const metrics = new Metrics({ clock, log });
    metrics.measure(placed, 1, { tier: "gold" });
    metrics.measure(counter("orders_placed", { help: "Orders.", labels: ["tier"] }), 1, { tier: "gold" });
    metrics.measure(gauge("orders_placed", { help: "Orders.", labels: ["tier"] }), 9, { tier: "gold" });
    assert.deepEqual(seriesOf(metrics, "orders_placed"), [["gold", 2]]);
    assert.deepEqual(log.heard, ["orders_placed: a metric cannot be counted"]);
  });

  test("leaves out what is no number that can be counted, and cuts what is too long for a label", () => {
    const log = new HeardLog();
    const metrics = new Metrics({ clock, log });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1]) metrics.measure(placed, value, { tier: "gold" });
    metrics.measure(placed, 1, { tier: "x".repeat(10_000) });
    assert.deepEqual(seriesOf(metrics, "orders_placed"), [["x".repeat(200), 1]]);
    assert.equal(log.heard.length, 1);
  });

  for (const [why, declare] of [
    ["a name in capitals", () => counter("OrdersPlaced", { help: "" })],
    ["a prefix of the platform", () => counter("tenon_orders", { help: "" })],
    ["a suffix that is added", () => counter("orders_total", { help: "" })],
    ["a unit that the name does not end with", () => counter("orders", { help: "", unit: "bytes" })],
    ["a label that buckets have", () => counter("orders", { help: "", labels: ["le"] })],
    ["a label twice", () => counter("orders", { help: "", labels: ["a", "a"] })],
    ["a histogram of no seconds without bounds", () => histogram("orders", { help: "" })],
    ["bounds that do not ascend", () => histogram("orders", { help: "", bounds: [2, 1] })],
  ] as const) {
    test(`cannot have ${why}`, () => {
      assert.throws(declare, RangeError);
    });
  }
});
