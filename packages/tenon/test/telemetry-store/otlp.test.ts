/** OTLP as it comes: from OpenTelemetry's own serializer, in both encodings, and from whoever sends garbage. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { type Encoding, MalformedBody, readExport, type Signal } from "../../src/telemetry-store/index.ts";
import { spanIdOf, startMs, traceIdOf } from "./samples.ts";

const nowMs = startMs;
const encode = (body: unknown): Uint8Array => Buffer.from(JSON.stringify(body));
const readJson = (signal: Signal, body: unknown): ReturnType<typeof readExport> => readExport(signal, { encoding: "json", bytes: encode(body), nowMs });

/** Spans of OpenTelemetry's own SDK. */
async function sdkSpans(): Promise<ReturnType<InMemorySpanExporter["getFinishedSpans"]>> {
  const memory = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: memory })] });
  const tracer = provider.getTracer("test");
  const linked = tracer.startSpan("linked");
  linked.end();
  const span = tracer.startSpan("GET /orders/{id}", {
    kind: 1,
    attributes: { text: "ä€😀", count: 42, negative: -7, large: Number.MAX_SAFE_INTEGER, ratio: 0.25, yes: true, no: false, list: ["a", "b"], numbers: [1, 2], empty: "" },
    links: [{ context: linked.spanContext(), attributes: { why: "after" } }],
  });
  span.addEvent("retry", { attempt: 2 });
  span.setStatus({ code: 2, message: "unavailable" });
  span.end();
  await provider.forceFlush();
  return memory.getFinishedSpans();
}

describe("what OpenTelemetry's own serializer makes is understood", () => {
  const serializers: Readonly<Record<Encoding, { readonly serializeRequest: (spans: Awaited<ReturnType<typeof sdkSpans>>) => Uint8Array | undefined }>> = { protobuf: ProtobufTraceSerializer, json: JsonTraceSerializer };

  for (const encoding of ["protobuf", "json"] as const) {
    test(`in ${encoding}`, async () => {
      const spans = await sdkSpans();
      const bytes = serializers[encoding].serializeRequest(spans);
      assert.ok(bytes);
      const { batches, reason, rejected } = readExport("traces", { encoding, bytes, nowMs });
      assert.deepEqual([rejected, reason], [0, ""]);
      const read = batches.flatMap((batch) => batch.spans ?? []);
      assert.match(String(batches[0]?.resource["service.name"]), /^unknown_service/);
      assert.equal(read.length, 2);
      const [linked, sent] = spans;
      const span = read.find(({ name }) => name === "GET /orders/{id}");
      assert.ok(span && sent && linked);
      assert.deepEqual(span.attributes, sent.attributes);
      assert.deepEqual([span.traceId, span.spanId, span.parentSpanId, span.kind, span.status, span.message], [sent.spanContext().traceId, sent.spanContext().spanId, "", "server", "error", "unavailable"]);
      assert.deepEqual(span.links, [{ traceId: linked.spanContext().traceId, spanId: linked.spanContext().spanId, attributes: { why: "after" } }]);
      assert.deepEqual(span.events.map(({ attributes, name }) => ({ name, attributes })), [{ name: "retry", attributes: { attempt: 2 } }]);
      const ms = ([seconds, nanoseconds]: readonly [number, number]): number => seconds * 1_000 + nanoseconds / 1e6;
      assert.ok(Math.abs(span.startMs - ms(sent.startTime)) < 0.001, "the start is right to a microsecond");
      assert.ok(Math.abs(span.endMs - ms(sent.endTime)) < 0.001);
    });
  }

  test("the same from both encodings", async () => {
    const spans = await sdkSpans();
    const [one, other] = (["protobuf", "json"] as const).map((encoding) => readExport("traces", { encoding, bytes: serializers[encoding].serializeRequest(spans) ?? new Uint8Array(0), nowMs }));
    const rounded = (read: typeof one): unknown => JSON.parse(JSON.stringify(read, (_, value: unknown) => (typeof value === "number" && value > 1e12 ? Math.round(value * 100) : value)));
    assert.deepEqual(rounded(one), rounded(other));
  });
});

