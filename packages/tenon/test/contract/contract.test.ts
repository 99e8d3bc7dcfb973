import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import {
  anonymous, bytes, calledBy, command, contract, ContractMistakes, describe as describeContract, describeOperationOf, event, type ErrorSpecs,
  findRouteClashes, isInternal, type Mistake, MistakeList, operationsOf, type OperationSpec, query, role, scope, stream,
} from "../../src/contract/index.ts";
import { list, object, schemaOf, text, whole } from "./hand-made-schema.ts";

/** Everything that is found wrong when the contract is made. */
function mistakesOf(make: () => unknown): readonly Mistake[] {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof ContractMistakes, String(error));
    return error.mistakes;
  }
  return [];
}

/** The problems of one operation, in the words of the message. */
function problemsOf(operation: unknown): readonly string[] {
  return mistakesOf(() => contract("shop", { go: operation as OperationSpec })).map((mistake) => mistake.problem);
}

const access = "public";
const Input = z.object({ id: z.uuid() });

describe("a contract", () => {
  const shop = contract("shop", {
    get: query({ http: "GET /things/{id}", access, input: Input, output: z.object({ id: z.uuid() }), errors: { NotFound: { status: 404 } } }),
    rename: command({ http: "PUT /things/{id}", access: scope("things:write"), input: Input.extend({ name: z.string() }), deadline: "2s" }),
    renamed: event({ data: Input, key: "id" }),
  }, { version: "1.2.3", description: "things" });

  test("names its members and freezes them", () => {
    assert.equal(shop.get.id, "shop.get");
    assert.equal(shop.get.service, "shop");
    assert.equal(shop.rename.deadlineMs, 2_000);
    assert.equal(shop.get.deadlineMs, 10_000);
    assert.equal(shop.renamed.id, "shop.renamed");
    assert.ok(Object.isFrozen(shop) && Object.isFrozen(shop.get) && Object.isFrozen(shop.renamed));
    assert.deepEqual(Object.keys(shop), ["get", "rename", "renamed"], "nothing but the members is seen");
  });

  test("tells of its operations in the order in which they were written", () => {
    assert.deepEqual(operationsOf(shop).map((operation) => operation.id), ["shop.get", "shop.rename"]);
    assert.equal(operationsOf(shop)[0], shop.get);
    assert.equal(describeOperationOf(shop, "rename").kind, "command");
    assert.throws(() => describeOperationOf(shop, "renamed"), RangeError);
    assert.equal(describeContract(shop).version, "1.2.3");
  });

  test("works with any library that has the two Standard interfaces", () => {
    const hand = contract("hand", {
      find: query({ http: "GET /people/{name}", access, input: schemaOf<{ name: string; age: number }>(object({ name: text, age: whole })), output: schemaOf(list(object({ name: text }))) }),
    });
    assert.deepEqual(describeOperationOf(hand, "find").http?.fields, [
      { field: "name", in: "path", name: "name", required: true, kind: "string", array: false },
      { field: "age", in: "query", name: "age", required: true, kind: "number", array: false },
    ]);
  });
});

