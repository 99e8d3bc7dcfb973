import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CloudEvent as PublicCloudEvent, HTTP } from "cloudevents";
import fc from "fast-check";
import { cloudEventMediaType } from "../../src/contract/index.ts";
import { EnvelopeError, type EventRecord, parseCloudEvent, toCloudEvent } from "../../src/events/index.ts";

const placed: EventRecord = {
  id: "0197f9a2-7c1e-7b43-9d3a-5a2b6f0c1d2e",
  source: "orders",
  type: "orders.placed",
  version: 2,
  key: "o-1",
  time: "2026-07-12T10:15:30.123456Z",
  data: { orderId: "o-1", lines: [{ sku: "a", quantity: 2 }] },
  trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 vendor=1",
};

function textOf(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...toCloudEvent(placed), ...changes });
}

function problemsOf(text: string): readonly string[] {
  try {
    parseCloudEvent(text);
  } catch (error) {
    assert.ok(error instanceof EnvelopeError, String(error));
    assert.equal(error.message, `not an envelope of an event: ${error.problems.join("; ")}`);
    return error.problems;
  }
  return [];
}

/** Read by the public package, as somebody who knows nothing of Tenon would: its own validation included. */
function readPublicly(body: string): PublicCloudEvent<unknown> {
  const read = HTTP.toEvent<unknown>({ headers: { "content-type": `${cloudEventMediaType}; charset=utf-8` }, body });
  assert.ok(read instanceof PublicCloudEvent);
  assert.equal(read.validate(), true);
  return read;
}

/** Any record that this platform can make. */
const records: fc.Arbitrary<EventRecord> = fc.record({
  id: fc.uuid(),
  source: fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/),
  type: fc.stringMatching(/^[a-z][a-z0-9-]{0,40}\.[a-z][A-Za-z0-9]{0,40}$/),
  version: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  key: fc.option(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.string({ unit: halfPairs() })), { nil: undefined }),
  time: fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }).map((date) => date.toISOString()),
  data: fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false, maxDepth: 6 })).map((data) => JSON.parse(JSON.stringify(data)) as unknown), // no -0, which JSON has not
  trace: fc.option(fc.stringMatching(/^00-[0-9a-f]{31}1-[0-9a-f]{15}1-0[0-3](?: [a-z]=[a-z]{1,9})?$/), { nil: undefined }),
}, { noNullPrototype: true });

/** Text in JavaScript may be no Unicode at all: halves of surrogate pairs. */
function halfPairs(): fc.Arbitrary<string> {
  return fc.integer({ min: 0xd7f0, max: 0xe010 }).map((unit) => String.fromCharCode(unit));
}

describe("an envelope", () => {
  test("has the attributes of CloudEvents 1.0.2, in the names that it allows", () => {
    const envelope = toCloudEvent(placed);
    assert.deepEqual(envelope, {
      specversion: "1.0",
      id: placed.id,
      source: "/orders",
      type: "orders.placed",
      time: placed.time,
      datacontenttype: "application/json",
      dataversion: 2,
      subject: "o-1",
      partitionkey: "o-1",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      tracestate: "vendor=1",
      data: placed.data,
    });
    for (const name of Object.keys(envelope)) assert.match(name, /^[a-z0-9]{1,20}$/);
  });

  test("leaves out what is not known", () => {
    const envelope = toCloudEvent({ ...placed, key: undefined, trace: undefined });
    const names = ["specversion", "id", "source", "type", "time", "datacontenttype", "dataversion", "data"];
    assert.deepEqual(Object.keys(envelope), names);
    // Rows of before have the identifier of a call there.
    assert.deepEqual(Object.keys(toCloudEvent({ ...placed, key: undefined, trace: "be1525aace04744e" })), names);
  });

  test("loses nothing of a record", () => {
    fc.assert(fc.property(records, (record) => {
      assert.deepEqual(parseCloudEvent(JSON.stringify(toCloudEvent(record))), record);
    }), { numRuns: 500 });
  });

  test("carries numbers as far as JSON does", () => {
    const data = { large: Number.MAX_SAFE_INTEGER, huge: 1.797_693_134_862_315_7e308, tiny: 5e-324, fraction: 0.1 + 0.2, negative: -Number.MAX_SAFE_INTEGER, beyond: 2 ** 63 };
    assert.deepEqual(parseCloudEvent(textOf({ data })).data, data);
  });

  test("holds only characters that its attributes may have, whatever the key", () => {
    for (const key of ["", "\u0000", "a\nb", "\u0085", "\uD800", "x\uDC00y", "\uFFFE", "\u{1FFFF}", "\uFDD0"]) {
      const { data, ...attributes } = toCloudEvent({ ...placed, key });
      for (const [name, value] of Object.entries(attributes)) {
        assert.ok(value !== "" && !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(String(value)), `${name} of ${JSON.stringify(key)}`);
      }
      assert.equal(parseCloudEvent(JSON.stringify({ ...attributes, data })).key, key);
    }
    for (const key of ["o-1", "50%", "Zoë", "東京/1", "👩‍👩‍👧", "\"quoted\"", " ", "__proto__"]) assert.equal("tenonkey" in toCloudEvent({ ...placed, key }), false, key);
  });
});

