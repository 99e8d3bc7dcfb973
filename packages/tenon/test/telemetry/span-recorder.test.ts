import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createIdSource } from "../../src/kernel/index.ts";
import { parseTraceText, RecordedSpan, type Sampling, type Span, SpanRecorder, type SpanShape, type Trace } from "../../src/telemetry/index.ts";
import { ManualClock } from "../calls/fixture.ts";

const shape: SpanShape = { name: "GET /things", kind: "server", attributes: { "http.route": "/things" }, slowMs: 1_000, attributesOf: (code) => ({ "http.response.status_code": code === "ok" ? 200 : 500 }) };
const never: SpanShape = { ...shape, name: "select things", kind: "client", slowMs: Number.POSITIVE_INFINITY };

interface Opened {
  readonly clock: ManualClock;
  readonly spans: SpanRecorder;
  readonly portions: (readonly Span[])[];
  readonly taken: () => readonly string[];
}

function open(options: { readonly sampling?: Sampling; readonly pendingMax?: number; readonly heldMax?: number; readonly holdMs?: number } = {}): Opened {
  const clock = new ManualClock();
  let seed = 1;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const spans = new SpanRecorder({ clock, random, ids: createIdSource(random), ...options });
  const portions: (readonly Span[])[] = [];
  spans.addSink({ spans: (portion) => void portions.push(portion) });
  return { clock, spans, portions, taken: () => portions.flat().map(({ name }) => name) };
}

function add(trace: Trace, name: string, more: { readonly isError?: boolean; readonly ms?: number; readonly of?: SpanShape } = {}): RecordedSpan {
  const { isError = false, ms = 1, of = shape } = more;
  const startedMs = trace.owner.clock.elapsedMs();
  const span = new RecordedSpan({ ...of, name }, trace, { parentId: "", startedMs });
  span.endedMs = startedMs + ms;
  if (isError) {
    span.code = "internal";
    span.isError = true;
  }
  trace.owner.add(span);
  return span;
}

const off: Sampling = { sampler: "always_off", ratio: 1 };

describe("spans", () => {
  test("are handed over after a second, together", () => {
    const { clock, portions, spans, taken } = open();
    add(spans.begin(spans.ids(), undefined), "a");
    clock.advance(500);
    add(spans.begin(spans.ids(), undefined), "b");
    assert.equal(spans.pending, 2);
    clock.advance(499);
    assert.equal(portions.length, 0);
    clock.advance(1);
    assert.deepEqual(taken(), ["a", "b"]);
    assert.equal(portions.length, 1);
    assert.equal(spans.pending, 0);
  });

  test("are handed over as soon as there are 64, after the work at hand", () => {
    const { clock, portions, spans } = open();
    const trace = spans.begin(spans.ids(), undefined);
    for (let n = 0; n < 600; n++) add(trace, "a");
    assert.equal(portions.length, 0);
    clock.advance(0);
    assert.deepEqual(portions.map(({ length }) => length), [600]);
    assert.equal(clock.timers, 0);
  });

  test("that do not fit are dropped, and counted", () => {
    const { clock, spans, taken } = open({ pendingMax: 10 });
    const trace = spans.begin(spans.ids(), undefined);
    for (let n = 0; n < 25; n++) add(trace, `s${n}`);
    clock.advance(1_000);
    assert.deepEqual(taken(), Array.from({ length: 10 }, (_, n) => `s${n}`));
    assert.equal(spans.dropped, 15);
    add(trace, "later");
    spans.flush();
    assert.equal(taken().at(-1), "later");
  });

  test("go to every sink, also when one of them throws", () => {
    const { spans, taken } = open();
    const second: string[] = [];
    spans.addSink({ spans: () => assert.fail("a bug") });
    spans.addSink({ logs: () => assert.fail("not for spans") });
    spans.addSink({ spans: (portion) => void second.push(...portion.map(({ name }) => name)) });
    add(spans.begin(spans.ids(), undefined), "a");
    spans.flush();
    assert.deepEqual([taken(), second, spans.refused], [["a"], ["a"], 1]);
  });

  test("say what their shape, their trace and their end say", () => {
    const { clock, portions, spans } = open();
    clock.advance(250);
    const trace = spans.begin("00000000000000aa", undefined);
    const span = trace.start(shape, "00000000000000bb");
    clock.advance(20);
    span?.end({ code: "unavailable", isError: true });
    spans.flush();
    const [recorded] = portions.flat();
    assert.deepEqual(
      { ...pick(recorded as Span), id: recorded?.spanId.length },
      {
        traceId: trace.id,
        id: 16,
        parentSpanId: "00000000000000bb",
        traceState: "",
        name: "GET /things",
        kind: "server",
        startMs: 1_700_000_000_250,
        endMs: 1_700_000_000_270,
        status: "error",
        message: "unavailable",
        attributes: { "http.route": "/things", "http.response.status_code": 500, "error.type": "unavailable" },
        links: [],
        events: [],
      },
    );
    assert.equal(recorded?.spanId, recorded?.spanId, "an identifier is made once");
  });

  test("are not made without a sink, and traces have identifiers all the same", () => {
    const clock = new ManualClock();
    const spans = new SpanRecorder({ clock, random: () => 0.5, ids: createIdSource(() => 0.25) });
    const trace = spans.begin("00000000000000aa", undefined);
    assert.equal(trace.start(shape, ""), undefined);
    assert.equal(trace.id, "00000000000000aa8000000080000000");
    assert.equal(trace.textAt("00000000000000aa"), `00-${trace.id}-00000000000000aa-03`);
  });
});

