import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseTraceContext, parseTraceState, parseTraceText, randomFlag, sampledFlag, toTraceparent, toTraceText } from "../../src/telemetry/index.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

function parentOf(parts: { readonly version?: string; readonly trace?: string; readonly span?: string; readonly flags?: string; readonly more?: string }): string {
  const { flags = "01", more = "", span = spanId, trace = traceId, version = "00" } = parts;
  return `${version}-${trace}-${span}-${flags}${more}`;
}

const hex = (digits: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits - 1}}[1-9a-f]$`));
const contexts = fc.record({ traceId: hex(32), spanId: hex(16), flags: fc.nat({ max: 3 }), state: fc.constantFrom("", "a=1", "a=1,b@c=x y z") }, { noNullPrototype: true });

describe("traceparent", () => {
  test("is read as the specification's own examples have it", () => {
    assert.deepEqual(parseTraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), {
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      spanId: "00f067aa0ba902b7",
      flags: sampledFlag,
      state: "",
    });
    assert.equal(parseTraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")?.flags, 0);
  });

  test("keeps the flags that are known, of this level and the next, and no others", () => {
    assert.equal(parseTraceContext(parentOf({ flags: "02" }))?.flags, randomFlag);
    assert.equal(parseTraceContext(parentOf({ flags: "03" }))?.flags, randomFlag | sampledFlag);
    assert.equal(parseTraceContext(parentOf({ flags: "ff" }))?.flags, randomFlag | sampledFlag);
    assert.equal(parseTraceContext(parentOf({ flags: "fc" }))?.flags, 0);
  });

  // Names as in https://github.com/w3c/trace-context/blob/main/test/test.py
  const refused: Readonly<Record<string, readonly string[]>> = {
    "version 00 with more behind it": [parentOf({ more: "." }), parentOf({ more: "-what-the-future-will-be-like" }), parentOf({ more: "-" })],
    "version ff": [parentOf({ version: "ff" })],
    "version with illegal characters": [parentOf({ version: ".0" }), parentOf({ version: "0." }), parentOf({ version: "0A" })],
    "version too long or too short": [parentOf({ version: "000" }), parentOf({ version: "0000" }), parentOf({ version: "0" }), parentOf({ version: "" })],
    "future version with something else than a hyphen behind it": [parentOf({ version: "cc", more: ".what-the-future-will-not-be-like" }), parentOf({ version: "cc", more: "0" })],
    "trace-id all zero": [parentOf({ trace: "0".repeat(32) })],
    "trace-id with illegal characters": [parentOf({ trace: `.${traceId.slice(1)}` }), parentOf({ trace: `${traceId.slice(1)}.` }), parentOf({ trace: traceId.toUpperCase() })],
    "trace-id too long or too short": [parentOf({ trace: `0${traceId}` }), parentOf({ trace: traceId.slice(1) }), parentOf({ trace: "" })],
    "parent-id all zero": [parentOf({ span: "0".repeat(16) })],
    "parent-id with illegal characters": [parentOf({ span: `.${spanId.slice(1)}` }), parentOf({ span: spanId.toUpperCase() })],
    "parent-id too long or too short": [parentOf({ span: `0${spanId}` }), parentOf({ span: spanId.slice(1) }), parentOf({ span: "" })],
    "trace-flags with illegal characters": [parentOf({ flags: ".0" }), parentOf({ flags: "0." }), parentOf({ flags: "0A" })],
    "trace-flags too long or too short": [parentOf({ flags: "001" }), parentOf({ flags: "1" }), parentOf({ flags: "" })],
    "several headers in one": [`${parentOf({})}, ${parentOf({})}`, `${parentOf({})},${parentOf({})}`],
    "blanks": [` ${parentOf({})}`, `${parentOf({})} `, `${parentOf({})}\n`],
  };
  for (const [name, texts] of Object.entries(refused)) {
    test(`is ignored, and the state beside it, with ${name}`, () => {
      for (const text of texts) assert.equal(parseTraceContext(text, "a=1"), undefined, JSON.stringify(text));
    });
  }

  test("of a version to come is read as far as it is known", () => {
    for (const more of ["", "-", "-what-the-future-will-be-like"]) {
      const read = parseTraceContext(parentOf({ version: "cc", more }));
      assert.deepEqual(read, { traceId, spanId, flags: sampledFlag, state: "" });
      assert.equal(toTraceparent(read), parentOf({}), "and written in the version that is spoken here");
    }
  });

  test("comes back from its text, alone and with its state", () => {
    fc.assert(fc.property(contexts, (context) => {
      assert.deepEqual(parseTraceText(toTraceText(context)), context);
      assert.deepEqual(parseTraceContext(toTraceparent(context), context.state), context);
    }));
  });

  test("is never read from anything else, and reading never throws", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("0", "1", "a", "f", "-"), minLength: 50, maxLength: 60 })), fc.string(), (text, state) => {
      const read = parseTraceContext(text, state);
      if (read !== undefined) assert.match(text, /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/);
    }));
  });

  test("is not in a column that holds the identifier of a call, as older rows do", () => {
    for (const text of ["be1525aace04744e", "", " ", "t", undefined, null]) assert.equal(parseTraceText(text), undefined);
  });
});

describe("tracestate", () => {
  test("is passed on as it came, without blanks around its entries and without empty ones", () => {
    assert.equal(parseTraceState("foo=1,bar=2"), "foo=1,bar=2");
    assert.equal(parseTraceState("foo=1 \t , \t bar=2, \t baz=3"), "foo=1,bar=2,baz=3");
    assert.equal(parseTraceState("foo=1,,, ,bar=2,"), "foo=1,bar=2");
    assert.equal(parseTraceState("foo= 1 2"), "foo= 1 2");
    assert.equal(parseTraceState(""), "");
  });

  test("takes every key and value that level 2 allows", () => {
    const keys = ["a", "0", "0a", "foo-_*/bar", "foo@bar", "t-_*/v-_*/", "z".repeat(256), "a@b@c", `${"t".repeat(241)}@v`];
    for (const key of keys) assert.equal(parseTraceState(`${key}=1`), `${key}=1`.length > 512 ? "" : `${key}=1`);
    assert.equal(parseTraceState("a=!\"#$%&'()*+-./:;<>?@[]^_`{|}~"), "a=!\"#$%&'()*+-./:;<>?@[]^_`{|}~");
  });

  test("is dropped whole where an entry is malformed or stands there twice", () => {
    for (const text of ["foo", "foo=", "=1", "foo =1", "FOO=1", "foo.bar=1", "@foo=1", "_a=1", `${"z".repeat(257)}=1`, "foo=bar=baz", "foo=\u00e4", "foo=a\tb", "foo=1,foo=1", "foo=1,foo=2", `a=${"x".repeat(257)}`]) {
      assert.equal(parseTraceState(`ok=1,${text}`), "", text);
    }
  });

  test("is dropped whole with more than 32 entries, and kept with as many", () => {
    const entries = (count: number): string => Array.from({ length: count }, (_, n) => `k${n}=${n}`).join(",");
    assert.equal(parseTraceState(entries(32)), entries(32));
    assert.equal(parseTraceState(entries(33)), "");
  });

  test("is shortened to 512 characters by whole entries: long ones first, then the oldest", () => {
    const long = `long=${"x".repeat(200)}`;
    const short = (n: number): string => `k${n}=${"y".repeat(100)}`;
    const kept = parseTraceState([short(1), long, short(2), short(3), short(4), short(5)].join(","));
    assert.equal(kept, [short(1), short(2), short(3), short(4)].join(","));
    fc.assert(fc.property(fc.array(fc.nat({ max: 250 }), { maxLength: 32 }), (lengths) => {
      const entries = lengths.map((length, n) => `k${n}=${"v".repeat(length + 1)}`);
      const parsed = parseTraceState(entries.join(","));
      assert.ok(parsed.length <= 512);
      for (const entry of parsed.split(",").filter((each) => each !== "")) assert.ok(entries.includes(entry));
      if (entries.join(",").length <= 512) assert.equal(parsed, entries.join(","));
    }));
  });
});
