/** Values without what is classified in them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { createMask, personal, secret, sensitive, toJsonSchema } from "../../src/contract/index.ts";

const maskOf = (schema: z.ZodType) => createMask(toJsonSchema(schema, "output"));

describe("a mask", () => {
  test("puts the class in place of what is classified, however deep, and leaves the rest", () => {
    const mask = maskOf(
      z.object({
        id: z.string(),
        name: personal(z.string()),
        tags: z.array(z.string()),
        phones: z.array(z.object({ kind: z.string(), number: personal(z.string()) })),
        byCountry: z.record(z.string(), secret(z.string())),
        pair: z.tuple([z.string(), sensitive(z.int())]),
        note: personal(z.string()).optional(),
      }),
    );
    const value = { id: "1", name: "Ann", tags: ["a"], phones: [{ kind: "home", number: "5" }], byCountry: { de: "x" }, pair: ["a", 1] };
    assert.deepEqual(mask(value), { id: "1", name: "[personal]", tags: ["a"], phones: [{ kind: "home", number: "[personal]" }], byCountry: { de: "[secret]" }, pair: ["a", "[sensitive]"] });
    assert.equal(value.name, "Ann", "the value is left as it was");
  });

  test("shows nothing of an object that is classified as a whole, nor that there is none", () => {
    assert.deepEqual(maskOf(z.object({ address: personal(z.object({ city: z.string() })).nullable() }))({ address: { city: "Ulm" } }), { address: "[personal]" });
    assert.deepEqual(maskOf(z.object({ address: personal(z.string()).nullable() }))({ address: null }), { address: "[personal]" });
  });

  test("takes the stricter class where kinds of one place differ", () => {
    assert.deepEqual(maskOf(z.object({ id: z.union([personal(z.string()), secret(z.int())]) }))({ id: 5 }), { id: "[secret]" });
  });

  test("follows a type that contains itself all the way down", () => {
    interface Person {
      readonly name: string;
      readonly boss?: Person | undefined;
    }
    const Person: z.ZodType<Person> = z.object({
      name: personal(z.string()),
      get boss() {
        return Person.optional();
      },
    });
    assert.deepEqual(maskOf(Person)({ name: "a", boss: { name: "b", boss: { name: "c" } } }), { name: "[personal]", boss: { name: "[personal]", boss: { name: "[personal]" } } });
  });

  test("is not misled by names that objects have anyway", () => {
    assert.deepEqual(maskOf(z.object({ a: z.string() }))({ a: "1", constructor: "x" }), { a: "1", constructor: "x" });
  });
});
