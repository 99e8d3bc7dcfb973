import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FieldClasses, type JsonSchema, personal, secret, toJsonSchema } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { KnownValues, type LogRecord, LogWriter, noTraceIds, Privacy, ServiceLog } from "../../src/telemetry/index.ts";
import * as z from "zod";
import { ManualClock } from "../calls/fixture.ts";

function classesOf(...schemas: readonly JsonSchema[]): FieldClasses {
  const classes = new FieldClasses();
  for (const json of schemas) classes.add(json);
  return classes;
}

const person = toJsonSchema(z.object({ id: z.string(), fullName: personal(z.string()), tags: z.array(secret(z.string())), home: personal(z.object({ city: z.string(), id: z.string() })) }), "output");

function maskOf(...values: readonly string[]): (text: string) => string {
  const known = new KnownValues();
  for (const value of values) known.add(value, "personal");
  return known.toMask();
}

describe("classes of fields, by name", () => {
  test("hold however the name is written, and for items by the name of their list", () => {
    const classes = classesOf(person);
    assert.deepEqual(["fullName", "full_name", "Full-Name", "tags", "id"].map((name) => classes.of(name)), ["personal", "personal", "personal", "secret", undefined]);
  });

  test("inside of what is classified, a name is classified unless it is open elsewhere", () => {
    const classes = classesOf(person);
    assert.equal(classes.of("city"), "personal");
    assert.equal(classes.of("id"), undefined);
  });

  test("of other services count where the own ones say nothing of the name", () => {
    const own = classesOf(toJsonSchema(z.object({ name: z.string() }), "output"));
    own.lend(classesOf(toJsonSchema(z.object({ name: personal(z.string()), email: personal(z.string()) }), "output")));
    assert.deepEqual([own.of("name"), own.of("email")], [undefined, "personal"]);
  });

  test("the strictest of several counts", () => {
    assert.equal(classesOf(toJsonSchema(z.object({ a: personal(z.string()), b: z.object({ a: secret(z.string()) }) }), "output")).of("a"), "secret");
  });
});

describe("known values in a text", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["ada@example.org", "Key (lower(email))=(ADA@example.org)", "Key (lower(email))=([personal])"],
    ["ada@example.org", "/readers/ada%40example.org", "/readers/[personal]"],
    ['a "b" c d', String.raw`{"x":"a \"b\" c d"}`, '{"x":"[personal]"}'],
    ["info", "information: info", "information: [personal]"],
    ["Li", "a list for Li", "a list for [personal]"],
    ["at", "    at run", "    at run"],
    ["4711", "4711 and 14711 and 4.4711", "[personal] and 14711 and 4.4711"],
    ["471", "471", "471"],
    ["longer than seven", "xxlonger than sevenxx", "xx[personal]xx"],
    ["a+b(c)[d]*", "of a+b(c)[d]*", "of [personal]"],
  ];
  for (const [value, text, expected] of cases) {
    test(`${value} in ${text}`, () => assert.equal(maskOf(value)(text), expected));
  }

  test("the longest is taken first", () => {
    assert.equal(maskOf("Ada Lovelace", "Lovelace")("Ada Lovelace, Miss Lovelace"), "[personal], Miss [personal]");
  });

  test("more of them than are looked for hide a text whole, but for the places in the code", () => {
    const known = new KnownValues();
    known.gather({ list: Array.from({ length: 3_000 }, (_, i) => ({ fullName: `somebody ${i}` })) }, classesOf(person));
    assert.equal(known.toMask()("no somebody 2999\n    at f (file.ts:1:2)"), "[not shown: it may hold any of the classified values that the call has seen]\n    at f (file.ts:1:2)");
  });
});

describe("a failure", () => {
  const privacy = new Privacy({ classes: () => classesOf(person), secrets: () => ["sk_live_1234"] });
  const knower = { known: [{ fullName: "Ada Lovelace" }], caller: { subject: "ada@x.org", claims: { email: "ada@y.org", sid: "session-1" } }, credentials: { bearer: "eyJ.a.b" } };

  test("is the same object afterwards, and says nothing that is classified, in its stack and its causes too", () => {
    const inner = new RangeError("key sk_live_1234 of ada@y.org");
    const error = new TypeError("no Ada Lovelace (ada@x.org) with eyJ.a.b in session-1", { cause: inner });
    const fault = new Fault("internal", "internal error", { cause: error, facts: { who: "Ada Lovelace", n: 1 }, details: [{ path: "/Ada Lovelace", message: "not ada lovelace" }] });
    assert.equal(privacy.clean(fault, knower), fault);
    assert.equal(fault.cause, error);
    assert.equal(error.message, "no [personal] ([personal]) with [secret] in session-1");
    assert.equal(inner.message, "key [secret] of [personal]");
    assert.doesNotMatch(`${error.stack} ${inner.stack}`, /Ada|ada@|sk_live/);
    assert.match(error.stack ?? "", /privacy\.test\.ts/);
    assert.deepEqual(fault.facts, { who: "[personal]", n: 1 });
    assert.deepEqual(fault.details, [{ path: "/[personal]", message: "not [personal]" }]);
  });

  test("that cannot be changed is replaced", () => {
    const fault = Fault.from(Object.freeze(new TypeError("Ada Lovelace")));
    privacy.clean(fault, knower);
    assert.match(String(fault.cause), /^HiddenError: a TypeError that cannot be shown/);
  });

  test("that is no error is masked by the names in it", () => {
    const fault = Fault.from({ fullName: "somebody else", text: "Ada Lovelace", n: 1 });
    privacy.clean(fault, knower);
    assert.deepEqual(fault.cause, { fullName: "[personal]", text: "[personal]", n: 1 });
  });

  test("of a text that is no JSON does not quote it", () => {
    for (const text of ["Ada Lovelace lives at 12 St James's Square", "Ada", '{"a": Ada}']) {
      const thrown = parsingOf(text);
      privacy.clean(thrown, { known: [] });
      assert.doesNotMatch(String(thrown.stack), /Ada/);
    }
  });
});