describe("single items that cannot be kept are left out and counted:", () => {
  const good = { traceId: traceIdOf(1), spanId: spanIdOf(1), name: "a", startTimeUnixNano: "1700000000000000000", endTimeUnixNano: "1700000000001000000" };
  const wrongs: readonly { readonly name: string; readonly span: object; readonly reason: RegExp }[] = [
    { name: "a trace identifier of zeros", span: { ...good, traceId: "0".repeat(32) }, reason: /traceId of 16 bytes/ },
    { name: "a short span identifier", span: { ...good, spanId: "abcd" }, reason: /spanId of 8 bytes/ },
    { name: "an identifier that is not hexadecimal", span: { ...good, traceId: "g".repeat(32) }, reason: /traceId/ },
    { name: "no times", span: { traceId: traceIdOf(1), spanId: spanIdOf(1) }, reason: /times/ },
    { name: "a time that is none", span: { ...good, endTimeUnixNano: "soon" }, reason: /times/ },
    { name: "nothing", span: {}, reason: /traceId/ },
  ];
  for (const { name, reason, span } of wrongs) {
    test(name, () => {
      const read = readJson("traces", { resourceSpans: [{ scopeSpans: [{ spans: [span, good] }] }] });
      assert.equal(read.rejected, 1);
      assert.match(read.reason, reason);
      assert.deepEqual(read.batches[0]?.spans?.map(({ traceId }) => traceId), [traceIdOf(1)]);
    });
  }

  test("metrics without a name, summaries, buckets that do not fit", () => {
    const metrics = [
      { gauge: { dataPoints: [{ asInt: "1" }] } },
      { name: "old", summary: { dataPoints: [{}, {}] } },
      { name: "odd", histogram: { dataPoints: [{ count: "3", explicitBounds: [2, 1], bucketCounts: ["1", "1", "1"] }, { count: "3", explicitBounds: [1], bucketCounts: ["3"] }] } },
      { name: "none" },
      { name: "good", gauge: { dataPoints: [{ asDouble: 1.5, timeUnixNano: "1700000000000000000" }] } },
    ];
    const read = readJson("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
    assert.equal(read.rejected, 6);
    assert.deepEqual(read.batches[0]?.points?.map(({ name, value }) => [name, value]), [["good", 1.5]]);
  });
});

describe("metrics and logs", () => {
  test("sums, gauges and histograms become what they are", () => {
    const at = { timeUnixNano: "1700000000000000000", attributes: [{ key: "n", value: { intValue: "7" } }] };
    const metrics = [
      { name: "up", sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [{ ...at, asInt: "12" }] } },
      { name: "delta", sum: { isMonotonic: true, aggregationTemporality: "AGGREGATION_TEMPORALITY_DELTA", dataPoints: [{ ...at, asInt: 3 }] } },
      { name: "updown", sum: { aggregationTemporality: 2, dataPoints: [{ ...at, asInt: "-3" }] } },
      { name: "took", unit: "s", histogram: { aggregationTemporality: 2, dataPoints: [{ ...at, count: "3", sum: 4.5, explicitBounds: [1, 2], bucketCounts: ["1", "0", "2"] }] } },
      { name: "exponential", exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ ...at, count: "4", sum: 9, scale: 0, zeroCount: "1", positive: { offset: 0, bucketCounts: ["1", "2"] } }] } },
    ];
    const [batch] = readJson("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }).batches;
    assert.deepEqual(batch?.points?.map(({ histogram, labels, name, temporality, type, value }) => ({ name, type, temporality, labels, ...(value === undefined ? {} : { value }), ...(histogram === undefined ? {} : { histogram }) })), [
      { name: "up", type: "counter", temporality: "cumulative", labels: { n: "7" }, value: 12 },
      { name: "delta", type: "counter", temporality: "delta", labels: { n: "7" }, value: 3 },
      { name: "updown", type: "gauge", temporality: "cumulative", labels: { n: "7" }, value: -3 },
      { name: "took", type: "histogram", temporality: "cumulative", labels: { n: "7" }, histogram: { bounds: [1, 2], counts: [1, 0, 2], sum: 4.5, count: 3 } },
      { name: "exponential", type: "histogram", temporality: "cumulative", labels: { n: "7" }, histogram: { bounds: [1, 2, 4], counts: [1, 1, 2, 0], sum: 9, count: 4 } },
    ]);
  });

  test("records have a level by number or by text, and whatever body as text", () => {
    const logRecords = [
      { severityNumber: 17, body: { stringValue: "broken" }, traceId: traceIdOf(1).toUpperCase(), spanId: spanIdOf(1), timeUnixNano: "1700000000000000000" },
      { severityText: "WARNING", body: { kvlistValue: { values: [{ key: "a", value: { arrayValue: { values: [{ intValue: 1 }] } } }] } } },
      { severityNumber: 5 },
    ];
    const [batch] = readJson("logs", { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }).batches;
    assert.deepEqual(batch?.logs?.map(({ level, message, timeMs, traceId }) => [level, message, timeMs, traceId]), [
      ["error", "broken", 1_700_000_000_000, traceIdOf(1)],
      ["warn", '{"a":[1]}', nowMs, ""],
      ["debug", "", nowMs, ""],
    ]);
  });
});

