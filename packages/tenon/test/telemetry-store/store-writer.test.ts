/** What is written to the store, how it is kept within its limits, and what is asked of it. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Span } from "../../src/telemetry/index.ts";
import { type Intake, StoreReader, StoreWriter, TelemetryStoreError, toStoreLimits } from "../../src/telemetry-store/index.ts";
import { sampleLog, samplePoint, sampleSpan, spanIdOf, startMs, TemporaryDirectory, traceIdOf } from "./samples.ts";

const resource = { "service.name": "orders", "host.name": "node-1" };

class Clock {
  ms = startMs;
  nowMs = (): number => this.ms;
}

/** A store in a directory of its own, written and read. */
class Bench implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly clock = new Clock();
  readonly #limits;
  writer: StoreWriter;
  readonly reader: StoreReader;

  constructor(limits: Parameters<typeof toStoreLimits>[0] = {}) {
    this.#limits = toStoreLimits(limits);
    this.writer = this.open();
    this.reader = StoreReader.open(this.directory.path);
  }

  open(): StoreWriter {
    return new StoreWriter(this.directory.path, { limits: this.#limits, clock: this.clock });
  }

  write(...batches: readonly Partial<Intake>[]): void {
    this.writer.write(batches.map((batch) => ({ resource, ...batch })));
  }

  get files(): readonly string[] {
    return readdirSync(this.directory.path).filter((name) => /^telemetry-\d+\.sqlite$/.test(name));
  }

  [Symbol.dispose](): void {
    this.reader.close();
    this.writer.close();
    this.directory[Symbol.dispose]();
  }
}

describe("a trace", () => {
  test("comes back as it was, with who made it, also from several files", () => {
    using bench = new Bench({ keepMs: 24 * 60_000 }); // a file a minute
    const root = sampleSpan({
      attributes: { "http.route": "/orders", "tenon.list": ["a", "b"], ok: true, count: 3, __proto__x: "y" },
      events: [{ name: "retry", timeMs: startMs + 1.25, attributes: { attempt: 2 } }],
      links: [{ traceId: traceIdOf(9), spanId: spanIdOf(9) }],
      traceState: "a=b",
      startMs: startMs + 0.125,
      endMs: startMs + 10.5,
    });
    const child = sampleSpan({ spanId: spanIdOf(2), parentSpanId: spanIdOf(1), name: "SELECT orders", kind: "client", status: "error", message: "unavailable", startMs: startMs + 2, endMs: startMs + 3 });
    bench.write({ spans: [child] });
    bench.clock.ms += 90_000;
    bench.write({ spans: [root], resource: { "service.name": "shop" } });
    assert.equal(bench.files.length, 2);
    const spans = bench.reader.trace(traceIdOf(1));
    assert.deepEqual(spans, [{ ...root, service: "shop", resource: { "service.name": "shop" } }, { ...child, service: "orders", resource }]);
    assert.deepEqual(bench.reader.traces().traces, [
      { traceId: traceIdOf(1), service: "shop", operation: "orders.place", startMs: root.startMs, durationMs: 10.375, spans: 2, errors: 1, services: ["shop", "orders"] },
    ]);
  });

  test("that came twice is shown once", () => {
    using bench = new Bench();
    bench.write({ spans: [sampleSpan()] });
    bench.write({ spans: [sampleSpan()] });
    assert.equal(bench.reader.trace(traceIdOf(1)).length, 1);
  });

  test("is found by the beginning of its identifier", () => {
    using bench = new Bench();
    const ids = ["4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737", "00f067aa0ba902b700f067aa0ba902b7"];
    bench.write({ spans: ids.map((traceId) => sampleSpan({ traceId })) });
    assert.deepEqual(bench.reader.traceIdsBeginning("00f06"), [ids[2]]);
    assert.equal(bench.reader.traceIdsBeginning("4bf92").length, 2);
    assert.deepEqual(bench.reader.traceIdsBeginning("4bf92f3577b34da6a3ce929d0e0e4737"), [ids[1]]);
    assert.deepEqual(bench.reader.traceIdsBeginning("4bf93"), []);
  });
});

/** The same by reading everything: what the indexes and the pages have to come to. */
function expectedTraces(spans: readonly Span[], matches: (span: Span) => boolean): readonly string[] {
  const found = spans.map((span, at) => ({ span, at })).filter(({ span }) => matches(span)).sort((a, b) => b.span.startMs - a.span.startMs || b.at - a.at);
  return [...new Set(found.map(({ span }) => span.traceId))];
}

describe("traces are found", () => {
  /** Some of the same microsecond, some slow, some failed; of one trace spans lie far apart. */
  const spans = Array.from({ length: 400 }, (_, at) =>
    sampleSpan({
      traceId: traceIdOf(1 + (at * 7) % 90),
      spanId: spanIdOf(at + 1),
      parentSpanId: at % 3 === 0 ? "" : spanIdOf(at),
      name: `op-${at % 5}`,
      status: at % 11 === 0 ? "error" : "unset",
      startMs: startMs + Math.floor(at / 3),
      endMs: startMs + Math.floor(at / 3) + (at % 13 === 0 ? 250 : 5),
      attributes: { shard: at % 4, "user.kind": at % 6 === 0 ? "guest" : "member", isOdd: at % 2 === 1 },
    }),
  );
  const questions: readonly { readonly name: string; readonly filter: Parameters<StoreReader["traces"]>[0]; readonly matches: (span: Span) => boolean }[] = [
    { name: "all", filter: {}, matches: () => true },
    { name: "by operation", filter: { operation: "op-3" }, matches: ({ name }) => name === "op-3" },
    { name: "by service", filter: { service: "orders" }, matches: () => true },
    { name: "by status", filter: { status: "error" }, matches: ({ status }) => status === "error" },
    { name: "by a long duration", filter: { minMs: 200 }, matches: ({ endMs, startMs: from }) => endMs - from >= 200 },
    { name: "by a short duration", filter: { minMs: 5.001 }, matches: ({ endMs, startMs: from }) => endMs - from > 5 },
    { name: "by time", filter: { fromMs: startMs + 20, toMs: startMs + 60 }, matches: ({ startMs: from }) => from >= startMs + 20 && from <= startMs + 60 },
    { name: "by a text", filter: { attributes: { "user.kind": "guest" } }, matches: ({ attributes }) => attributes["user.kind"] === "guest" },
    { name: "by a number and a boolean", filter: { attributes: { shard: "2", isOdd: "false" } }, matches: ({ attributes }) => attributes["shard"] === 2 && attributes["isOdd"] === false },
    { name: "by all of it", filter: { operation: "op-0", status: "error", minMs: 5, attributes: { isOdd: "true" } }, matches: ({ attributes, name, status }) => name === "op-0" && status === "error" && attributes["isOdd"] === true },
    { name: "by nothing there is", filter: { service: "mail" }, matches: () => false },
  ];

  for (const { filter, matches, name } of questions) {
    test(`${name}: the newest first, page by page, each once`, () => {
      using bench = new Bench({ keepMs: 24 * 60_000 });
      for (let at = 0; at < spans.length; at += 100) {
        bench.write({ spans: spans.slice(at, at + 100) });
        bench.clock.ms += 61_000;
      }
      assert.equal(bench.files.length, 4);
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = bench.reader.traces({ ...filter, limit: 7, ...(cursor === undefined ? {} : { cursor }) });
        assert.ok(page.traces.length <= 7);
        found.push(...page.traces.map(({ traceId }) => traceId));
        cursor = page.next;
      } while (cursor !== undefined);
      assert.deepEqual(found, expectedTraces(spans, matches));
      assert.ok(name === "by nothing there is" || found.length > 0);
    });
  }

  test("by an operation that was one too many for its file", () => {
    using bench = new Bench({ operationsMax: 2 });
    bench.write({ spans: [0, 1, 2, 3].map((at) => sampleSpan({ traceId: traceIdOf(at + 1), name: `GET /users/${at}`, kind: "client" })) });
    for (const at of [0, 3]) {
      const { traces } = bench.reader.traces({ operation: `GET /users/${at}`, service: "orders" });
      assert.deepEqual(traces.map(({ operation, traceId }) => [operation, traceId]), [[`GET /users/${at}`, traceIdOf(at + 1)]]);
    }
    const [span] = bench.reader.trace(traceIdOf(4));
    assert.deepEqual([span?.name, span?.kind], ["GET /users/3", "client"]);
  });

  test("and what is no question is refused", () => {
    using bench = new Bench();
    for (const filter of [{ limit: 0 }, { limit: 501 }, { limit: 1.5 }, { cursor: "x" }, { attributes: { 'a"b': "c" } }]) assert.throws(() => bench.reader.traces(filter), RangeError);
  });
});

