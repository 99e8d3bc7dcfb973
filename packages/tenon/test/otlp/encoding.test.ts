/** Whatever is encoded says the same to OpenTelemetry's own decoder, in protobuf and in JSON. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type BatchEncoder, createBatchEncoder, type ItemFormat, logFormat, metricFormat, type Origin, type Protocol, type SignalName, spanFormat } from "../../src/otlp/index.ts";
import type { LogRecord, Span } from "../../src/telemetry/index.ts";
import { expectedFamily, expectedLogRecord, expectedSpan, family, logRecord, nanoseconds, span } from "./arbitrary-telemetry.ts";
import { attributesOf, decodeJson, decodeProtobuf, type Decoded } from "./oracle.ts";

const origin: Origin = { resource: { "service.name": "shop", "process.pid": 4711 }, scope: { name: "tenon", version: "1.2.3" } };
const nowMs = 1_764_000_000_123.456;
const decoders = { "http/protobuf": decodeProtobuf, "http/json": decodeJson } as const;

function checkAll<Item>(signal: SignalName, format: ItemFormat<Item>, items: fc.Arbitrary<Item>, expected: (item: Item) => Decoded): void {
  for (const protocol of ["http/protobuf", "http/json"] as const) {
    test(`${signal} in ${protocol}`, () => {
      const encoder = createBatchEncoder(protocol, format, origin);
      fc.assert(
        fc.property(fc.array(items, { maxLength: 6 }), (batch) => {
          for (const item of batch) assert.ok(encoder.add(item, Number.POSITIVE_INFINITY) > 0);
          const decoded = decoders[protocol](signal, encoder.seal());
          assert.deepEqual(decoded.items, batch.map(expected));
          assert.deepEqual(decoded.scope, origin.scope);
          assert.deepEqual(decoded.resource, { attributes: [{ key: "service.name", value: { stringValue: "shop" } }, { key: "process.pid", value: { intValue: "4711" } }] });
          assert.equal(encoder.byteLength, 0);
        }),
      );
    });
  }
}

describe("OpenTelemetry's decoder reads", () => {
  checkAll("traces", spanFormat, span, expectedSpan);
  checkAll("logs", logFormat, logRecord, expectedLogRecord);
  checkAll("metrics", metricFormat(() => nowMs), family, (each) => expectedFamily(each, nowMs));
});

const someSpan: Span = fc.sample(span, { numRuns: 1, seed: 1 })[0] as Span;

function bothEncoders<Item>(format: ItemFormat<Item>): readonly (readonly [Protocol, BatchEncoder<Item>])[] {
  return (["http/protobuf", "http/json"] as const).map((protocol) => [protocol, createBatchEncoder(protocol, format, origin)]);
}

describe("a batch", () => {
  test("holds nothing of an item that cannot be read, and everything else", () => {
    const broken: Span = { ...someSpan, get attributes(): never { throw new Error("gone"); } };
    for (const [protocol, encoder] of bothEncoders(spanFormat)) {
      encoder.add(someSpan, Number.POSITIVE_INFINITY);
      assert.throws(() => encoder.add(broken, Number.POSITIVE_INFINITY), /gone/);
      encoder.add(someSpan, Number.POSITIVE_INFINITY);
      assert.deepEqual(decoders[protocol]("traces", encoder.seal()).items, [expectedSpan(someSpan), expectedSpan(someSpan)]);
    }
  });

  test("holds nothing of an item that is too large", () => {
    const large: Span = { ...someSpan, name: "x".repeat(5_000) };
    for (const [protocol, encoder] of bothEncoders(spanFormat)) {
      assert.equal(encoder.add(large, 4_000), 0);
      assert.equal(encoder.byteLength, 0);
      assert.ok(encoder.add(large, 40_000) > 5_000);
      assert.deepEqual(decoders[protocol]("traces", encoder.seal()).items, [expectedSpan(large)]);
    }
  });

  test("takes thousands of spans, beyond every guess at the length of a message", () => {
    const spans = fc.sample(span, { numRuns: 100, seed: 2 });
    for (const [protocol, encoder] of bothEncoders(spanFormat)) {
      for (let round = 0; round < 10; round += 1) for (const each of spans) encoder.add(each, Number.POSITIVE_INFINITY);
      const decoded = decoders[protocol]("traces", encoder.seal());
      assert.equal(decoded.items.length, 1_000);
      assert.deepEqual(decoded.items.slice(900), spans.map(expectedSpan));
    }
  });

  test("says nothing of an instant that is none", () => {
    for (const startMs of [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e17]) {
      for (const [protocol, encoder] of bothEncoders(spanFormat)) {
        encoder.add({ ...someSpan, startMs }, Number.POSITIVE_INFINITY);
        assert.equal(decoders[protocol]("traces", encoder.seal()).items[0]?.["startTimeUnixNano"], "0", protocol);
      }
    }
  });

  test("carries a fraction that rounds up to the next millisecond", () => {
    const startMs = 1_000.999_999_9;
    assert.equal(nanoseconds(startMs), "1001000000");
    for (const [protocol, encoder] of bothEncoders(spanFormat)) {
      encoder.add({ ...someSpan, startMs }, Number.POSITIVE_INFINITY);
      assert.equal(decoders[protocol]("traces", encoder.seal()).items[0]?.["startTimeUnixNano"], "1001000000", protocol);
    }
  });
});

describe("fields of a log line", () => {
  const cyclic: Record<string, unknown> = { name: "me" };
  cyclic["self"] = cyclic;
  const record: LogRecord = { timeMs: nowMs, level: "error", message: "failed", traceId: "", spanId: "", fields: { error: new TypeError("no such thing"), at: new Date(0), big: 12n ** 20n, none: null, absent: undefined, order: { lines: [1, "two"] }, cyclic, does: Symbol("x") } };

  test("become plain values, whatever they are", () => {
    for (const [protocol, encoder] of bothEncoders(logFormat)) {
      encoder.add(record, Number.POSITIVE_INFINITY);
      const [decoded] = decoders[protocol]("logs", encoder.seal()).items;
      const fields = attributesOf(decoded);
      assert.deepEqual(fields.get("exception.type"), { stringValue: "TypeError" });
      assert.deepEqual(fields.get("exception.message"), { stringValue: "no such thing" });
      assert.match(String(fields.get("exception.stacktrace")?.["stringValue"]), /^TypeError: no such thing\n\s+at /);
      assert.deepEqual(fields.get("at"), { stringValue: "1970-01-01T00:00:00.000Z" });
      assert.deepEqual(fields.get("big"), { stringValue: String(12n ** 20n) });
      assert.deepEqual(fields.get("none"), {});
      assert.deepEqual(fields.get("does"), { stringValue: "Symbol(x)" });
      assert.equal(fields.has("absent"), false);
      const lines = { arrayValue: { values: [{ intValue: "1" }, { stringValue: "two" }] } };
      assert.deepEqual(fields.get("order"), { kvlistValue: { values: [{ key: "lines", value: lines }] } });
      assert.ok(JSON.stringify(fields.get("cyclic")).includes("…"), "a cycle ends somewhere");
    }
  });
});
