import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { ContractMistakes, personal, table } from "../../src/contract/index.ts";

const columns = { id: z.uuid(), customerId: z.uuid(), email: personal(z.email()), createdAt: z.iso.datetime(), note: z.string().nullable() };

function messageOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof ContractMistakes, String(error));
    return error.message;
  }
  return "";
}

test("a table holds its columns, its key and what the database fills in", () => {
  const orders = table(columns, { key: "id", defaults: ["id", "createdAt"], subject: "customerId", retention: "7y" });
  assert.equal(orders.columns, columns);
  assert.deepEqual([orders.key, orders.defaults, orders.subject, orders.retention], [["id"], ["id", "createdAt"], "customerId", "7y"]);
  assert.deepEqual(table(columns, { key: ["customerId", "id"] }).key, ["customerId", "id"]);
  assert.ok(Object.isFrozen(orders));
});

test("everything wrong with a table is told at once, each mistake with its remedy", () => {
  const wrong = { ...columns, created_at: z.iso.datetime(), seenAt: z.date(), size: 5 as unknown as z.ZodInt };
  const options = { key: ["id", "id", "sku"], defaults: ["constructor"], subject: "person", retention: "forever" } as unknown as { key: "id" };
  assert.equal(messageOf(() => table(wrong, options)), `a table has 8 mistakes:
  created_at: is not a name for a column
    → camelCase; it is snake_case in SQL
  seenAt: the column cannot be written as JSON Schema: Date cannot be represented in JSON Schema
    → use a type that JSON has: z.iso.datetime() for a date, a string for a big integer, no transform
  size: the column is not a schema
    → use a library with Standard Schema and Standard JSON Schema, such as Zod 4
  sku: is named under key but is no column
    → one of: id, customerId, email, createdAt, note, created_at, seenAt, size
  key: names a column twice
    → name each once
  constructor: is named under defaults but is no column
    → one of: id, customerId, email, createdAt, note, created_at, seenAt, size
  person: is named under subject but is no column
    → one of: id, customerId, email, createdAt, note, created_at, seenAt, size
  retention: "forever" is not a length of time
    → a number and a unit: "30d", "7y"`);
});

test("a table without columns or without a key is none", () => {
  assert.match(messageOf(() => table(columns, { key: [] })), /key: is empty/);
  assert.match(messageOf(() => table({}, { key: "id" as never })), /a table: has no columns/);
  assert.match(messageOf(() => table(columns, { key: "id", retention: "0d" })), /retention: "0d" is not a length of time/);
});