describe("everything wrong with a contract", () => {
  test("is told at once, each mistake with the operation and the remedy", () => {
    const make = (): unknown =>
      contract("Shop!", {
        Get: query({ http: "GET /things/{id}", access }),
        list: query({ http: "GET /things", access, output: z.object({ at: z.date() }) }),
        all: query({ http: "GET /things", access: scope("Things:Read"), deadline: "2 s" }),
        made: event({ data: z.object({ id: z.uuid() }), key: "sku" as "id" }),
      }, { version: "1" });
    assert.throws(make, {
      name: "ContractMistakes",
      message: `the contract "Shop!" has 9 mistakes:
  Shop!: is not a name for a service
    → lower-case letters, digits and -, starting with a letter, 41 at most
  Shop!: the version "1" is not semantic
    → write three numbers: "1.0.0"
  Shop!.Get: is not a name for an operation or event
    → camelCase: letters and digits, starting with a lower-case letter
  Shop!.Get: the path has {id} but the input has no field "id"
    → add "id" to the input, or take {id} out of the path
  Shop!.list: the output cannot be written as JSON Schema: Date cannot be represented in JSON Schema
    → use a type that JSON has: z.iso.datetime() for a date, a string for a big integer, no transform
  Shop!.all: the deadline "2 s" is not a length of time
    → a number and a unit: "250ms", "2s", "15m"
  Shop!.all: the scope "Things:Read" has an unknown form
    → write resource:action in lower case: "orders:read"
  Shop!.made: the key "sku" is not in the data
    → name one of: id
  Shop!.all: has the same route as Shop!.list: GET /things
    → give one of them another path or method`,
    });
  });

  test("with one mistake says so in the singular", () => {
    assert.throws(() => contract("shop", { go: query({ access: role("Admin") }) }), /^ContractMistakes: the contract "shop" has 1 mistake:\n {2}shop\.go: the role "Admin" has an unknown form\n {4}→ lower case: "admin"$/);
  });

  test("includes names that JavaScript or a client would trip over", () => {
    for (const name of ["then", "toString", "constructor", "get-all", "Get", "1st", ""]) {
      assert.equal(mistakesOf(() => contract("shop", { [name]: query({ access }) })).length, 1, name);
    }
    for (const name of ["orders", "order-lines", "s3"]) assert.deepEqual(mistakesOf(() => contract(name, {})), []);
    for (const name of ["Orders", "order_lines", "3s", "", "-a", "a".repeat(42)]) assert.equal(mistakesOf(() => contract(name, {})).length, 1, name);
  });

  test("includes members that are nothing, as happens when files import each other", () => {
    for (const member of [undefined, null, "GET /x", {}, { kind: "other" }]) {
      assert.deepEqual(problemsOf(member), ["is not a query, a command or an event"]);
    }
  });

  test("includes versions, deadlines, objectives and limits that mean nothing", () => {
    for (const version of ["1", "1.0", "v1.0.0", "1.0.0+build"]) assert.equal(mistakesOf(() => contract("shop", {}, { version })).length, 1, version);
    for (const version of ["0.1.0", "1.0.0-rc.1"]) assert.deepEqual(mistakesOf(() => contract("shop", {}, { version })), []);

    const problems = problemsOf(query({
      access, deadline: "0s", objective: { availability: 100, latency: { p99: "fast" as "1s" } }, rateLimit: { calls: 0, per: "1 minute" as "1m" },
    }));
    assert.deepEqual(problems, [
      'the deadline "0s" is not a length of time',
      'the objective.latency.p99 "fast" is not a length of time',
      "an availability of 100 percent cannot be held",
      'the rateLimit.per "1 minute" is not a length of time',
      "a rate limit of 0 calls lets nobody in",
    ]);
    assert.deepEqual(problemsOf(query({ access, deadline: "2d" })), ['the deadline "2d" is longer than 1d']);
  });

  test("includes a deprecation since no version or until no day", () => {
    const deprecated = { since: "soon", sunset: "2027-02-30" };
    const expected = ['deprecated since "soon" is not a version', 'the sunset "2027-02-30" is not a date'];
    assert.deepEqual(problemsOf(query({ access, deprecated })), expected);
    assert.deepEqual(problemsOf(event({ data: Input, deprecated })), expected);
    assert.deepEqual(problemsOf(query({ access, deprecated: { since: "1.2.0", sunset: "2027-01-31", use: "shop.list" } })), []);
  });
});

describe("an access rule", () => {
  const own = { predicate: "own thing", allows: () => true };

  test("of each form is taken", () => {
    for (const rule of ["public", "signed-in", scope("orders:read"), scope("orders.v2:read-all"), role("admin"), own, { allOf: [scope("a:b"), own] }, { anyOf: ["public", { allOf: [own] }] }] as const) {
      assert.deepEqual(problemsOf(query({ access: rule })), []);
    }
    assert.deepEqual(problemsOf(query({ access: calledBy("orders", "order-lines") })), []);
  });

  test("that is missing, unknown or says nothing is a mistake", () => {
    const cases: readonly (readonly [unknown, string])[] = [
      [undefined, "has no access rule"],
      [null, "has no access rule"],
      ["private", 'the access rule "private" is not known'],
      [42, 'the access rule "42" is not known'],
      [{}, "the access rule is of no known form"],
      [scope("orders" as "a:b"), 'the scope "orders" has an unknown form'],
      [scope("orders:"), 'the scope "orders:" has an unknown form'],
      [scope("orders:read write"), 'the scope "orders:read write" has an unknown form'],
      [role(""), 'the role "" has an unknown form'],
      [{ ...own, predicate: " " }, "a predicate without a name"],
      [{ predicate: "own thing" }, 'the predicate "own thing" has no function'],
      [{ allOf: [] }, "allOf without a rule"],
      [{ anyOf: [] }, "anyOf without a rule"],
      [{ calledBy: [] }, "calledBy() names no service, so nobody may call"],
      [calledBy("Orders"), 'calledBy("Orders") is not a name for a service'],
    ];
    for (const [rule, problem] of cases) assert.deepEqual(problemsOf(query({ access: rule as "public" })), [problem]);
  });

  test("inside of another is looked at, too, and each mistake is told", () => {
    const rule = { anyOf: [scope("X:y"), { allOf: [role("Admin"), undefined] }] };
    assert.deepEqual(problemsOf(query({ access: rule as unknown as "public" })), [
      'the scope "X:y" has an unknown form', 'the role "Admin" has an unknown form', "has no access rule",
    ]);
  });

  test("that lets only services in does not go with a route", () => {
    const internal = calledBy("orders");
    assert.deepEqual(problemsOf(query({ http: "GET /x", access: internal })), ["has a route, but its access rule lets only services in"]);
    assert.deepEqual(problemsOf(query({ http: "GET /x", access: { allOf: ["signed-in", internal] } })).length, 1);
    assert.deepEqual(problemsOf(query({ http: "GET /x", access: { anyOf: ["signed-in", internal] } })), []);
    assert.equal(isInternal({ anyOf: [internal, { allOf: [internal, "signed-in"] }] }), true);
    assert.equal(isInternal(own as never), false);
  });

  test("starts from a caller of whom nothing is known", () => {
    assert.deepEqual([anonymous.kind, anonymous.subject, anonymous.scopes.size, anonymous.roles.size], ["anonymous", "", 0, 0]);
    assert.ok(Object.isFrozen(anonymous));
  });
});

