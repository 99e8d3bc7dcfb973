import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import {
  bytes, command, contract, ContractMistakes, describeOperationOf, type FieldPlace, type HttpBinding, type HttpDescription, type OperationSpec, query,
  secret,
} from "../../src/contract/index.ts";

const access = "public";
const id = z.uuid();

function httpOf(operation: OperationSpec): HttpDescription {
  const http = describeOperationOf(contract("shop", { go: operation }), "go").http;
  assert.ok(http !== undefined);
  return http;
}

/** Each field with its place, in short: `"id": "path string"`; `?` is optional, `[]` may occur several times. */
function placesOf(operation: OperationSpec): Readonly<Record<string, string>> {
  const short = (place: FieldPlace): string => `${place.in}${place.name === place.field ? "" : `:${place.name}`} ${place.kind}${place.array ? "[]" : ""}${place.required ? "" : "?"}`;
  return Object.fromEntries(httpOf(operation).fields.map((place) => [place.field, short(place)]));
}

function problemsOf(operation: OperationSpec): readonly string[] {
  try {
    contract("shop", { go: operation });
    return [];
  } catch (error) {
    assert.ok(error instanceof ContractMistakes, String(error));
    return error.mistakes.map((mistake) => mistake.problem);
  }
}

const get = (http: HttpBinding<"GET">, fields: z.ZodRawShape): OperationSpec => query({ http, access, input: z.object(fields) });
const post = (http: HttpBinding<"POST" | "PUT" | "PATCH" | "DELETE">, fields: z.ZodRawShape): OperationSpec => command({ http, access, input: z.object(fields) });

describe("a field travels", () => {
  test("in the path where the path names it, in the query string of a GET or DELETE otherwise", () => {
    assert.deepEqual(placesOf(get("GET /things/{id}/parts/{part}", { id, part: z.int(), limit: z.int().default(20), tags: z.array(z.string()).optional() })), {
      id: "path string", part: "path number", limit: "query number?", tags: "query string[]?",
    });
    assert.deepEqual(placesOf(post("DELETE /things/{id}", { id, force: z.boolean() })), { id: "path string", force: "query boolean" });
  });

  test("in the JSON body of a POST, PUT or PATCH otherwise", () => {
    assert.deepEqual(placesOf(post("PUT /things/{id}", { id, name: z.string(), parts: z.array(z.object({ id })).optional() })), {
      id: "path string", name: "body json", parts: "body json?",
    });
  });

  test("in a header where the contract says so", () => {
    const binding = { route: "GET /things", headers: { "Accept-Language": "language", "x-tags": "tags" } } as const;
    assert.deepEqual(placesOf(get(binding, { language: z.string().optional(), tags: z.array(z.int()) })), {
      language: "header:accept-language string?", tags: "header:x-tags number[]",
    });
  });

  test("in the query string beside a body of bytes", () => {
    const upload = command({ http: "POST /things/{id}/image", access, input: z.object({ id, title: z.string() }), body: bytes({ mediaTypes: ["image/png"] }) });
    assert.deepEqual(placesOf(upload), { id: "path string", title: "query string" });
  });

  test("as text of the one kind that its schema has", () => {
    const fields = {
      text: z.string().max(3), choice: z.enum(["a", "b"]), literal: z.literal("x"), numbers: z.literal([1, 2]), both: z.union([z.uuid(), z.email()]),
      day: z.iso.date(), price: z.number().min(0), flag: z.boolean(), coerced: z.coerce.number(), switched: z.stringbool(), template: z.templateLiteral(["a", z.int()]),
      marked: z.string().meta({ id: "Marked" }), trimmed: z.string().trim(), fallback: z.string().default("x"), piped: z.string().transform(Number),
    };
    assert.deepEqual(placesOf(get("GET /things", fields)), {
      text: "query string", choice: "query string", literal: "query string", numbers: "query number", both: "query string", day: "query string",
      price: "query number", flag: "query boolean", coerced: "query number", switched: "query string", template: "query string", marked: "query string",
      trimmed: "query string", fallback: "query string?", piped: "query string",
    });
  });

  test("from an input of several kinds: required where every kind has it", () => {
    const Card = z.object({ order: id, by: z.literal("card"), token: z.string(), amount: z.int() });
    const Invoice = z.object({ order: id, by: z.literal("invoice"), iban: z.string(), amount: z.int().optional() });
    const pay = command({ http: "POST /orders/{order}/payments", access, input: z.discriminatedUnion("by", [Card, Invoice]) });
    assert.deepEqual(placesOf(pay), { order: "path string", by: "body json", token: "body json?", amount: "body json?", iban: "body json?" });
    const find = query({ http: "GET /payments/{order}", access, input: z.union([Card, Invoice]) });
    assert.deepEqual(placesOf(find), { order: "path string", by: "query string", token: "query string?", amount: "query number?", iban: "query string?" });
  });

  test("from an input behind a reference, of a type with itself inside, or of two types in one", () => {
    const Named = z.object({ id, name: z.string() }).meta({ id: "Named" });
    const Node: z.ZodType = z.object({ id, get parent(): z.ZodType { return Node.optional(); } });
    assert.deepEqual(placesOf(command({ http: "PUT /a/{id}", access, input: Named })), { id: "path string", name: "body json" });
    assert.deepEqual(placesOf(command({ http: "PUT /a/{id}", access, input: Node })), { id: "path string", parent: "body json?" });
    assert.deepEqual(placesOf(query({ http: "GET /a/{id}", access, input: z.object({ id }).and(z.object({ page: z.int() })) })), { id: "path string", page: "query number" });
  });
});

