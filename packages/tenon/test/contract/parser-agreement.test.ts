/**
 * The compiled parser and plain Zod are two readers of one schema. This test is what lets us have two: random schemas,
 * random values that fit or nearly fit, and hostile ones; whatever plain Zod answers, the parser has to answer.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as z from "zod";
import { createParser, type Schema } from "../../src/contract/index.ts";

/** A schema to be built, and the values that fit it. Plain data, so that a failure prints what it failed with. */
type Recipe = readonly [kind: string, ...parts: readonly unknown[]];
interface Built {
  readonly schema: z.ZodType;
  readonly fitting: fc.Arbitrary<unknown>;
}

const word = fc.string({ maxLength: 8 });
const emoji = fc.constantFrom("👍", "👨‍👩‍👧", "é", "\u0000", "a\ud800");
const leaves: Readonly<Record<string, () => Built>> = {
  string: () => ({ schema: z.string(), fitting: fc.oneof(word, emoji) }),
  shortString: () => ({ schema: z.string().min(1).max(3), fitting: fc.oneof(fc.string({ minLength: 1, maxLength: 3 }), emoji) }),
  code: () => ({ schema: z.string().length(2), fitting: fc.oneof(fc.string({ minLength: 2, maxLength: 2 }), emoji) }),
  zip: () => ({ schema: z.string().regex(/^\d{5}$/), fitting: fc.stringMatching(/^\d{5}$/) }),
  sticky: () => ({ schema: z.string().regex(/^a+$/g), fitting: fc.stringMatching(/^a{1,5}$/) }),
  starts: () => ({ schema: z.string().startsWith("a").includes("b").endsWith("c"), fitting: fc.constantFrom("abc", "ac", "abbc") }),
  trimmed: () => ({ schema: z.string().trim().toLowerCase().min(1), fitting: fc.constantFrom(" A ", "b", "   ") }),
  slug: () => ({ schema: z.string().slugify(), fitting: word }),
  uuid: () => ({ schema: z.uuid(), fitting: fc.uuid() }),
  email: () => ({ schema: z.email(), fitting: fc.constantFrom("ada@example.com", "a@b") }),
  url: () => ({ schema: z.url(), fitting: fc.constantFrom("https://example.com/a b", "http://exa\nmple.com", " https://x.y ", "mailto:x") }),
  httpUrl: () => ({ schema: z.httpUrl(), fitting: fc.constantFrom("https://example.com", "http:example.com") }),
  datetime: () => ({ schema: z.iso.datetime(), fitting: fc.constantFrom("2026-11-23T10:00:00Z", "2026-02-30T10:00:00Z", "2026-11-23T10:00:00+01:00") }),
  date: () => ({ schema: z.iso.date(), fitting: fc.constantFrom("2026-11-23", "2026-02-29") }),
  time: () => ({ schema: z.iso.time(), fitting: fc.constantFrom("10:00", "10:00:61") }),
  duration: () => ({ schema: z.iso.duration(), fitting: fc.constantFrom("P1D", "P") }),
  base64: () => ({ schema: z.base64(), fitting: fc.base64String() }),
  ipv6: () => ({ schema: z.ipv6(), fitting: fc.oneof(fc.ipV6(), fc.constant("::@1\\")) }),
  ipv4: () => ({ schema: z.ipv4(), fitting: fc.ipV4() }),
  jwt: () => ({ schema: z.jwt(), fitting: fc.constantFrom("eyJhbGciOiJub25lIn0.e30.x", "a.b.c") }),
  template: () => ({ schema: z.templateLiteral(["n-", z.int()]), fitting: fc.constantFrom("n-1", "n-1.5", "n-") }),
  number: () => ({ schema: z.number(), fitting: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  ratio: () => ({ schema: z.number().min(0).max(1), fitting: fc.constantFrom(0, -0, 1, 0.5) }),
  positive: () => ({ schema: z.number().gt(0).lt(10), fitting: fc.constantFrom(0, 0.1, 9.99, 10) }),
  int: () => ({ schema: z.int(), fitting: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(2 ** 53, -(2 ** 53))) }),
  int32: () => ({ schema: z.int32(), fitting: fc.constantFrom(0, 2 ** 31 - 1, 2 ** 31) }),
  count: () => ({ schema: z.int().min(1).max(1000), fitting: fc.integer({ min: 0, max: 1001 }) }),
  step: () => ({ schema: z.number().multipleOf(0.1), fitting: fc.constantFrom(0.3, 0.31, 1.1, 1e-7, 0) }),
  boolean: () => ({ schema: z.boolean(), fitting: fc.boolean() }),
  null: () => ({ schema: z.null(), fitting: fc.constant(null) }),
  undefined: () => ({ schema: z.undefined(), fitting: fc.constant(undefined) }),
  literal: () => ({ schema: z.literal("paid"), fitting: fc.constant("paid") }),
  literals: () => ({ schema: z.literal([1, "a", null, true]), fitting: fc.constantFrom<unknown>(1, "a", null, true) }),
  enum: () => ({ schema: z.enum(["placed", "paid"]), fitting: fc.constantFrom("placed", "paid", "constructor") }),
  numberEnum: () => ({ schema: z.enum({ one: 1, two: 2 }), fitting: fc.constantFrom<unknown>(1, 2, "one") }),
  any: () => ({ schema: z.any(), fitting: fc.jsonValue({ maxDepth: 2 }) }),
  unknown: () => ({ schema: z.unknown(), fitting: fc.jsonValue({ maxDepth: 2 }) }),
  json: () => ({ schema: z.json(), fitting: fc.jsonValue({ maxDepth: 3 }) }),
  never: () => ({ schema: z.never(), fitting: fc.constant(undefined) }),
  coerced: () => ({ schema: z.coerce.number().min(1), fitting: fc.constantFrom<unknown>("1", 2, "x", null, true) }),
  stringbool: () => ({ schema: z.stringbool(), fitting: fc.constantFrom("true", "no", "maybe") }),
  transformed: () => ({ schema: z.string().transform((text) => text.length), fitting: word }),
  piped: () => ({ schema: z.string().transform(Number).pipe(z.int()), fitting: fc.constantFrom("1", "1.5", "x") }),
  preprocessed: () => ({ schema: z.preprocess((value) => value ?? "none", z.string()), fitting: fc.oneof(word, fc.constant(null)) }),
  even: () => ({ schema: z.int().refine((value) => value % 2 === 0), fitting: fc.integer({ min: -4, max: 4 }) }),
  tree: () => ({ schema: Tree, fitting: treeOf(3) }), // far from the depth at which the parser says no and plain Zod does not
};

function treeOf(levels: number): fc.Arbitrary<unknown> {
  return fc.record({ name: word, below: levels === 0 ? fc.constant([]) : fc.array(treeOf(levels - 1), { maxLength: 2 }) });
}

const Tree: z.ZodType = z.object({
  name: z.string(),
  get below(): z.ZodType {
    return z.array(Tree);
  },
});

const fieldNames = ["a", "b", "id", "x-y", "constructor", "toString", "then", "__proto_"];

function recipes(): fc.Arbitrary<Recipe> {
  const leaf = fc.constantFrom(...Object.keys(leaves)).map((name): Recipe => ["leaf", name]);
  return fc.letrec<{ recipe: Recipe; object: Recipe }>((tie) => ({
    object: fc.record({
      mode: fc.constantFrom("strip", "strip", "strip", "strict", "loose", "catchall"),
      fields: fc.dictionary(fc.constantFrom(...fieldNames), tie("recipe"), { maxKeys: 4, noNullPrototype: true }),
    }).map(({ mode, fields }): Recipe => ["object", mode, fields]),
    recipe: fc.oneof(
      { maxDepth: 4, depthSize: "small", withCrossShrink: true },
      leaf,
      tie("object"),
      fc.tuple(fc.constantFrom("optional", "nullable", "nullish", "readonly", "array", "boundedArray", "record", "partialRecord", "enumRecord",
        "default", "prefault", "catch", "refined", "described", "exactOptional", "nonoptional"), tie("recipe")),
      fc.tuple(fc.constant("tuple"), fc.array(tie("recipe"), { minLength: 1, maxLength: 3 })),
      fc.tuple(fc.constant("tupleRest"), fc.array(tie("recipe"), { minLength: 1, maxLength: 3 })),
      fc.tuple(fc.constant("union"), fc.array(tie("recipe"), { minLength: 1, maxLength: 3 })),
      fc.tuple(fc.constant("xor"), fc.array(tie("recipe"), { minLength: 1, maxLength: 3 })),
      fc.tuple(fc.constant("discriminated"), fc.array(tie("object"), { minLength: 1, maxLength: 3 })),
      fc.tuple(fc.constant("intersection"), fc.tuple(tie("object"), tie("object"))),
    ),
  })).recipe;
}

function build(recipe: Recipe): Built {
  const [kind, first, second] = recipe;
  if (kind === "leaf") return (leaves[first as string] as () => Built)();
  if (kind === "object") return buildObject(first as string, second as Record<string, Recipe>);
  if (Array.isArray(first) && Array.isArray(first[0])) return buildMany(kind, (first as Recipe[]).map(build));
  return buildAround(kind, build(first as Recipe));
}

function buildObject(mode: string, fields: Readonly<Record<string, Recipe>>): Built {
  const built = Object.fromEntries(Object.entries(fields).map(([name, recipe]) => [name, build(recipe)]));
  const shape = Object.fromEntries(Object.entries(built).map(([name, { schema }]) => [name, schema]));
  const values = Object.fromEntries(Object.entries(built).map(([name, { fitting }]) => [name, fitting]));
  const object = z.object(shape);
  const byMode: Readonly<Record<string, z.ZodType>> = { strip: object, strict: object.strict(), loose: object.loose(), catchall: object.catchall(z.int()) };
  return { schema: byMode[mode] as z.ZodType, fitting: fc.record(values, { noNullPrototype: true }) };
}

function buildMany(kind: string, parts: readonly Built[]): Built {
  const schemas = parts.map((part) => part.schema) as [z.ZodType, ...z.ZodType[]];
  const each = parts.map((part) => part.fitting);
  if (kind === "tuple") return { schema: z.tuple(schemas), fitting: fc.tuple(...each) };
  if (kind === "tupleRest") return { schema: z.tuple(schemas, z.int()), fitting: fc.tuple(...each) };
  if (kind === "union") return { schema: z.union(schemas), fitting: fc.oneof(...each) };
  if (kind === "xor") return { schema: z.xor(schemas), fitting: fc.oneof(...each) };
  if (kind === "intersection") {
    const [left, right] = schemas as [z.ZodType, z.ZodType];
    return { schema: z.intersection(left, right), fitting: fc.tuple(...each).map((objects) => Object.assign({}, ...objects) as unknown) };
  }
  const options = schemas.map((schema, index) => (schema as z.ZodObject).safeExtend({ kind: z.literal(`k${index}`) }));
  return {
    schema: z.discriminatedUnion("kind", options as unknown as [z.ZodObject]),
    fitting: fc.oneof(...each.map((arbitrary, index) => arbitrary.map((value) => ({ ...(value as object), kind: `k${index}` })))),
  };
}

function buildAround(kind: string, inner: Built): Built {
  const { schema, fitting } = inner;
  const orUndefined = fc.option(fitting, { nil: undefined });
  switch (kind) {
    case "optional": return { schema: schema.optional(), fitting: orUndefined };
    case "nullable": return { schema: schema.nullable(), fitting: fc.option(fitting) };
    case "nullish": return { schema: schema.nullish(), fitting: fc.oneof(orUndefined, fc.constant(null)) };
    case "readonly": return { schema: schema.readonly(), fitting };
    case "array": return { schema: z.array(schema), fitting: fc.array(fitting, { maxLength: 3 }) };
    case "boundedArray": return { schema: z.array(schema).min(1).max(2), fitting: fc.array(fitting, { maxLength: 3 }) };
    case "record": return { schema: z.record(z.string().max(3), schema), fitting: fc.dictionary(fc.constantFrom(...fieldNames), fitting, { maxKeys: 3 }) };
    case "partialRecord": return { schema: z.partialRecord(z.enum(["a", "b"]), schema), fitting: fc.dictionary(fc.constantFrom("a", "b"), fitting, { maxKeys: 2 }) };
    case "enumRecord": return { schema: z.record(z.enum(["a", "b"]), schema), fitting: fc.record({ a: fitting, b: fitting }) };
    case "default": return { schema: (schema as z.ZodAny).default({ by: ["default"] }), fitting: orUndefined };
    case "prefault": return { schema: (schema as z.ZodAny).prefault("prefault"), fitting: orUndefined };
    case "catch": return { schema: (schema as z.ZodAny).catch("caught"), fitting };
    case "refined": return { schema: schema.refine((value) => value !== null), fitting };
    case "exactOptional": return { schema: z.exactOptional(schema), fitting };
    case "nonoptional": return { schema: z.nonoptional(schema), fitting };
    default: return { schema: schema.meta({ "x-data-class": "personal" }), fitting };
  }
}

class Instance {
  readonly a = "field of an instance";
}

/** What no honest caller sends. Made anew each time, so that one test cannot spoil the next. */
const junk: readonly (() => unknown)[] = [
  () => undefined, () => null, () => Number.NaN, () => Number.POSITIVE_INFINITY, () => -0, () => 1.5, () => 2 ** 53, () => "", () => "x",
  () => true, () => [], () => ({}), () => 1n, () => Symbol("s"), () => () => 1, () => new Date(0), () => new Map([["a", 1]]),
  () => new String("boxed"), () => Object.create(null), () => Object.create({ a: "inherited", kind: "k0" }), () => new Instance(),
  () => JSON.parse('{"__proto__":{"polluted":true},"a":1}'), () => JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
  () => [, 1], () => Object.assign(["x"], { extra: 1 }),
];

/** Changes one place of a value: replaces it, or takes a field away, or adds one. */
function mutate(value: unknown, [where = 0, what = 0, ...rest]: readonly number[]): unknown {
  const keys = value !== null && typeof value === "object" ? Object.keys(value) : [];
  if (rest.length > 0 && keys.length > 0) {
    const key = keys[where % keys.length] as string;
    const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
    Object.defineProperty(copy, key, { value: mutate((value as Record<string, unknown>)[key], rest), enumerable: true, configurable: true, writable: true });
    return copy;
  }
  const replacement = (junk[what % junk.length] as () => unknown)();
  if (keys.length === 0 || where % 4 === 0) return replacement;
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  if (where % 4 === 1) Reflect.deleteProperty(copy, keys[what % keys.length] as string);
  else {
    const name = where % 4 === 2 ? (["__proto__", "extra", "constructor", "length"][what % 4] as string) : (keys[what % keys.length] as string);
    // A list with a `constructor` or `length` of its own breaks Array.prototype.map, inside Zod as anywhere; JSON has none.
    if (!Array.isArray(copy) || name === "extra") Object.defineProperty(copy, name, { value: replacement, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

type Answer = { readonly value: unknown } | { readonly places: readonly string[] } | { readonly threw: string };

async function plain(schema: z.ZodType, value: unknown): Promise<Answer> {
  try {
    const result = await schema["~standard"].validate(value);
    if (result.issues === undefined) return { value: result.value };
    return { places: result.issues.map((issue) => issue.message) };
  } catch (error) {
    return { threw: String(error) };
  }
}

async function parsed(schema: z.ZodType, value: unknown): Promise<Answer> {
  try {
    const result = await createParser(schema as unknown as Schema, { compileAtCall: 1 }).parse(value);
    return result.ok ? { value: result.value } : { places: result.details.map((detail) => detail.message) };
  } catch (error) {
    return { threw: String(error) };
  }
}

/** Comparisons are recipes times values. Run by hand with 100 times as many before a new version of Zod is taken in. */
const recipeCount = Number(process.env["PARSER_RECIPES"] ?? 350);
const valuesPerRecipe = 6;

test("the parser and plain Zod give the same answer to every value of every schema", async () => {
  let accepted = 0;
  let refused = 0;
  const changes = fc.array(fc.array(fc.nat(1000), { minLength: 2, maxLength: 6 }), { maxLength: 2 });
  const cases = recipes().chain((recipe) => {
    const { fitting } = build(recipe);
    return fc.tuple(fc.constant(recipe), fc.array(fc.tuple(fitting, changes), { minLength: valuesPerRecipe, maxLength: valuesPerRecipe }));
  });
  await fc.assert(
    fc.asyncProperty(cases, async ([recipe, values]) => {
      const { schema } = build(recipe);
      for (const [fitting, steps] of values) {
        const value = steps.reduce<unknown>(mutate, fitting);
        const expected = await plain(schema, value);
        // Zod throws where a schema contradicts itself, an intersection that cannot be merged; then it has no answer.
        if ("threw" in expected) continue;
        assert.deepStrictEqual(await parsed(schema, value), expected);
        if ("value" in expected) accepted += 1;
        else refused += 1;
      }
    }),
    { numRuns: recipeCount },
  );
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
  assert.ok(accepted > recipeCount && refused > recipeCount, `${accepted} accepted and ${refused} refused: the values are one-sided`);
});
