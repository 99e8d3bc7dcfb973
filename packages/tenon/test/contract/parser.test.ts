import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";
import { checkDepth, createParser, maxDepth, type ParseResult, type Schema } from "../../src/contract/index.ts";
import { list, object, schemaOf, text, whole } from "./hand-made-schema.ts";

const Line = z.object({ sku: z.string().min(1).max(40), quantity: z.int().min(1).max(1000), unitCents: z.int().min(0), discount: z.number().max(1).optional() });
const Order = z.object({
  id: z.uuid(), customerId: z.uuid(), email: z.email(), currency: z.enum(["EUR", "USD"]), totalCents: z.int().min(0), note: z.string().max(500).optional(),
  coupon: z.string().nullable(), placedAt: z.iso.datetime(), express: z.boolean(), channel: z.enum(["web", "app"]).default("web"),
  address: z.object({ street: z.string(), zip: z.string().regex(/^\d{5}$/), country: z.string().length(2) }),
  lines: z.array(Line).min(1).max(100),
});
const order = {
  id: "0b0e7a52-7c3f-4f0a-9d7e-1d2f3a4b5c6d", customerId: "1b0e7a52-7c3f-4f0a-9d7e-1d2f3a4b5c6d", email: "ada@example.com", currency: "EUR",
  totalCents: 12_345, coupon: null, placedAt: "2026-11-23T10:00:00Z", express: true, address: { street: "Main 1", zip: "30115", country: "CH" },
  lines: [1, 2, 3, 4, 5].map((quantity) => ({ sku: `SKU-${quantity}`, quantity, unitCents: 100 })),
};

/** The answer of a schema that waits for nothing. */
function parse(schema: Schema, value: unknown, compileAtCall = 1): ParseResult {
  const result = createParser(schema, { compileAtCall }).parse(value);
  assert.ok(!(result instanceof Promise));
  return result;
}

function detailsOf(schema: Schema, value: unknown): readonly { path: string; message: string }[] {
  const result = parse(schema, value);
  assert.ok(!result.ok, "the value is accepted");
  return result.details;
}