function parsingOf(text: string): Error {
  try {
    JSON.parse(text);
  } catch (error) {
    return error as Error;
  }
  throw new TypeError("it was JSON");
}

describe("the log of a service", () => {
  function open(level: "debug" | "info" = "info", levels = new Map<string, "debug">()) {
    const written: string[] = [];
    const records: LogRecord[] = [];
    const writer = new LogWriter({ write: (lines) => written.push(lines), clock: new ManualClock(), level, levels, sinks: [{ logs: (batch) => records.push(...batch) }] });
    const log = new ServiceLog(writer, { service: "readers", privacy: new Privacy({ classes: () => classesOf(person) }), knower: { known: [{ fullName: "Ada Lovelace" }] }, fields: { operation: "readers.get", call: "1" }, traceIds: { traceId: "a".repeat(32), spanId: "b".repeat(16) } });
    return { log, writer, records, lines: () => (writer.flush(), written.join("").split("\n").slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>)) };
  }

  test("carries where it was said, the trace, and classes in place of values", () => {
    const { lines, log, records } = open();
    log.info("found Ada Lovelace", { row: { id: "7", full_name: "Grace", tags: ["x"] }, other: "by ada lovelace", n: 1 });
    const expected = { operation: "readers.get", call: "1", row: { id: "7", full_name: "[personal]", tags: "[secret]" }, other: "by [personal]", n: 1 };
    assert.deepEqual(lines(), [{ time: "2023-11-14T22:13:20.000Z", level: "info", message: "found [personal]", ...expected, trace_id: "a".repeat(32), span_id: "b".repeat(16) }]);
    assert.deepEqual(records, [{ timeMs: 1_700_000_000_000, level: "info", message: "found [personal]", fields: expected, traceId: "a".repeat(32), spanId: "b".repeat(16) }]);
  });

  test("takes anything, and never throws", () => {
    const { lines, log } = open();
    const circle: Record<string, unknown> = { big: 12n, nan: Number.NaN, bytes: new Uint8Array(3), at: new Date(0), map: new Map([["fullName", "x"]]), set: new Set([1]), f: () => 1 };
    circle["self"] = circle;
    Object.defineProperty(circle, "trap", { enumerable: true, get: () => { throw new TypeError("trap"); } });
    log.info("odd", { fine: 1, deep: Array.from({ length: 20 }).reduce<unknown>((inner) => ({ inner }), 0), list: Array.from({ length: 300 }, (_, i) => i), time: "t", message: "m" });
    log.info("trapped", { circle });
    log.info(undefined as unknown as string, { error: { fullName: "x" } });
    const [odd, trapped, none] = lines() as unknown as readonly [Record<string, unknown>, Record<string, unknown>, Record<string, unknown>];
    assert.equal((odd["list"] as unknown[]).length, 201);
    assert.match(JSON.stringify(odd["deep"]), /deeper than is shown/);
    assert.deepEqual([odd["time_"], odd["message_"], odd["message"]], ["t", "m", "odd"]);
    assert.equal(trapped["circle"], "[cannot be read]");
    assert.deepEqual(none["error"], { fullName: "[personal]" });
  });

  test("gathers nothing below its level, and has a level of its own", () => {
    let asked = 0;
    const writer = new LogWriter({ write: () => undefined, clock: new ManualClock(), levels: new Map([["loud", "debug"]]) });
    const privacy = { hidingOf: () => ((asked += 1), { classes: new FieldClasses(), mask: (text: string) => text }) };
    for (const service of ["quiet", "loud"]) new ServiceLog(writer, { service, privacy, knower: { known: [] }, fields: {}, traceIds: noTraceIds }).debug("x");
    assert.equal(asked, 1);
  });

  test("a sink that throws costs its records, which are counted, and no line", () => {
    const lines: string[] = [];
    const writer = new LogWriter({ write: (text) => lines.push(text), clock: new ManualClock(), sinks: [{ logs: () => { throw new TypeError("no"); } }] });
    for (let n = 0; n < 600; n += 1) writer.info("x");
    writer.flush();
    assert.equal(writer.recordsDropped, 600);
    assert.equal(lines.join("").split("\n").length - 1, 600);
  });

  test("as text, nothing that is said forges a line or moves the cursor", () => {
    const lines: string[] = [];
    const writer = new LogWriter({ write: (text) => lines.push(text), clock: new ManualClock(), format: "text" });
    writer.info("a\n22:13:20.000 ✗ forged\u001b[31m", { field: "b\nc", nested: { a: 1 } });
    writer.flush();
    assert.equal(lines.join(""), String.raw`22:13:20.000   a\n22:13:20.000 ✗ forged\x1b[31m  field=b\nc nested={"a":1}` + "\n");
  });
});
