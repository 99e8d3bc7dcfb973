import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type BaggageEntry, baggageLimits, parseBaggage, toBaggage } from "../../src/telemetry/index.ts";

function read(header: string): Readonly<Record<string, BaggageEntry>> {
  return Object.fromEntries(parseBaggage(header));
}

describe("baggage", () => {
  test("is read as the specification's own examples have it", () => {
    assert.deepEqual(read("key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue"), {
      key1: { value: "value1", properties: "property1;property2" },
      key2: { value: "value2", properties: "" },
      key3: { value: "value3", properties: "propertyKey=propertyValue" },
    });
    assert.deepEqual(read("userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false"), {
      userId: { value: "Amélie", properties: "" },
      serverNode: { value: "DF 28", properties: "" },
      isProduction: { value: "false", properties: "" },
    });
  });

  test("may have equals signs in values, empty values, and percent signs that encode nothing", () => {
    assert.deepEqual(read("a=b=c,d=,e=100%,f=%zz"), {
      a: { value: "b=c", properties: "" },
      d: { value: "", properties: "" },
      e: { value: "100%", properties: "" },
      f: { value: "%zz", properties: "" },
    });
    assert.equal(read("a=%ff")["a"]?.value, "\uFFFD");
  });

  test("takes the last one of a name that stands there twice", () => {
    assert.deepEqual(read("a=1,b=2,a=3"), { a: { value: "3", properties: "" }, b: { value: "2", properties: "" } });
  });

  test("is ignored whole where any of it is malformed", () => {
    for (const header of ["a", "=1", "a b=1", "a=1,,b=2", "a=\"1\"", "a=1 2", "a=\\", "a=ä", "ä=1", "a=1;", "a=1;b c", "a=1;b=\"c\"", "a=1,b", ","]) {
      assert.deepEqual(read(header), {}, header);
    }
  });

  test("is nothing where there is nothing", () => {
    for (const header of [undefined, "", "  "]) assert.equal(parseBaggage(header).size, 0);
  });

  test("is taken up to its limits, by whole entries", () => {
    const many = Array.from({ length: 100 }, (_, n) => `k${n}=1`).join(",");
    assert.equal(parseBaggage(many).size, baggageLimits.entriesMax);
    const large = `a=1,b=${"x".repeat(baggageLimits.charsMax)},c=2`;
    assert.deepEqual(read(large), { a: { value: "1", properties: "" } });
    assert.equal(parseBaggage(`a=${"x".repeat(baggageLimits.charsMax - 2)}`).size, 1);
  });

  test("is read as it was written, whatever its values", () => {
    const names = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}$/);
    const entries = fc.dictionary(names, fc.record({ value: fc.string({ unit: "binary" }), properties: fc.constantFrom("", "a", "a=1;b") }), { maxKeys: 20, noNullPrototype: true });
    fc.assert(fc.property(entries, (given) => {
      const written = toBaggage(Object.entries(given));
      assert.match(written, /^[\x21-\x7e]*$/);
      if (written.length < baggageLimits.charsMax - 100) {
        const wellFormed = Object.fromEntries(Object.entries(given).map(([name, entry]) => [name, { ...entry, value: entry.value.toWellFormed() }]));
        assert.deepEqual(read(written), wellFormed);
      }
    }));
  });

  test("is written within its limits, without what has no form for it", () => {
    const entry = (value: string, properties = ""): BaggageEntry => ({ value, properties });
    assert.equal(toBaggage([["a b", entry("1")], ["c", entry("1", "x y")], ["d", entry("e f", "g=1")]]), "d=e%20f;g=1");
    const written = toBaggage([["a", entry("x".repeat(9_000))], ...Array.from({ length: 100 }, (_, n) => [`k${n}`, entry("1")] as const)]);
    assert.equal(parseBaggage(written).size, baggageLimits.entriesMax);
    assert.ok(written.length <= baggageLimits.charsMax);
  });
});