describe("the public package", () => {
  test("reads our envelopes, and finds them valid", () => {
    fc.assert(fc.property(records, (record) => {
      const read = readPublicly(JSON.stringify(toCloudEvent(record)));
      assert.equal(read.id, record.id);
      assert.equal(read.source, `/${record.source}`);
      assert.equal(read.type, record.type);
      assert.equal(read["dataversion"], record.version);
      assert.deepEqual(read.data, record.data);
    }));
  });

  test("writes envelopes that we read", () => {
    const { specversion: _, ...attributes } = toCloudEvent(placed);
    const message = HTTP.structured(new PublicCloudEvent({ ...attributes, time: "2026-07-12T10:15:30.123Z" }));
    assert.equal(String(message.headers["content-type"]).split(";")[0], cloudEventMediaType);
    assert.deepEqual(parseCloudEvent(message.body as string), { ...placed, time: "2026-07-12T10:15:30.123Z" });
  });

  test("refuses what we refuse", () => {
    for (const changes of [{ source: "" }, { type: "" }, { type: 5 }]) {
      assert.throws(() => readPublicly(textOf(changes)), JSON.stringify(changes));
      assert.notDeepEqual(problemsOf(textOf(changes)), []);
    }
  });
});

describe("an envelope of another sender", () => {
  const foreign = {
    specversion: "1.0", id: "A234B234-1234-1234-1234-123456789ABC", source: "https://example.com/cloud?x=1#y", type: "com.example.object.deleted.v2",
    time: "2026-07-12T12:15:30.5+02:00", subject: "thing-7", comexampleextension: "value", comexampleother: 5, nested: { any: true }, data: { gone: true },
  };

  test("is read with what it says, and without what is not known here", () => {
    assert.deepEqual(parseCloudEvent(JSON.stringify(foreign)), {
      id: "a234b234-1234-1234-1234-123456789abc",
      source: "https://example.com/cloud?x=1#y",
      type: "com.example.object.deleted.v2",
      version: 1,
      key: "thing-7",
      time: "2026-07-12T10:15:30.5Z",
      data: { gone: true },
      trace: undefined,
    });
  });

  test("keeps its source when it is passed on", () => {
    const record = parseCloudEvent(JSON.stringify(foreign));
    assert.equal(toCloudEvent(record).source, foreign.source);
    assert.deepEqual(parseCloudEvent(JSON.stringify(toCloudEvent(record))), record);
    for (const source of ["/", "/Orders", "/a/b", "//host", "urn:event:from:myapi", "mailto:a@example.com"]) {
      assert.equal(toCloudEvent(parseCloudEvent(textOf({ source }))).source, source);
    }
  });

  test("is ordered by its partition before its subject", () => {
    assert.equal(parseCloudEvent(JSON.stringify({ ...foreign, partitionkey: "p" })).key, "p");
    assert.equal(parseCloudEvent(JSON.stringify({ ...foreign, subject: null })).key, undefined);
  });

  test("loses a trace that is malformed, and nothing else", () => {
    const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const traceOf = (changes: object): string | undefined => parseCloudEvent(JSON.stringify({ ...foreign, ...changes })).trace;
    assert.equal(traceOf({ traceparent: parent }), parent);
    assert.equal(traceOf({ traceparent: parent, tracestate: "a=1,,b=2" }), `${parent} a=1,b=2`);
    assert.equal(traceOf({ traceparent: parent, tracestate: "A=1" }), parent);
    for (const traceparent of ["", 4711, null, [parent], parent.toUpperCase(), "4bf92f35", `${parent}-01`]) assert.equal(traceOf({ traceparent, tracestate: "a=1" }), undefined);
  });

  test("may write its time in any zone, and its data in anything that is JSON", () => {
    const times = { "2026-01-01T00:30:00+01:00": "2025-12-31T23:30:00Z", "2026-07-12t10:15:30.123456789z": "2026-07-12T10:15:30.123456789Z", "2026-07-12T10:15:30-00:30": "2026-07-12T10:45:30Z" };
    for (const [time, utc] of Object.entries(times)) assert.equal(parseCloudEvent(textOf({ time })).time, utc);
    for (const datacontenttype of [null, "application/json; charset=utf-8", "application/vnd.example+json"]) assert.deepEqual(problemsOf(textOf({ datacontenttype })), []);
    assert.equal(parseCloudEvent(textOf({ data: undefined })).data, null);
  });
});