describe("whatever comes", () => {
  const outcome = (signal: Signal, encoding: Encoding, bytes: Uint8Array): void => {
    try {
      const { batches } = readExport(signal, { encoding, bytes, nowMs });
      for (const { spans = [] } of batches) for (const { spanId, traceId } of spans) assert.match(`${traceId}${spanId}`, /^[\da-f]{48}$/);
    } catch (error) {
      assert.ok(error instanceof MalformedBody, String(error));
    }
  };

  test("bytes by chance are understood or malformed, and nothing else", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom("traces", "logs", "metrics"), fc.constantFrom("protobuf", "json"), (bytes, signal, encoding) => outcome(signal, encoding, bytes)), { numRuns: 3_000 });
  });

  test("a good body with bytes changed, cut off or put in, too", async () => {
    const good = ProtobufTraceSerializer.serializeRequest(await sdkSpans()) ?? new Uint8Array(0);
    const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255), cut: fc.nat(good.length), put: fc.uint8Array({ maxLength: 8 }) });
    fc.assert(
      fc.property(change, ({ at, byte, cut, put }) => {
        const changed = Uint8Array.from(good);
        changed[at] = byte;
        outcome("traces", "protobuf", changed);
        outcome("traces", "protobuf", good.slice(0, cut));
        outcome("traces", "protobuf", Buffer.concat([good.slice(0, at), put, good.slice(at)]));
      }),
      { numRuns: 3_000 },
    );
  });

  test("any JSON at all is understood or malformed", () => {
    const names = fc.constantFrom("resourceSpans", "scopeSpans", "spans", "resource", "attributes", "key", "value", "stringValue", "arrayValue", "values", "traceId", "links", "events", "status", "code", "__proto__");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: "medium" }, fc.jsonValue(), fc.array(tie("tree"), { maxLength: 3 }), fc.dictionary(names, tie("tree"), { maxKeys: 5 })),
    }));
    fc.assert(fc.property(tree, fc.constantFrom("traces", "logs", "metrics"), (value, signal) => outcome(signal, "json", encode(value))), { numRuns: 2_000 });
    for (const text of ["", "nil", "[]", "null", "1", '"x"', "[".repeat(100_000), `{"a":${"[".repeat(100_000)}`]) assert.throws(() => readExport("traces", { encoding: "json", bytes: Buffer.from(text), nowMs }), MalformedBody);
  });

  test("values nested without an end, or without number, are refused before they fill the memory", () => {
    // resourceSpans → resource → attributes → value → arrayValue → values → arrayValue …
    let value = Buffer.alloc(0);
    for (let level = 0; level < 200; level += 1) {
      const list = Buffer.concat([Buffer.from([0x0a]), varint(value.length), value]);
      value = Buffer.concat([Buffer.from([0x2a]), varint(list.length), list]);
    }
    const pair = Buffer.concat([Buffer.from([0x12]), varint(value.length), value]);
    const attribute = Buffer.concat([Buffer.from([0x0a]), varint(pair.length), pair]);
    const resource = Buffer.concat([Buffer.from([0x0a]), varint(attribute.length), attribute]);
    const body = Buffer.concat([Buffer.from([0x0a]), varint(resource.length), resource]);
    assert.throws(() => readExport("traces", { encoding: "protobuf", bytes: body, nowMs }), /nested more than/);
    assert.throws(() => readExport("traces", { encoding: "protobuf", bytes: Buffer.alloc(8 * 1024 ** 2).map((_, at) => (at % 2 === 0 ? 0x0a : 0)), nowMs }), /more than 2000000 parts/);
  });

  test("names that mean something to JavaScript are names like any other", () => {
    const attributes = [{ key: "__proto__", value: { stringValue: "x" } }, { key: "constructor", value: { stringValue: "y" } }];
    const [batch] = readJson("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes }] }] }] }).batches;
    assert.deepEqual(Object.entries(batch?.logs?.[0]?.fields ?? {}), [["__proto__", "x"], ["constructor", "y"]]);
    assert.equal(({} as Record<string, unknown>)["x"], undefined);
  });

  test("texts are cut, and attributes beyond 128 are left out", () => {
    const attributes = Array.from({ length: 200 }, (_, at) => ({ key: `a${at}`, value: { stringValue: "😀".repeat(4_000) } }));
    const [batch] = readJson("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes }] }] }] }).batches;
    const values = Object.values(batch?.logs?.[0]?.fields ?? {});
    assert.equal(values.length, 128);
    for (const value of values) assert.ok(typeof value === "string" && value.length <= 4_096 && value.isWellFormed());
  });
});

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([128 + (value % 128)]), varint(Math.floor(value / 128))]);
}