describe("a parser", () => {
  test("fills in defaults and drops what the schema does not declare, in new objects", () => {
    const sent = { ...order, admin: true, address: { ...order.address, hidden: 1 } };
    const result = parse(Order, sent);
    assert.deepEqual(result, { ok: true, value: { ...order, channel: "web" } });
    assert.equal(sent.address.hidden, 1);
  });

  test("gives the same answers before, at and after the call at which it is compiled", () => {
    const parser = createParser(Order, { compileAtCall: 3 });
    const accepted = [1, 2, 3, 4, 5].map(() => parser.parse(order));
    const refused = [1, 2, 3, 4, 5].map(() => parser.parse({ ...order, email: 4 }));
    for (const result of accepted) assert.deepEqual(result, accepted[0]);
    for (const result of refused) assert.deepEqual(result, refused[0]);
  });

  test("is at least three times as fast as plain Zod for a valid order, once compiled", () => {
    const parser = createParser(Order, { compileAtCall: 1 });
    const plain = Order["~standard"];
    const ratios = Array.from({ length: 7 }, () => cpuTimeOf(() => plain.validate(order)) / cpuTimeOf(() => parser.parse(order)));
    const median = ratios.sort((a, b) => a - b)[3] ?? 0;
    assert.ok(median >= 3, `${median.toFixed(1)} times as fast`);
  });

  test("says what is wrong at each place, as a JSON Pointer", () => {
    const details = detailsOf(Order, { ...order, email: 4, lines: [order.lines[0], { sku: "", quantity: 0, unitCents: 1 }] });
    assert.deepEqual(details, [
      { path: "/email", message: "Invalid input: expected string, received number" },
      { path: "/lines/1/sku", message: "Too small: expected string to have >=1 characters" },
      { path: "/lines/1/quantity", message: "Too small: expected number to be >=1" },
    ]);
    assert.deepEqual(detailsOf(Order, []), [{ path: "", message: "Invalid input: expected object, received array" }]);
    assert.equal(detailsOf(z.record(z.string(), z.int()), { "a/b~c": "x" })[0]?.path, "/a~1b~0c");
  });

  test("never repeats a value in what it says is wrong", () => {
    const secret = "hunter2-hunter2";
    const everything = z.object({
      text: z.string().max(3), email: z.email(), choice: z.enum(["a"]), literal: z.literal("b"), uuid: z.uuid(), url: z.url(), pattern: z.string().regex(/^x$/),
      number: z.number(), list: z.array(z.int()), either: z.union([z.int(), z.boolean()]), date: z.iso.date(), template: z.templateLiteral(["n-", z.int()]),
      kind: z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") })]), record: z.record(z.string().max(3), z.int()), refined: z.string().refine(() => false),
    });
    const sent = Object.fromEntries(Object.keys(everything.shape).map((name) => [name, secret]));
    const details = detailsOf(everything, { ...sent, list: [secret], kind: { kind: secret }, record: { a: secret } });
    assert.equal(details.length, Object.keys(everything.shape).length);
    assert.ok(!JSON.stringify(details).includes(secret), JSON.stringify(details));
  });

  test("tells the first hundred mistakes of a value and counts the rest", () => {
    const details = detailsOf(z.array(z.int()), Array.from({ length: 1_000 }, () => "x"));
    assert.equal(details.length, 101);
    assert.deepEqual(details.at(-1), { path: "", message: "and 900 more" });
  });

  test("waits for a schema that waits, and passes on what a schema's own code throws", async () => {
    const free = z.object({ name: z.string().refine(async (name) => (await Promise.resolve(name)) !== "taken") });
    const parser = createParser(free, { compileAtCall: 1 });
    assert.deepEqual(await parser.parse({ name: "free" }), { ok: true, value: { name: "free" } });
    assert.deepEqual(await parser.parse({ name: "taken" }), { ok: false, details: [{ path: "/name", message: "Invalid input" }] });

    const broken = createParser(z.string().refine(() => { throw new TypeError("a bug in a check"); }), { compileAtCall: 1 });
    await assert.rejects(async () => broken.parse("x"), /a bug in a check/);
  });

  test("leaves prototypes alone, whatever the names of fields", () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"name":"x"}');
    for (const schema of [z.object({ name: z.string() }), z.looseObject({ name: z.string() }), z.record(z.string(), z.unknown()), schemaOf(object({ name: text }))]) {
      const result = parse(schema, hostile);
      assert.ok(result.ok);
      assert.equal(Object.getPrototypeOf(result.value), Object.prototype);
      assert.equal((result.value as { admin?: boolean }).admin, undefined);
    }
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });

  test("works, uncompiled, where code may not be generated from text", async () => {
    const script = `
      import * as z from "zod";
      import { createParser } from "./src/contract/index.ts";
      const parser = createParser(z.object({ a: z.int().default(1) }), { compileAtCall: 1 });
      console.log(JSON.stringify([parser.parse({ b: 2 }), parser.parse({ a: "x" }).ok]));
    `;
    const flags = ["--disallow-code-generation-from-strings", "--conditions=tenon-source", "--input-type=module-typescript", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: fileURLToPath(new URL("../..", import.meta.url)) });
    assert.equal(stdout.trim(), '[{"ok":true,"value":{"a":1}},false]');
  });

  test("does not compile a schema made by another version of Zod", () => {
    // A compiled schema tries the quick way first, so a check that refuses runs twice: once there, once to explain.
    let checks = 0;
    const countsChecks = (): z.ZodType => z.object({ a: z.int().refine(() => (checks += 1) === 0) });
    parse(countsChecks(), { a: 1 });
    assert.equal(checks, 2);

    const foreign = countsChecks();
    Object.assign(foreign._zod, { version: { major: 4, minor: 0, patch: 0 } });
    checks = 0;
    assert.equal(parse(foreign, { a: 1 }).ok, false);
    assert.equal(checks, 1);
  });

  test("answers like Zod where Zod's compiler does not: an intersection inside of a union", () => {
    const sides = z.strictObject({ a: z.int().optional() }).and(z.object({ b: z.int().optional() }));
    const schema = z.union([sides, z.object({ kind: z.literal("k") })]);
    assert.deepEqual(parse(schema, { kind: "k" }), { ok: true, value: schema.parse({ kind: "k" }) });
  });
});