function pick({ attributes, endMs, events, kind, links, message, name, parentSpanId, startMs, status, traceId, traceState }: Span): object {
  return { attributes, endMs, events, kind, links, message, name, parentSpanId, startMs, status, traceId, traceState };
}

describe("a trace", () => {
  test("goes on with the identifier, flags and state that it was handed", () => {
    const { spans } = open();
    const text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03 vendor=1";
    const trace = spans.begin("00000000000000aa", parseTraceText(text));
    assert.equal(trace.textAt("00000000000000aa"), "00-0af7651916cd43dd8448eb211c80319c-00000000000000aa-03 vendor=1");
  });

  test("does not claim to be random where whoever began it did not", () => {
    const { spans } = open({ sampling: { sampler: "always_on", ratio: 1 } });
    const trace = spans.begin("00000000000000aa", parseTraceText("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"));
    assert.equal(trace.flags, 1);
  });

  test("has an identifier of its own, random in its last 64 bits", () => {
    const { spans } = open();
    const ids = new Set(Array.from({ length: 10_000 }, () => spans.begin(spans.ids(), undefined).id));
    assert.equal(ids.size, 10_000);
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
    // Each of the last 64 bits is set in about half of them: 5 deviations of a fair coin are 250.
    for (let bit = 0; bit < 64; bit++) {
      const digit = 31 - Math.floor(bit / 4);
      const set = [...ids].filter((id) => (Number.parseInt(id[digit] as string, 16) >> (bit % 4)) & 1).length;
      assert.ok(Math.abs(set - 5_000) < 250, `bit ${bit}: ${set}`);
    }
  });
});

describe("sampling", () => {
  const parent = (flags: string) => parseTraceText(`00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`);
  const isKept = (sampling: Sampling, of?: string): boolean => {
    const { spans } = open({ sampling });
    return spans.begin(spans.ids(), of === undefined ? undefined : parent(of)).isKept;
  };

  test("follows whoever began the trace, unless told otherwise", () => {
    assert.deepEqual([isKept({ sampler: "parentbased_always_on", ratio: 1 }), isKept({ sampler: "parentbased_always_on", ratio: 1 }, "01"), isKept({ sampler: "parentbased_always_on", ratio: 1 }, "00")], [true, true, false]);
    assert.deepEqual([isKept({ sampler: "parentbased_always_off", ratio: 1 }), isKept({ sampler: "parentbased_always_off", ratio: 1 }, "01")], [false, true]);
    assert.deepEqual([isKept({ sampler: "always_on", ratio: 1 }, "00"), isKept({ sampler: "always_off", ratio: 1 }, "01")], [true, false]);
  });

  test("by ratio takes that share, and the same traces in every process", () => {
    const sampling: Sampling = { sampler: "traceidratio", ratio: 0.1 };
    const { spans } = open({ sampling });
    const traces = Array.from({ length: 20_000 }, () => spans.begin(spans.ids(), undefined));
    const taken = traces.filter(({ isKept: kept }) => kept);
    assert.ok(Math.abs(taken.length - 2_000) < 220, `${taken.length} of 20 000`); // 5 deviations
    const other = open({ sampling: { sampler: "traceidratio", ratio: 0.1 } }).spans;
    for (const { flags, id } of traces.slice(0, 500)) assert.equal(other.begin("x", { traceId: id, spanId: "b7ad6b7169203331", flags, state: "" }).flags, flags);
    assert.equal(isKept({ sampler: "traceidratio", ratio: 0 }), false);
    assert.equal(isKept({ sampler: "traceidratio", ratio: 1 }), true);
  });
});