describe("a schema", () => {
  test("that JSON Schema cannot express is a mistake wherever it stands", () => {
    const At = z.object({ at: z.date() });
    const reason = "cannot be written as JSON Schema: Date cannot be represented in JSON Schema";
    assert.deepEqual(problemsOf(query({ access, input: At })), [`the input ${reason}`]);
    assert.deepEqual(problemsOf(query({ access, output: At })), [`the output ${reason}`]);
    assert.deepEqual(problemsOf(query({ access, output: stream(At) })), [`the item of the stream ${reason}`]);
    assert.deepEqual(problemsOf(query({ access, errors: { Late: { status: 409, data: At } } })), [`the data of the error Late ${reason}`]);
    assert.deepEqual(problemsOf(event({ data: At })), [`the data ${reason}`]);
    for (const part of [z.bigint(), z.map(z.string(), z.string()), z.string().transform(Number), z.literal(undefined), z.custom(() => true)]) {
      assert.equal(problemsOf(query({ access, output: z.object({ part }) })).length, 1);
    }
  });

  test("that is none is a mistake", () => {
    for (const schema of [{ type: "object" }, "object", 1, null]) {
      assert.deepEqual(problemsOf(command({ access, input: schema as unknown as typeof Input })), ["the input is not a schema"]);
    }
  });

  test("of an input is one of an object, in one piece or in several kinds", () => {
    const Card = z.object({ by: z.literal("card"), token: z.string() });
    const Invoice = z.object({ by: z.literal("invoice"), iban: z.string() });
    const Node: z.ZodType = z.object({ name: z.string(), get next(): z.ZodType { return Node.optional(); } });
    for (const input of [Card, z.discriminatedUnion("by", [Card, Invoice]), z.union([Card, Invoice]), Card.and(z.object({ more: z.int() })), Card.meta({ id: "Card" }), Node, z.record(z.string(), z.int()), z.looseObject({})]) {
      assert.deepEqual(problemsOf(command({ access, input })), []);
    }
    for (const input of [z.string(), z.array(Card), Card.nullable(), z.union([Card, z.string()]), z.unknown(), z.tuple([Card])]) {
      assert.deepEqual(problemsOf(command({ access, input })), ["the input is not an object"]);
    }
  });
});

describe("an output", () => {
  test("of a command is not a stream of items", () => {
    assert.match(problemsOf(command({ access, output: stream(Input) }))[0] ?? "", /^a command cannot stream items/);
    assert.deepEqual(problemsOf(query({ access, output: stream(Input) })), []);
  });

  test("does not go with a status that has no body", () => {
    assert.deepEqual(problemsOf(command({ access, http: { route: "POST /x", status: 204 }, output: Input })), ["status 204 has no body, but the operation has an output"]);
    assert.deepEqual(problemsOf(command({ access, http: { route: "POST /x", status: 205 }, output: Input })).length, 1);
    assert.deepEqual(problemsOf(command({ access, http: { route: "POST /x", status: 201 }, output: Input })), []);
  });

  test("of bytes, and a body of bytes, have a limit and media types", () => {
    for (const maxBytes of [0, -1, 1.5, Number.POSITIVE_INFINITY, Number.NaN]) {
      assert.deepEqual(problemsOf(query({ access, output: bytes({ mediaTypes: ["image/png"], maxBytes }) })), [`the output has a limit of ${maxBytes} bytes`]);
    }
    assert.deepEqual(problemsOf(command({ access, body: bytes({ mediaTypes: ["png"] }) })), ['"png" is not a media type']);
    assert.deepEqual(problemsOf(command({ access, body: bytes({ mediaTypes: ["*/*"] }) })), []);
    assert.deepEqual(problemsOf(command({ access, http: "DELETE /x", body: bytes({ mediaTypes: ["*/*"] }) })), ["a DELETE has no body (RFC 9110 section 9.3.5)"]);
  });
});