describe("a parser of another library's schema", () => {
  const Account = object({ name: text, tags: list(object({ label: text })) });

  test("cuts what the library lets pass", () => {
    const result = parse(schemaOf(Account), { name: "Ada", passwordHash: "…", tags: [{ label: "a", internalId: 7 }] });
    assert.deepEqual(result, { ok: true, value: { name: "Ada", tags: [{ label: "a" }] } });
  });

  test("keeps what the schema leaves open on purpose", () => {
    const open = object({ name: text }, { additionalProperties: { type: "object", properties: { label: { type: "string" } } } });
    const result = parse(schemaOf(open), { name: "Ada", more: { label: "a", hidden: 1 } });
    assert.deepEqual(result, { ok: true, value: { name: "Ada", more: { label: "a" } } });
  });

  test("keeps the library's messages to itself, since they may hold the value", () => {
    const details = detailsOf(schemaOf(object({ password: whole })), { password: "hunter2" });
    assert.deepEqual(details, [{ path: "/password", message: "is not valid" }]);
  });

  test("waits where the library waits, and cuts then, too", async () => {
    const parser = createParser(schemaOf(Account, { isAsync: true }));
    assert.deepEqual(await parser.parse({ name: "Ada", tags: [], extra: 1 }), { ok: true, value: { name: "Ada", tags: [] } });
  });
});

describe("depth", () => {
  function nested(levels: number): unknown {
    let value: unknown = 1;
    for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
    return value;
  }
  const Tree: z.ZodType = z.object({ get below(): z.ZodType { return z.array(Tree).optional(); } });

  test("is the schema's own business where the schema limits it", () => {
    for (const schema of [Order, z.array(z.array(z.string())), z.record(z.string(), z.int()), z.tuple([z.int()]), z.union([Order, z.null()])]) {
      assert.equal(createParser(schema).isBounded, true);
    }
    assert.deepEqual(parse(z.object({ a: z.int() }), { a: 1, ignored: nested(100_000) }), { ok: true, value: { a: 1 } });
  });

  test("is 64 levels where the schema leaves it open", () => {
    const open = [z.unknown(), z.any(), z.json(), z.looseObject({}), z.record(z.string(), z.unknown()), z.object({ a: z.array(z.unknown()) }), Tree, z.tuple([z.int()], z.unknown())];
    for (const schema of open) assert.equal(createParser(schema).isBounded, false);
    assert.equal(createParser(schemaOf(object({ a: text }))).isBounded, false, "a library that may keep undeclared fields");
    assert.equal(createParser(schemaOf(object({ a: text }, { additionalProperties: false }))).isBounded, true);

    assert.equal(parse(z.json(), nested(maxDepth)).ok, true);
    assert.deepEqual(detailsOf(z.json(), nested(maxDepth + 1)), [{ path: "", message: "is nested deeper than 64 levels" }]);
  });

  test("of a hundred thousand levels, of a circle, or of shared parts is found without recursion", () => {
    assert.equal(checkDepth(nested(100_000))?.path, "");
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    assert.ok(checkDepth(circle) !== undefined);
    let shared: unknown = {};
    for (let level = 0; level < 60; level += 1) shared = [shared, shared]; // 2^60 paths, 61 lists
    assert.equal(checkDepth(shared), undefined);
  });
});

/** Milliseconds of CPU for some hundred calls: the wall clock would measure the neighbors on the machine. */
function cpuTimeOf(call: () => unknown): number {
  const before = process.cpuUsage();
  for (let round = 0; round < 3_000; round += 1) call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