describe("log records are found", () => {
  const logs = Array.from({ length: 120 }, (_, at) =>
    sampleLog({
      timeMs: startMs + Math.floor(at / 2),
      level: (["debug", "info", "warn", "error"] as const)[at % 4] ?? "info",
      message: `Message ${at}`,
      fields: { order: `o-${at % 10}` },
      traceId: at % 6 === 0 ? traceIdOf(1 + (at % 4)) : "",
    }),
  );
  const questions: readonly { readonly name: string; readonly filter: Parameters<StoreReader["logs"]>[0]; readonly matches: (at: number) => boolean }[] = [
    { name: "all", filter: {}, matches: () => true },
    { name: "by level", filter: { level: "warn" }, matches: (at) => at % 4 >= 2 },
    { name: "by text in a message, in whatever case", filter: { text: "mESSAGE 11" }, matches: (at) => `message ${at}`.includes("message 11") },
    { name: "by text in a field", filter: { text: "o-7" }, matches: (at) => at % 10 === 7 },
    { name: "by trace", filter: { traceId: traceIdOf(3) }, matches: (at) => at % 6 === 0 && at % 4 === 2 },
    { name: "by time and level", filter: { fromMs: startMs + 10, toMs: startMs + 20, level: "error" }, matches: (at) => at % 4 === 3 && at >= 20 && at < 42 },
  ];
  for (const { filter, matches, name } of questions) {
    test(`${name}: the newest first, page by page`, () => {
      using bench = new Bench({ keepMs: 24 * 60_000 });
      for (let at = 0; at < logs.length; at += 40) {
        bench.write({ logs: logs.slice(at, at + 40) });
        bench.clock.ms += 61_000;
      }
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = bench.reader.logs({ ...filter, limit: 9, ...(cursor === undefined ? {} : { cursor }) });
        found.push(...page.logs.map(({ message }) => message));
        cursor = page.next;
      } while (cursor !== undefined);
      assert.deepEqual(found, logs.flatMap(({ message }, at) => (matches(at) ? [message] : [])).reverse());
      assert.ok(found.length > 0);
    });
  }

  test("as they come in, in the order of their arrival, over the end of a file", () => {
    using bench = new Bench({ keepMs: 24 * 60_000 });
    bench.write({ logs: [sampleLog({ message: "before" })] });
    let end = bench.reader.endOfLogs();
    const next = (limit = 100): readonly string[] => {
      const news = bench.reader.followLogs(end, { limit });
      ({ end } = news);
      return news.logs.map(({ message }) => message);
    };
    assert.deepEqual(next(), []);
    bench.write({ logs: [sampleLog({ message: "late", timeMs: startMs - 5_000 }), sampleLog({ message: "second" })] });
    bench.clock.ms += 61_000;
    bench.write({ logs: [sampleLog({ message: "third" })] });
    assert.deepEqual(next(1), ["late"]);
    assert.deepEqual(next(), ["second", "third"]);
    assert.deepEqual(next(), []);
  });
});