describe("a declared error", () => {
  const problemsOfErrors = (errors: ErrorSpecs): readonly string[] => problemsOf(query({ access, errors }));

  test("is named in PascalCase and answers with 400 to 499", () => {
    assert.deepEqual(problemsOfErrors({ OutOfStock: { status: 409, message: "sold out", data: z.object({ sku: z.string() }) } }), []);
    assert.deepEqual(problemsOfErrors({ not_found: { status: 404 } }), ['"not_found" is not a name for an error']);
    assert.deepEqual(problemsOfErrors({ "Out Of Stock": { status: 409 } }), ['"Out Of Stock" is not a name for an error']);
    for (const status of [200, 302, 500, 503, 404.5]) assert.deepEqual(problemsOfErrors({ Failed: { status } }), [`the error Failed has status ${status}`]);
  });

  test("does not take a status that the platform answers itself", () => {
    for (const status of [401, 499]) assert.deepEqual(problemsOfErrors({ Failed: { status } }), [`the error Failed has status ${status}, which the platform answers itself`]);
  });
});

describe("an event", () => {
  const problemsOfEvent = (data: z.ZodType, key?: string): readonly string[] => problemsOf(event({ data, ...(key === undefined ? {} : { key: key as never }) }));
  const Kinds = z.discriminatedUnion("kind", [z.object({ kind: z.literal("a"), id: z.uuid(), a: z.int() }), z.object({ kind: z.literal("b"), id: z.uuid() })]);

  test("has a key that is a field which is always there and can be compared", () => {
    assert.deepEqual(problemsOfEvent(Input, "id"), []);
    assert.deepEqual(problemsOfEvent(Kinds, "id"), []);
    assert.deepEqual(problemsOfEvent(Input), []);
    assert.deepEqual(problemsOfEvent(Input, "sku"), ['the key "sku" is not in the data']);
    assert.deepEqual(problemsOfEvent(Input, "constructor"), ['the key "constructor" is not in the data']);
    assert.deepEqual(problemsOfEvent(Kinds, "a"), ['the key "a" may be missing from the data']);
    assert.deepEqual(problemsOfEvent(z.object({ id: z.uuid().optional() }), "id"), ['the key "id" may be missing from the data']);
    assert.deepEqual(problemsOfEvent(z.object({ id: z.object({}) }), "id"), ['the key "id" is not text or a number']);
    assert.deepEqual(problemsOfEvent(z.object({}), "id"), ['the key "id" is not in the data']);
  });

  test("carries an object", () => {
    assert.deepEqual(problemsOfEvent(z.string()), ["the data is not an object"]);
    assert.deepEqual(problemsOfEvent(z.array(Input)), ["the data is not an object"]);
  });
});

describe("two operations on one route", () => {
  const clashesOf = (...routes: readonly string[]): number =>
    mistakesOf(() => contract("shop", Object.fromEntries(routes.map((route, index) => {
      const names = [...route.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
      const input = z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
      const http = route as "POST /x";
      return [`op${index}`, route.startsWith("GET") ? query({ http: http as unknown as "GET /x", access, input }) : command({ http, access, input })];
    })))).length;

  test("clash when one request could mean both", () => {
    assert.equal(clashesOf("GET /a", "GET /a"), 1);
    assert.equal(clashesOf("GET /a/{id}", "GET /a/{sku}"), 1);
    assert.equal(clashesOf("GET /a", "GET /a/"), 1);
    assert.equal(clashesOf("GET /a/{id}/b", "GET /a/{x}/b", "GET /a/{y}/b"), 2);
  });

  test("live side by side when method, length or a fixed segment differ", () => {
    assert.equal(clashesOf("GET /a", "POST /a", "PUT /a", "PATCH /a", "DELETE /a"), 0);
    assert.equal(clashesOf("GET /a/{id}", "GET /a/recent", "GET /a", "GET /a/{id}/b", "GET /"), 0);
  });

  test("are found across the contracts of an app", () => {
    const one = contract("one", { get: query({ http: "GET /a", access }) });
    const two = contract("two", { get: query({ http: "GET /a", access }) });
    const mistakes = new MistakeList("the app");
    findRouteClashes([one, two].flatMap((each) => describeContract(each).operations), mistakes);
    assert.throws(() => mistakes.assertNone(), /two\.get: has the same route as one\.get: GET \/a/);
  });
});
