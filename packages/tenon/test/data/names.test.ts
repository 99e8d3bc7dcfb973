import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { namesOf, quoteName, quoteText, schemaOf } from "../../src/data/index.ts";

test("a service has a schema and two roles of its own", () => {
  assert.deepEqual(namesOf("shop", "my-orders"), { schema: "my_orders", writer: "shop__my_orders", reader: "shop__my_orders__read" });
});

test("names that PostgreSQL keeps for itself are not taken", () => {
  assert.deepEqual(["public", "information-schema", "pg-stat", "pgp"].map(schemaOf), ["_public", "_information_schema", "_pg_stat", "pgp"]);
});

const names = fc.tuple(fc.stringMatching(/^[A-Za-z0-9_$ é-]{1,70}$/), fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/));

test("no two databases or services share a role, and none is longer than PostgreSQL keeps", () => {
  fc.assert(
    fc.property(names, names, ([database, service], [otherDatabase, otherService]) => {
      const one = namesOf(database, service);
      const other = namesOf(otherDatabase, otherService);
      for (const role of [one.writer, one.reader]) {
        assert.ok(Buffer.byteLength(role) <= 63 && /^[a-z_][a-z0-9_]*$/.test(role) && !role.startsWith("pg_"), role);
      }
      if (database === otherDatabase && service === otherService) return;
      assert.equal(new Set([one.writer, one.reader, other.writer, other.reader]).size, 4);
    }),
    { numRuns: 2_000 },
  );
});

test("names that would run into each other do not", () => {
  const roles = [
    ["a", "b-read"],
    ["a", "b"],
    ["a-b", "c"],
    ["a_b", "c"],
    ["a", "b-c"],
    ["a", "b--read"],
    ["a__b", "c"],
    ["a", "b--c"],
    ["A", "b"],
    ["a", "b-"],
    ["a_", "b"],
  ].flatMap(([database = "", service = ""]) => {
    const { reader, writer } = namesOf(database, service);
    return [reader, writer];
  });
  assert.equal(new Set(roles).size, roles.length);
});

test("a name or text with quotes in it stays one", () => {
  assert.equal(quoteName('a"b'), '"a""b"');
  assert.equal(quoteText("it's"), "'it''s'");
  assert.equal(quoteText("a\\'b"), " E'a\\\\''b'");
});