describe("metrics", () => {
  const query = { name: "tenon_calls", fromMs: startMs, toMs: startMs + 60_000, stepMs: 10_000 };

  test("of a cumulative series are its last readings, one a step, from several files", () => {
    using bench = new Bench({ keepMs: 24 * 60_000 });
    bench.write({ points: [0, 4_000, 9_000].map((at) => samplePoint({ labels: { operation: "a" }, timeMs: startMs + at, value: at })) });
    bench.clock.ms += 61_000;
    bench.write({ points: [samplePoint({ labels: { operation: "a" }, timeMs: startMs + 12_000, value: 12_000 }), samplePoint({ labels: { operation: "b" }, timeMs: startMs, value: 7 })] });
    const series = bench.reader.series(query);
    assert.deepEqual(series.map(({ labels, points, service }) => ({ labels, points, service })), [
      { labels: { operation: "a" }, points: [{ timeMs: startMs + 9_000, value: 9_000 }, { timeMs: startMs + 12_000, value: 12_000 }], service: "orders" },
      { labels: { operation: "b" }, points: [{ timeMs: startMs, value: 7 }], service: "orders" },
    ]);
    assert.deepEqual(bench.reader.series({ ...query, labels: { operation: "b", service: "orders" } }).length, 1);
    assert.deepEqual(bench.reader.series({ ...query, labels: { service: "mail" } }), []);
    assert.deepEqual(bench.reader.metricNames(), [{ name: "tenon_calls", type: "counter", unit: "", help: "Calls." }]);
  });

  test("of deltas add up within a step, histograms too", () => {
    using bench = new Bench();
    const histogram = { bounds: [1, 2], counts: [1, 0, 2], sum: 7, count: 3 };
    bench.write({
      points: [0, 3_000, 11_000].flatMap((at) => [
        samplePoint({ temporality: "delta", timeMs: startMs + at, value: 2 }),
        { ...samplePoint({ name: "tenon_seconds", type: "histogram", temporality: "delta", timeMs: startMs + at }), histogram },
      ]),
    });
    assert.deepEqual(bench.reader.series(query)[0]?.points, [{ timeMs: startMs + 3_000, value: 4 }, { timeMs: startMs + 11_000, value: 2 }]);
    assert.deepEqual(bench.reader.series({ ...query, name: "tenon_seconds" })[0]?.points[0], { timeMs: startMs + 3_000, histogram: { bounds: [1, 2], counts: [2, 0, 4], sum: 14, count: 6 } });
  });

  test("of one series too many are refused, and the rest is kept", () => {
    using bench = new Bench({ seriesMax: 2 });
    const points = ["a", "b", "c", "a"].map((operation) => samplePoint({ labels: { operation } }));
    assert.deepEqual(bench.writer.write([{ resource, points }]), [{ kept: 3, rejected: 1, reason: "too many different series of metrics" }]);
  });

  test("and what is no question is refused", () => {
    using bench = new Bench();
    for (const wrong of [{ stepMs: 0 }, { stepMs: 1 }, { limit: 0 }, { stepMs: Number.NaN }]) assert.throws(() => bench.reader.series({ ...query, ...wrong }), RangeError);
  });
});

