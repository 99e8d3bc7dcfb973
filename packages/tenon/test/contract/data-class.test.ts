import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import {
  contract, dataClassesOf, describe as describeContract, describeOperationOf, event, type JsonSchema, personal, query, secret, sensitive, toJsonSchema,
} from "../../src/contract/index.ts";
import { schemaOf, text } from "./hand-made-schema.ts";

const classesOf = (schema: z.ZodType): Readonly<Record<string, string>> => Object.fromEntries(dataClassesOf(toJsonSchema(schema, "input")));

describe("a data class", () => {
  test("comes through the description of a contract, on both sides and in events", () => {
    const Person = z.object({ name: personal(z.string()), diagnosis: sensitive(z.string()).optional(), password: secret(z.string().min(12)) });
    const people = contract("people", {
      get: query({ access: "signed-in", input: z.object({ email: personal(z.email()) }), output: Person }),
      changed: event({ data: Person }),
    });
    const { input, output } = describeOperationOf(people, "get");
    const classes = { "/name": "personal", "/diagnosis": "sensitive", "/password": "secret" };
    assert.deepEqual(Object.fromEntries(dataClassesOf(input ?? {})), { "/email": "personal" });
    assert.deepEqual(output.kind === "json" && Object.fromEntries(dataClassesOf(output.schema)), classes);
    assert.deepEqual(Object.fromEntries(dataClassesOf(describeContract(people).events[0]?.data ?? {})), classes);
  });

  test("stays on a field through what is done to it later", () => {
    const name = personal(z.string());
    assert.deepEqual(classesOf(z.object({
      optional: name.optional(), nullable: name.nullable(), fallback: name.default("x"), shorter: name.max(3), checked: name.refine(() => true), trimmed: name.trim(),
      described: name.describe("a name"), readonly: name.readonly(), list: z.array(name), named: personal(z.string().meta({ id: "Name" })),
    })), {
      "/optional": "personal", "/nullable": "personal", "/fallback": "personal", "/shorter": "personal", "/checked": "personal", "/trimmed": "personal",
      "/described": "personal", "/readonly": "personal", "/list/*": "personal", "/named": "personal",
    });
  });

  test("keeps what the field said of itself before", () => {
    const json = toJsonSchema(personal(z.email().meta({ description: "where to write to", example: "ada@example.com" })), "output");
    assert.deepEqual([json["description"], json["example"], json["x-data-class"]], ["where to write to", "ada@example.com", "personal"]);
  });

  test("is found wherever a field can be: lists, records, tuples, choices, references, names with slashes", () => {
    const name = personal(z.string());
    const Node: z.ZodType = z.object({ name, get next(): z.ZodType { return Node.optional(); } });
    assert.deepEqual(classesOf(z.object({
      people: z.array(z.object({ name })), byCity: z.record(z.string(), name), pair: z.tuple([z.int(), name]), "a/b~c": name, node: Node,
      either: z.union([z.object({ name }), z.object({ iban: sensitive(z.string()) })]), shared: z.object({ name }).meta({ id: "Shared" }),
    })), {
      "/people/*/name": "personal", "/byCity/*": "personal", "/pair/1": "personal", "/a~1b~0c": "personal", "/node/name": "personal",
      "/either/name": "personal", "/either/iban": "sensitive", "/shared/name": "personal",
    });
  });

  test("is the stricter one where kinds of a field differ", () => {
    assert.deepEqual(classesOf(z.object({ a: z.union([secret(z.string()), personal(z.int())]), b: z.union([personal(z.string()), sensitive(z.int())]) })), { "/a": "secret", "/b": "sensitive" });
  });

  test("can be put on a schema of a library that knows no keywords of ours", () => {
    const plain = schemaOf<string>(text);
    const marked = personal(plain);
    assert.equal(toJsonSchema(marked, "input")["x-data-class"], "personal");
    assert.equal(toJsonSchema(plain, "input")["x-data-class"], undefined);
    assert.deepEqual(marked["~standard"].validate("Ada"), { value: "Ada" });
  });

  test("that is not one of ours is nothing", () => {
    const json: JsonSchema = { type: "object", properties: { a: { "x-data-class": "public" }, b: { "x-data-class": true } } };
    assert.equal(dataClassesOf(json).size, 0);
  });
});