describe("a trace that is not sampled", () => {
  test("is kept from its first span when one of them fails", () => {
    const { spans, taken } = open({ sampling: off });
    const trace = spans.begin(spans.ids(), undefined);
    add(trace, "one", { of: never });
    add(trace, "two", { of: never });
    assert.deepEqual([spans.held, spans.pending], [2, 0]);
    add(trace, "three", { isError: true });
    add(trace, "four");
    spans.flush();
    assert.deepEqual(taken(), ["one", "two", "three", "four"]);
    assert.equal(spans.held, 0);
    assert.equal(trace.textAt("00000000000000aa").slice(-2), "02", "what was decided when it began is what is passed on");
  });

  test("is kept when one of them is slow, by its own measure", () => {
    const { spans, taken } = open({ sampling: off });
    add(spans.begin(spans.ids(), undefined), "quick", { ms: 999 });
    add(spans.begin(spans.ids(), undefined), "slow", { ms: 1_000 });
    add(spans.begin(spans.ids(), undefined), "statement", { ms: 60_000, of: never });
    spans.flush();
    assert.deepEqual(taken(), ["slow"]);
  });

  test("is kept together with the parts of it that other calls of this process had", () => {
    const { spans, taken } = open({ sampling: off });
    const first = spans.begin(spans.ids(), undefined);
    add(first, "request");
    const delivery = spans.begin(spans.ids(), parseTraceText(first.textAt("00000000000000aa")));
    add(delivery, "delivery", { isError: true });
    spans.flush();
    assert.deepEqual(taken(), ["request", "delivery"]);
  });

  test("is let go after a while, and with it what it held", () => {
    const { clock, spans, taken } = open({ sampling: off, holdMs: 30_000 });
    const trace = spans.begin(spans.ids(), undefined);
    add(trace, "early");
    clock.advance(30_000);
    add(spans.begin(spans.ids(), undefined), "other");
    assert.equal(spans.held, 1);
    add(trace, "late", { isError: true });
    spans.flush();
    assert.deepEqual(taken(), ["late"]);
    assert.equal(spans.dropped, 0);
  });

  test("takes bounded memory, of one trace and of all together", () => {
    const { spans } = open({ sampling: off, heldMax: 1_000 });
    const trace = spans.begin(spans.ids(), undefined);
    for (let n = 0; n < 10_000; n++) add(trace, "a", { of: never });
    assert.equal(spans.held, 128);
    for (let n = 0; n < 10_000; n++) add(spans.begin(spans.ids(), undefined), "a");
    assert.ok(spans.held <= 1_000, `${spans.held}`);
    // Those that were kept are remembered for their later spans, and forgotten as others are.
    const kept = spans.begin(spans.ids(), undefined);
    add(kept, "a", { isError: true });
    const part = (): Trace => spans.begin(spans.ids(), parseTraceText(kept.textAt("00000000000000aa")));
    const pending = (): number => spans.pending + spans.dropped;
    const before = pending();
    add(part(), "b");
    assert.equal(pending(), before + 1);
    for (let n = 0; n < 2_000; n++) add(spans.begin(spans.ids(), undefined), "a", { isError: true });
    const later = pending();
    add(part(), "c");
    assert.equal(pending(), later);
  });
});