describe("a success has a status", () => {
  test("200 with an output, 204 without, or the one that is named", () => {
    assert.equal(httpOf(query({ http: "GET /a", access, output: z.string() })).status, 200);
    assert.equal(httpOf(command({ http: "POST /a", access })).status, 204);
    assert.equal(httpOf(command({ http: { route: "POST /a", status: 202 }, access })).status, 202);
  });

  test("that is one of 200 to 299", () => {
    for (const status of [199, 302, 404, 200.5]) {
      assert.deepEqual(problemsOf(command({ http: { route: "POST /a", status }, access })), [`the success status ${status} is not one of 200 to 299`]);
    }
  });
});

describe("a route is a mistake", () => {
  test("when method or form are not those of the operation", () => {
    for (const route of ["POST /a", "GET a", "GET  /a", "GET /a b", "get /a", "/a", "HEAD /a"]) {
      assert.deepEqual(problemsOf(get(route as "GET /a", {})), [`"${route}" is not a route of a query`]);
    }
    for (const route of ["GET /a", "OPTIONS /a"]) assert.deepEqual(problemsOf(post(route as "POST /a", {})), [`"${route}" is not a route of a command`]);
  });

  test("when a segment is not plain", () => {
    for (const segment of ["*", "{id", "{id}.json", "a:b", "ä", "%20", "{}", "{a-b}", "..", "."]) {
      assert.deepEqual(problemsOf(get(`GET /a/${segment}`, {})), [`the path segment "${segment}" is not plain`]);
    }
    assert.deepEqual(problemsOf(get("GET /a//b", {})), ['the path segment "" is not plain']);
    for (const path of ["/", "/a/", "/a-b/c_d/e~f/v1.0"] as const) assert.deepEqual(problemsOf(get(`GET ${path}`, {})), []);
  });

  test("when the path names what the input lacks, has twice, or may leave out", () => {
    assert.deepEqual(problemsOf(get("GET /a/{id}", {})), ['the path has {id} but the input has no field "id"']);
    assert.deepEqual(problemsOf(query({ http: "GET /a/{id}", access })), ['the path has {id} but the input has no field "id"']);
    assert.deepEqual(problemsOf(get("GET /a/{constructor}", {})), ['the path has {constructor} but the input has no field "constructor"']);
    assert.deepEqual(problemsOf(get("GET /a/{id}", { id: id.optional() })), ['the path parameter "id" is optional in the input']);
    assert.deepEqual(problemsOf(get("GET /a/{id}/b/{id}", { id })), ["the path names {id} twice"]);
  });
});