describe("busy operations", () => {
  test("have a rate, errors and percentiles, by what was called from outside", () => {
    using bench = new Bench();
    const spans = Array.from({ length: 100 }, (_, at) => sampleSpan({ spanId: spanIdOf(at + 1), startMs: startMs + at * 500, endMs: startMs + at * 500 + at + 1, status: at < 5 ? "error" : "unset" }));
    const inner = sampleSpan({ parentSpanId: spanIdOf(1), spanId: spanIdOf(500), kind: "client", name: "SELECT" });
    bench.write({ spans: [...spans, inner] });
    const query = { fromMs: startMs, toMs: startMs + 60_000 };
    const [busy, ...others] = bench.reader.busyOperations(query);
    assert.deepEqual(others, []);
    assert.deepEqual([busy?.service, busy?.operation, busy?.kind, busy?.count, busy?.errors, busy?.errorRate], ["orders", "orders.place", "server", 100, 5, 0.05]);
    assert.equal(busy?.rate, 100 / 60);
    for (const [found, expected] of [[busy?.p50Ms, 50], [busy?.p95Ms, 95], [busy?.p99Ms, 99]] as const) assert.ok(Math.abs((found ?? 0) / expected - 1) < 0.06, `${found} is about ${expected}`);
    assert.deepEqual(bench.reader.busyOperations({ ...query, which: "all" }).map(({ operation }) => operation), ["orders.place", "SELECT"]);
    assert.deepEqual(bench.reader.busyOperations({ fromMs: startMs - 600_000, toMs: startMs - 300_000 }), []);
    assert.deepEqual(bench.reader.busyOperations({ ...query, service: "mail" }), []);
  });

  test("are counted on by a second life of the writer", () => {
    using bench = new Bench();
    bench.write({ spans: [sampleSpan()] });
    bench.writer.close();
    bench.writer = bench.open();
    bench.write({ spans: [sampleSpan({ spanId: spanIdOf(2) })] });
    assert.equal(bench.reader.busyOperations({ fromMs: startMs, toMs: startMs + 60_000 })[0]?.count, 2);
  });
});