describe("a text that is no envelope", () => {
  test("says what is wrong", () => {
    const cases: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
      [{ specversion: "0.3" }, "specversion is not 1.0"],
      [{ id: "order-4711" }, "id is not a UUID"],
      [{ id: 4711 }, "id is not a text of one character or more"],
      [{ source: "not a uri 4711" }, "source is not a URI reference"],
      [{ source: "/%zz4711" }, "source is not a URI reference"],
      [{ type: undefined }, "type is missing"],
      [{ type: "" }, "type is not a text of one character or more"],
      ...["yesterday 4711", "2026-02-30T00:00:00Z", "2026-07-12T25:00:00Z", "2026-07-12 10:15:30Z", "2026-07-12T10:15:30", "2026-07-12T10:15:30+24:00", "0000-01-01T00:00:00+01:00"].map((time) => [{ time }, "time is not a time (RFC 3339)"] as const),
      ...[0, -1, 1.5, 2 ** 31, "4711", {}].map((dataversion) => [{ dataversion }, "dataversion is not a whole number from 1"] as const),
      [{ partitionkey: "" }, "partitionkey is not a text of one character or more"],
      [{ tenonkey: "4711" }, "tenonkey is not a text in JSON"],
      [{ tenonkey: "'4711" }, "tenonkey is not a text in JSON"],
      [{ datacontenttype: "text/xml" }, "datacontenttype is not JSON"],
      [{ data_base64: "NDcxMQ==" }, "the data is bytes (data_base64), and only JSON is read"],
      [{ data: JSON.parse("[".repeat(65) + "]".repeat(65)) as unknown }, "data is nested deeper than 64 levels"],
    ];
    for (const [changes, problem] of cases) assert.deepEqual(problemsOf(textOf(changes)), [problem], JSON.stringify(changes));
  });

  test("says everything that is wrong at once", () => {
    assert.deepEqual(problemsOf("{}"), ["specversion is not 1.0", "id is missing", "source is missing", "type is missing", "time is missing"]);
  });

  test("is never repeated in what is said of it", () => {
    for (const text of ["4711", '{"secret": 4711', "", "[4711]", "null", '"4711"']) assert.doesNotMatch(problemsOf(text).join(), /4711|secret/);
    const marked = fc.record({ id: mark(), source: mark(), type: mark(), time: mark(), dataversion: mark(), tenonkey: mark(), data: mark(), datacontenttype: mark() }, { requiredKeys: [] });
    fc.assert(fc.property(marked, (changes) => {
      for (const problem of problemsOf(textOf(changes))) assert.doesNotMatch(problem, /4711/);
    }));
  });

  test("is refused by the named error, whatever it is", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.object().map((value) => JSON.stringify(value))), (text) => {
      assert.notDeepEqual(problemsOf(text), []);
    }));
  });
});

function mark(): fc.Arbitrary<unknown> {
  return fc.constantFrom("4711", "secret 4711", 4711, { secret: 4711 }, ["4711"]);
}
