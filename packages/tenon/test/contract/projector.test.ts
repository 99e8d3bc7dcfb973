import assert from "node:assert/strict";
import { test } from "node:test";
import { createProjector, type JsonSchema } from "../../src/contract/index.ts";

const cut = (json: JsonSchema, value: unknown): unknown => createProjector(json)(value);
const named: JsonSchema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const hidden = { name: "Ada", hash: "…" };

test("an object keeps the fields that are declared, however deep, and the value given is not changed", () => {
  const json = { type: "object", properties: { a: named, list: { type: "array", items: named }, pair: { type: "array", prefixItems: [named, {}], items: named } } };
  const value = { a: hidden, list: [hidden, hidden], pair: [hidden, hidden, hidden], extra: hidden };
  assert.deepEqual(cut(json, value), { a: { name: "Ada" }, list: [{ name: "Ada" }, { name: "Ada" }], pair: [{ name: "Ada" }, hidden, { name: "Ada" }] });
  assert.equal(value.a.hash, "…");
});

test("an object keeps more only where the schema says what else may stand there", () => {
  assert.deepEqual(cut({ ...named, additionalProperties: false }, hidden), { name: "Ada" });
  assert.deepEqual(cut({ ...named, additionalProperties: true }, { ...hidden, more: hidden }), { ...hidden, more: hidden });
  assert.deepEqual(cut({ type: "object", additionalProperties: named }, { a: hidden }), { a: { name: "Ada" } });
  assert.deepEqual(cut({ ...named, patternProperties: { "^x-": named } }, { ...hidden, "x-a": hidden }), { name: "Ada", "x-a": { name: "Ada" } });
  assert.deepEqual(cut({ type: "object" }, hidden), hidden);
  assert.deepEqual(cut({}, hidden), hidden);
});

test("a reference is followed, also to itself", () => {
  const json = { $ref: "#/$defs/Node", $defs: { Node: { ...named, properties: { name: {}, next: { $ref: "#/$defs/Node" } } } } };
  assert.deepEqual(cut(json, { ...hidden, next: { ...hidden, next: hidden } }), { name: "Ada", next: { name: "Ada", next: { name: "Ada" } } });
});

test("of several parts each keeps its own; a part that only adds a rule opens nothing", () => {
  const aged = { type: "object", properties: { age: { type: "integer" } } };
  assert.deepEqual(cut({ allOf: [named, aged, { required: ["age"] }] }, { ...hidden, age: 36 }), { name: "Ada", age: 36 });
  assert.deepEqual(cut({ ...named, allOf: [aged] }, { ...hidden, age: 36 }), { name: "Ada", age: 36 });
});

test("of a choice the value keeps the kind that it is", () => {
  const kind = (tag: string, field: string): JsonSchema => ({ type: "object", properties: { kind: { const: tag }, [field]: {} }, required: ["kind"] });
  const json = { oneOf: [kind("card", "token"), kind("invoice", "iban")] };
  assert.deepEqual(cut(json, { kind: "card", token: 1, iban: 2 }), { kind: "card", token: 1 });
  assert.deepEqual(cut(json, { kind: "invoice", token: 1, iban: 2 }), { kind: "invoice", iban: 2 });
  assert.deepEqual(cut({ anyOf: [named, { type: "null" }, { type: "array", items: named }] }, [hidden]), [{ name: "Ada" }]);
  assert.equal(cut({ anyOf: [named, { type: "null" }] }, null), null);
});

test("a field called __proto__ stays a field", () => {
  const value: unknown = JSON.parse('{"__proto__":{"admin":true},"name":"Ada"}');
  const kept = cut({ type: "object", additionalProperties: true, properties: {} }, value);
  assert.equal(Object.getPrototypeOf(kept), Object.prototype);
  assert.deepEqual(Object.keys(kept as object), ["__proto__", "name"]);
  assert.deepEqual(Object.keys(cut(named, value) as object), ["name"]);
});
