import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CamelCasePlugin } from "kysely";
import { MessageWriter, parseArray, toCamelCase, toIsoInstant, toParameter, toSnakeCase } from "../../src/data/index.ts";

test("an array is written and read back as it was", () => {
  const item = fc.oneof(fc.string(), fc.constant(null));
  fc.assert(
    fc.property(fc.array(item), (list) => {
      assert.deepEqual(parseArray(toParameter(list, undefined) as string, undefined), list);
    }),
  );
  assert.deepEqual(parseArray("[0:1]={{1,2},{3,NULL}}", Number), [
    [1, 2],
    [3, null],
  ]);
});

test("an instant is ISO 8601 where that has a form for it", () => {
  assert.equal(toIsoInstant("2026-11-23 10:11:12.345+00"), "2026-11-23T10:11:12.345Z");
  assert.equal(toIsoInstant("2026-11-23 10:11:12+05:30"), "2026-11-23T10:11:12+05:30");
  assert.equal(toIsoInstant("2026-11-23 10:11:12-03"), "2026-11-23T10:11:12-03:00");
  assert.equal(toIsoInstant("2026-11-23 10:11:12"), "2026-11-23T10:11:12");
  for (const same of ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC"]) assert.equal(toIsoInstant(same), same);
});

test("what no database has a value for is refused", () => {
  for (const value of [Symbol("x"), () => 1]) assert.throws(() => toParameter(value, undefined), TypeError);
});

class Reference extends CamelCasePlugin {
  snake(name: string): string {
    return this.snakeCase(name);
  }
  camel(name: string): string {
    return this.camelCase(name);
  }
}

test("names are mapped as Kysely's own plugin maps them", () => {
  const reference = new Reference();
  const name = fc.stringMatching(/^[A-Za-z0-9_]{1,30}$/);
  fc.assert(fc.property(name, (text) => assert.equal(toSnakeCase(text), reference.snake(text))));
  fc.assert(fc.property(name, (text) => assert.equal(toCamelCase(text), reference.camel(text))));
});

test("a message counts its own bytes, whatever is in it", () => {
  const text = fc.string({ unit: "binary" }).filter((each) => !each.includes("\0"));
  const value = fc.oneof(text, fc.constant(null), fc.uint8Array());
  fc.assert(
    fc.property(text, fc.array(value, { maxLength: 8 }), (statement, values) => {
      const bytes = Buffer.from(new MessageWriter().parse("s", statement).bind("s", values).execute().sync().finish());
      const codes: string[] = [];
      let at = 0;
      while (at < bytes.length) {
        codes.push(String.fromCharCode(bytes[at] ?? 0));
        at += 1 + bytes.readInt32BE(at + 1);
      }
      assert.equal(at, bytes.length);
      assert.deepEqual(codes, ["P", "B", "E", "S"]);
    }),
  );
});

test("a statement cannot be ended early by what stands in it", () => {
  assert.throws(() => new MessageWriter().parse("", "select 1\0 X"), RangeError);
  assert.throws(() => new MessageWriter().bind("", Array.from({ length: 70_000 }, () => "x")), /at most 65535/);
});