describe("a field is a mistake", () => {
  test("when text cannot carry it: an object, several kinds, or a list in a path", () => {
    for (const field of [z.object({}), z.union([z.string(), z.int()]), z.array(z.array(z.string())), z.array(z.object({})), z.unknown(), z.record(z.string(), z.string()), z.null()]) {
      assert.equal(problemsOf(get("GET /a", { field }))[0]?.startsWith('the field "field" cannot travel in a URL'), true);
    }
    assert.deepEqual(problemsOf(get("GET /a/{ids}", { ids: z.array(id) })), ['the field "ids" cannot travel in a path']);
    assert.deepEqual(problemsOf(post({ route: "POST /a", headers: { "x-more": "more" } }, { more: z.object({}) })), ['the field "more" cannot travel in a header']);
  });

  test("when it may be null, which text cannot say", () => {
    for (const field of [z.string().nullable(), z.int().nullish(), z.enum(["a"]).nullable(), z.object({}).nullable()]) {
      assert.deepEqual(problemsOf(get("GET /a", { field })), ['the field "field" cannot travel in a URL: null cannot be told from the text "null"']);
    }
  });

  test("when it is secret and the URL would show it", () => {
    const problem = 'the field "token" is secret and would travel in the URL, which logs and histories keep';
    assert.deepEqual(problemsOf(get("GET /a", { token: secret(z.string()) })), [problem]);
    assert.deepEqual(problemsOf(post("DELETE /a/{token}", { token: secret(z.string()) })), [problem]);
    assert.deepEqual(problemsOf(get({ route: "GET /a", headers: { "x-token": "token" } }, { token: secret(z.string()) })), []);
    assert.deepEqual(problemsOf(post("POST /a", { token: secret(z.string()) })), []);
  });

  test("when it has no name and there is no body to be the rest of", () => {
    const problem = "the input takes fields that it does not name, and they cannot travel in a URL";
    assert.deepEqual(problemsOf(query({ http: "GET /a", access, input: z.looseObject({}) })), [problem]);
    assert.deepEqual(problemsOf(query({ http: "GET /a", access, input: z.record(z.string(), z.string()) })), [problem]);
    assert.deepEqual(problemsOf(command({ http: "PUT /a/{id}", access, input: z.looseObject({ id }) })), [problem]);
    assert.deepEqual(problemsOf(command({ http: "PUT /a/{id}", access, input: z.looseObject({ id, name: z.string() }) })), []);
    assert.deepEqual(problemsOf(command({ http: "POST /a", access, input: z.record(z.string(), z.string()) })), []);
    assert.deepEqual(problemsOf(query({ access, input: z.looseObject({}) })), [], "without a route nothing has to travel");
  });
});

describe("a header is a mistake", () => {
  const bound = (headers: Readonly<Record<string, string>>): readonly string[] =>
    problemsOf(get({ route: "GET /a/{id}", headers }, { id, tenant: z.string() }));

  test("when it belongs to the protocol, the platform or a proxy", () => {
    for (const header of ["Authorization", "content-type", "idempotency-key", "x-forwarded-for", "traceparent"]) {
      assert.deepEqual(bound({ [header]: "tenant" }), [`the header "${header.toLowerCase()}" has a meaning of its own`]);
    }
  });

  test("when it is no name, is bound twice, or to a field that is elsewhere or nowhere", () => {
    assert.deepEqual(bound({ "x tenant": "tenant" }), ['"x tenant" is not a header name']);
    assert.deepEqual(bound({ "X-Tenant": "tenant", "x-tenant": "tenant" }), ['the header "x-tenant" is bound twice', 'the field "tenant" is bound to two headers']);
    assert.deepEqual(bound({ "x-tenant": "toString" }), ['the header "x-tenant" is bound to "toString", which the input lacks']);
    assert.deepEqual(bound({ "x-id": "id" }), ['the field "id" is in the path and in the header "x-id"']);
  });
});