describe("limits", () => {
  test("of age: what is too old goes, with its file, and within a twenty-fourth of the time", () => {
    using bench = new Bench({ keepMs: 24 * 60_000 });
    for (let minute = 0; minute < 40; minute += 1) {
      bench.write({ spans: [sampleSpan({ traceId: traceIdOf(minute + 1), startMs: bench.clock.ms, endMs: bench.clock.ms + 1 })] });
      bench.clock.ms += 60_000;
    }
    const kept = bench.reader.traces({ limit: 100 }).traces.map(({ startMs: from }) => (bench.clock.ms - from) / 60_000);
    assert.ok(kept.length >= 24 && kept.length <= 26, `${kept.length} minutes are kept`);
    assert.ok(Math.max(...kept) <= 26);
  });

  test("of age, where nothing comes any more", () => {
    using bench = new Bench({ keepMs: 60_000 });
    bench.write({ spans: [sampleSpan()] });
    bench.clock.ms += 59_000;
    bench.writer.enforce();
    assert.equal(bench.reader.traces().traces.length, 1);
    bench.clock.ms += 2_000;
    bench.writer.enforce();
    assert.equal(bench.reader.traces().traces.length, 0);
    assert.equal(bench.files.length, 1);
  });

  test("of size: the oldest go, at any moment of writing, while a reader has them open", () => {
    const sizeMaxBytes = 4 * 1024 ** 2;
    using bench = new Bench({ sizeMaxBytes });
    const text = "x".repeat(2_000);
    for (let round = 0; round < 60; round += 1) {
      bench.write({ spans: Array.from({ length: 100 }, (_, at) => sampleSpan({ traceId: traceIdOf(round * 100 + at + 1), startMs: startMs + round, endMs: startMs + round + 1, attributes: { text } })) });
      assert.ok(bench.reader.size().bytes <= sizeMaxBytes, `${bench.reader.size().bytes} bytes after round ${round}`);
      assert.equal(bench.reader.traces({ limit: 1 }).traces[0]?.startMs, startMs + round);
    }
    assert.equal(bench.reader.trace(traceIdOf(1)).length, 0);
    assert.ok(bench.reader.size().bytes > sizeMaxBytes / 2, "and no more than needed");
    assert.ok(bench.reader.traces({ limit: 500 }).traces.length > 200);
  });

  test("that nothing could be kept under are refused", () => {
    for (const wrong of [{ keepMs: 0 }, { sizeMaxBytes: 1_000 }, { queueMaxBytes: Number.NaN }, { seriesMax: 1.5 }]) assert.throws(() => toStoreLimits(wrong), RangeError);
  });
});

describe("a directory", () => {
  test("has one writer, who gives it back", () => {
    using bench = new Bench();
    assert.throws(() => bench.open(), (error) => error instanceof TelemetryStoreError && /another process keeps its telemetry there/.test(error.message));
    bench.writer.close();
    bench.writer = bench.open();
    bench.write({ spans: [sampleSpan()] });
    assert.equal(bench.files.length, 1, "the file of the first one is written on");
  });

  test("that cannot be made is told", () => {
    using directory = new TemporaryDirectory();
    const file = join(directory.path, "file");
    writeFileSync(file, "");
    assert.throws(() => new StoreWriter(join(file, "telemetry"), { limits: toStoreLimits(), clock: new Clock() }), TelemetryStoreError);
    assert.throws(() => StoreReader.open(join(directory.path, "nothing")), TelemetryStoreError);
  });

  test("with a broken file, or what a dead process left, is written on beside it", () => {
    using bench = new Bench();
    bench.write({ spans: [sampleSpan()] });
    bench.writer.close();
    writeFileSync(join(bench.directory.path, "telemetry-00000002.sqlite"), "this is no database, and never was one");
    writeFileSync(join(bench.directory.path, "telemetry-00000009.sqlite-wal"), "of a database that is gone");
    bench.writer = bench.open();
    bench.write({ spans: [sampleSpan({ traceId: traceIdOf(2) })] });
    assert.deepEqual(bench.reader.traces().traces.length, 2);
    assert.ok(!readdirSync(bench.directory.path).includes("telemetry-00000009.sqlite-wal"));
  });

  test("a batch that cannot be written leaves nothing of itself, and the next one is kept", () => {
    using bench = new Bench();
    const broken = { ...sampleSpan({ traceId: traceIdOf(5) }), startMs: Number.NaN };
    assert.throws(() => bench.write({ spans: [sampleSpan({ traceId: traceIdOf(4) }), broken] }));
    bench.write({ spans: [sampleSpan()] });
    assert.deepEqual(bench.reader.traces().traces.map(({ traceId }) => traceId), [traceIdOf(1)]);
    assert.equal(bench.reader.busyOperations({ fromMs: startMs, toMs: startMs + 60_000 })[0]?.count, 1);
  });
});
