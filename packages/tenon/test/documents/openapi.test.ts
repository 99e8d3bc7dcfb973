/** The OpenAPI document: that others can read it, and that it says what the contracts say. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe as suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { validate } from "@scalar/openapi-parser";
import * as z from "zod";
import { command, contract, describe, query } from "../../src/contract/index.ts";
import { faultTable } from "../../src/kernel/index.ts";
import { type OpenApiDocument, toOpenApi } from "../../src/documents/index.ts";
import { showcase } from "./showcase-contracts.ts";

const info = { title: "The shop", version: "1.4.0" };
const document = toOpenApi(showcase, info);

type At = (root: unknown, ...path: readonly (string | number)[]) => unknown;

/** Finds a place by the names on the way to it, through references within `whole`. Fails the test where there is none. */
function placesOf(whole: OpenApiDocument): At {
  return function at(root, ...path) {
    let value = root;
    for (const step of path) {
      assert.ok(typeof value === "object" && value !== null && step in value, `nothing at ${path.join(" › ")}: no ${step}`);
      value = (value as Record<string | number, unknown>)[step];
      const ref = (value as { $ref?: unknown } | null)?.$ref;
      if (typeof ref === "string") value = at(whole, ...ref.slice(2).split("/"));
    }
    return value;
  };
}

const at = placesOf(document);

function operation(method: string, path: string): Record<string, unknown> {
  return at(document, "paths", path, method) as Record<string, unknown>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly style?: string;
  readonly explode?: boolean;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly $ref?: string;
}

function parameters(method: string, path: string): Readonly<Record<string, Parameter>> {
  const list = operation(method, path)["parameters"] as readonly Parameter[];
  return Object.fromEntries(list.map((each) => [each.name ?? each.$ref?.split("/").at(-1), each]));
}

const problemRef = { $ref: "#/components/schemas/Problem" };

suite("the document is valid", () => {
  test("to Redocly, by its recommended rules, warnings included", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tenon-openapi-"));
    try {
      const file = join(folder, "openapi.json");
      await writeFile(file, JSON.stringify(document));
      const { problems, totals } = await lint(file);
      assert.deepEqual(problems, []);
      assert.equal(totals.errors + totals.warnings, 0);

      await writeFile(file, JSON.stringify({ ...document, paths: { "/x/{id}": { get: { responses: {} } } } }));
      assert.ok((await lint(file)).totals.errors > 0, "the rules are at work");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("to Scalar's parser", async () => {
    const result = await validate(JSON.stringify(document));
    assert.deepEqual(result.errors ?? [], []);
    assert.equal(result.valid, true);
    const broken = JSON.stringify(document).replace("#/components/schemas/Money", "#/components/schemas/Nothing");
    assert.equal((await validate(broken)).valid, false, "the validator is at work");
  });

  test("and has nothing in it that nothing refers to", () => {
    const asks = contract("asks", { ping: query({ http: "GET /ping", access: "public", output: z.object({ ok: z.boolean() }) }) });
    const { headers, parameters, schemas } = toOpenApi([describe(asks)], info).components;
    assert.deepEqual(Object.keys(parameters ?? {}), ["IfNoneMatch", "RequestTimeoutMs"]);
    assert.deepEqual(Object.keys(headers ?? {}), ["ETag", "RequestId", "RetryAfter", "WwwAuthenticate"]);
    assert.deepEqual(Object.keys(schemas ?? {}), ["Problem"]);
  });

  test("an app without operations has a valid one too", async () => {
    assert.equal((await validate(JSON.stringify(toOpenApi([], info)))).valid, true);
  });
});

suite("the document is the same each time", () => {
  test("byte for byte, and changing it changes nothing of its source", () => {
    assert.equal(JSON.stringify(toOpenApi(showcase, info)), JSON.stringify(document));
    const copy = toOpenApi(showcase, info) as { paths: Record<string, unknown> };
    copy.paths["/orders"] = {};
    assert.equal(JSON.stringify(toOpenApi(showcase, info)), JSON.stringify(document));
  });

  test("it is plain data: what JSON carries is all there is", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  });
});

suite("operations", () => {
  test("carry their id, their contract, and a summary even where none was written", () => {
    assert.equal(operation("get", "/orders/{id}")["operationId"], "orders.get");
    assert.deepEqual(operation("get", "/orders/{id}")["tags"], ["orders"]);
    assert.equal(operation("get", "/orders/{id}")["summary"], "One order");
    assert.equal(operation("put", "/orders/{id}/attachment")["summary"], "Attach");
    assert.deepEqual(document.tags, [
      { name: "orders", description: "Orders from the first click to the last parcel.", "x-tenon-version": "1.4.0" },
      { name: "catalog", description: "What there is to buy.", "x-tenon-version": "0.2.0" },
    ]);
  });

  test("without a route are left out, and so is a service that has no others", () => {
    const text = JSON.stringify(document);
    assert.doesNotMatch(text, /settle|ledger/);
    assert.doesNotMatch(text, /orders\.placed/);
  });

  test("of one path stand together, though their contracts call the parameter differently", () => {
    assert.deepEqual(Object.keys(at(document, "paths", "/orders/{id}") as object), ["get", "patch", "delete"]);
    assert.ok(!("/orders/{orderId}" in document.paths));
    assert.equal(parameters("patch", "/orders/{id}")["id"]?.in, "path");
    assert.equal(parameters("patch", "/orders/{id}")["orderId"], undefined);
  });

  test("say who may call, as far as OpenAPI can tell it, and the whole rule beside", () => {
    assert.deepEqual(operation("post", "/orders")["security"], [{ bearer: ["orders:write"] }]);
    assert.deepEqual(operation("get", "/orders")["security"], [{ bearer: ["clerk"] }, { bearer: ["orders:read"] }]);
    assert.deepEqual(operation("get", "/orders/{id}/events")["security"], [{ bearer: [] }]);
    assert.deepEqual(operation("get", "/categories")["security"], []);
    assert.deepEqual(operation("patch", "/orders/{id}")["security"], [{ bearer: ["orders:write"] }]);
    assert.deepEqual(operation("patch", "/orders/{id}")["x-tenon-access"], { allOf: [{ scope: "orders:write" }, { predicate: "own order" }] });
    assert.equal(at(document, "components", "securitySchemes", "bearer", "bearerFormat"), "JWT");
  });

  test("do not tell outsiders which services have a way in of their own", () => {
    assert.deepEqual(operation("get", "/orders/{id}")["security"], [{ bearer: ["orders:read"] }, { bearer: [] }]);
    assert.deepEqual(operation("get", "/orders/{id}")["x-tenon-access"], { anyOf: [{ scope: "orders:read" }, { predicate: "own order" }] });
  });

  test("say what is promised: kind, deadline, objective, rate limit", () => {
    const place = operation("post", "/orders");
    assert.equal(place["x-tenon-kind"], "command");
    assert.equal(place["x-tenon-deadline-ms"], 2_000);
    assert.deepEqual(place["x-tenon-rate-limit"], { calls: 10, per: "1m", by: "address" });
    assert.deepEqual(operation("get", "/orders/{id}")["x-tenon-objective"], { availability: 99.9, latency: { p50: "20ms", p99: "250ms" } });
  });

  test("that are deprecated say so, since when, until when, and what to use", () => {
    const cancel = operation("delete", "/orders/{id}");
    assert.equal(cancel["deprecated"], true);
    assert.equal(cancel["description"], "Deprecated since version 1.3.0. It may be gone after 2027-01-31. Use orders.change instead.");
    assert.deepEqual(cancel["x-tenon-deprecated"], { since: "1.3.0", sunset: "2027-01-31", use: "orders.change" });
    assert.ok(at(cancel, "responses", "204", "headers", "Sunset"));
    assert.equal(operation("get", "/orders/{id}")["deprecated"], undefined);
  });
});

suite("inputs", () => {
  test("travel in path, query and header in the styles that the platform reads", () => {
    const found = parameters("get", "/orders");
    assert.deepEqual([found["status"]?.in, found["status"]?.style, found["status"]?.explode], ["query", "form", true]);
    assert.deepEqual([found["x-segments"]?.in, found["x-segments"]?.style, found["x-segments"]?.explode], ["header", "simple", false]);
    assert.equal(found["accept-language"]?.in, "header");
    const id = parameters("get", "/orders/{id}")["id"];
    assert.deepEqual([id?.in, id?.required, id?.style, id?.explode], ["path", true, "simple", false]);
    assert.equal(id?.description, "As `place` answered it");
    assert.deepEqual(id?.schema, { type: "string", format: "uuid" });
    assert.equal(found["page"]?.required, false);
    assert.deepEqual(found["page"]?.schema["default"], 1);
    assert.equal(found["sort"]?.deprecated, true);
    assert.deepEqual(found["text"]?.schema["examples"], ["green tea"]);
  });

  test("of a command travel in a JSON body, without what travels elsewhere", () => {
    const place = at(operation("post", "/orders"), "requestBody") as Record<string, unknown>;
    assert.equal(place["required"], true);
    const schema = at(place, "content", "application/json", "schema") as { properties: object; required: string[] };
    assert.deepEqual(Object.keys(schema.properties), ["email", "lines", "payment", "deliverOn", "gift", "labels", "note"]);
    assert.deepEqual(schema.required, ["email", "lines", "payment"]);

    const change = at(operation("patch", "/orders/{id}"), "requestBody") as Record<string, unknown>;
    assert.equal(change["required"], false, "everything in it may be left out");
    const changed = at(change, "content", "application/json", "schema") as { properties: object; required: string[] };
    assert.deepEqual(Object.keys(changed.properties), ["note", "lines"]);
    assert.deepEqual(changed.required, []);
    assert.equal(operation("delete", "/orders/{id}")["requestBody"], undefined);
    assert.equal(parameters("delete", "/orders/{id}")["reason"]?.in, "query");
  });

  test("without named fields are the body as a whole", () => {
    const schema = at(operation("post", "/tags"), "requestBody", "content", "application/json", "schema") as Record<string, unknown>;
    assert.deepEqual(schema["additionalProperties"], { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER });
  });

  test("that are a choice of objects keep the choice, less the fields that travel in the path", () => {
    const choice = contract("choice", {
      set: command({
        http: "PUT /choices/{id}",
        access: "public",
        input: z.discriminatedUnion("kind", [
          z.object({ kind: z.literal("a"), id: z.string(), n: z.int() }),
          z.object({ kind: z.literal("b"), id: z.string(), t: z.string() }),
        ]),
      }),
    });
    const made = toOpenApi([describe(choice)], info);
    const schema = placesOf(made)(made, "paths", "/choices/{id}", "put", "requestBody", "content", "application/json", "schema", "oneOf") as { properties: object; required: string[] }[];
    assert.deepEqual(schema.map((each) => Object.keys(each.properties)), [["kind", "n"], ["kind", "t"]]);
    assert.deepEqual(schema.map((each) => each.required), [["kind", "n"], ["kind", "t"]]);
  });

  test("of bytes are described by their media types", () => {
    const body = at(operation("put", "/orders/{id}/attachment"), "requestBody") as Record<string, unknown>;
    assert.deepEqual(body["content"], { "image/png": {}, "text/plain": {} });
    assert.equal(body["x-tenon-max-bytes"], 1_000_000);
    assert.equal(body["required"], true);
    assert.equal(parameters("put", "/orders/{id}/attachment")["title"]?.in, "query");
  });

  test("of every command have room for an idempotency key, and of queries for what the caller has", () => {
    assert.ok("IdempotencyKey" in parameters("post", "/orders"));
    assert.ok(!("IdempotencyKey" in parameters("get", "/orders")));
    assert.ok("IfNoneMatch" in parameters("get", "/orders"));
    assert.ok(!("IfNoneMatch" in parameters("get", "/orders/{id}/events")), "a stream has no validator");
    assert.ok(!("IfNoneMatch" in parameters("post", "/orders")));
    assert.ok("RequestTimeoutMs" in parameters("get", "/categories"));
    assert.equal(at(document, "components", "parameters", "IdempotencyKey", "name"), "Idempotency-Key");
  });
});

suite("answers", () => {
  test("of queries are JSON with a validator, and 304 while it holds", () => {
    const responses = operation("get", "/orders/{id}")["responses"];
    assert.deepEqual(at(responses, "200", "content", "application/json", "schema"), at(document, "components", "schemas", "Order"));
    assert.ok(at(responses, "200", "headers", "ETag"));
    assert.ok(at(responses, "304", "headers", "ETag"));
  });

  test("of commands have the contract's status, and tell a replay", () => {
    const { 201: created, ...rest } = operation("post", "/orders")["responses"] as Record<string, unknown>;
    assert.ok(at(created, "headers", "Idempotency-Replayed"));
    assert.ok(!("200" in rest) && !("304" in rest));
  });

  test("without a body say so", () => {
    const { content, description } = at(operation("delete", "/orders/{id}"), "responses", "204") as Record<string, unknown>;
    assert.deepEqual([content, description], [undefined, "It is done; there is no body."]);
  });

  test("that stream offer NDJSON and server-sent events, and describe one item", () => {
    const content = at(operation("get", "/orders/{id}/events"), "responses", "200", "content") as Record<string, unknown>;
    assert.deepEqual(Object.keys(content), ["application/x-ndjson", "text/event-stream"]);
    assert.deepEqual(Object.keys(at(content, "application/x-ndjson", "schema", "properties") as object), ["at", "status", "total"]);
    assert.equal(at(operation("get", "/orders/{id}/events"), "responses", "200", "x-tenon-stream"), true);
  });

  test("of bytes have their media types", () => {
    assert.deepEqual(at(operation("get", "/orders/{id}/invoice"), "responses", "200", "content"), { "application/pdf": {}, "image/png": {} });
  });
});

suite("failures", () => {
  test("all have one shape", () => {
    const responses = at(document, "components", "responses") as Record<string, unknown>;
    for (const [name, response] of Object.entries(responses)) {
      assert.deepEqual(Object.keys(at(response, "content") as object), ["application/problem+json"], name);
    }
    const problem = at(document, "components", "schemas", "Problem") as { properties: object; required: string[] };
    assert.deepEqual(Object.keys(problem.properties), ["type", "title", "status", "code", "detail", "call", "errors", "data"]);
  });

  test("of the platform are shared, each with its code, and whether it may be tried again", () => {
    const shared = at(document, "components", "responses", "RateLimited") as Record<string, unknown>;
    assert.deepEqual(at(shared, "content", "application/problem+json", "schema"), {
      allOf: [problemRef, { type: "object", properties: { code: { type: "string", const: "rate_limited" } }, required: ["code"] }],
    });
    assert.deepEqual(shared["x-tenon-faults"], [{ code: "rate_limited", title: faultTable.rate_limited.title, retry: "after_delay" }]);
    assert.ok(at(shared, "headers", "Retry-After"));
    const responses = operation("post", "/orders")["responses"] as Record<string, unknown>;
    assert.deepEqual(responses["429"], { $ref: "#/components/responses/RateLimited" });
    assert.deepEqual(responses["503"], { $ref: "#/components/responses/OverloadedOrUnavailable" });
  });

  test("are told where they can happen and nowhere else", () => {
    const statuses = (method: string, path: string): string[] => Object.keys(operation(method, path)["responses"] as object);
    assert.deepEqual(statuses("get", "/categories"), ["200", "304", "400", "401", "406", "431", "500", "503", "504", "default"]);
    assert.deepEqual(statuses("post", "/orders"), ["201", "400", "401", "403", "406", "408", "409", "413", "415", "422", "429", "431", "500", "503", "504", "default"]);
    assert.deepEqual(statuses("delete", "/orders/{id}"), ["204", "400", "401", "403", "409", "414", "431", "500", "503", "504", "default"]);
  });

  test("that are declared have their name as a constant, and their data's type", () => {
    const notFound = at(operation("get", "/orders/{id}")["responses"], "404") as Record<string, unknown>;
    assert.equal(notFound["description"], "NotFound: There is no such order.");
    assert.deepEqual(at(notFound, "content", "application/problem+json", "schema"), {
      title: "NotFound",
      allOf: [problemRef, { type: "object", properties: { code: { type: "string", const: "NotFound" } }, required: ["code"] }],
    });
    assert.deepEqual(notFound["x-tenon-faults"], [{ code: "NotFound", declared: true, title: "There is no such order." }]);
  });

  test("of one status stand side by side, the platform's among them", () => {
    const conflict = at(operation("post", "/orders")["responses"], "409", "content", "application/problem+json", "schema", "oneOf") as Record<string, unknown>[];
    assert.deepEqual(conflict.map((each) => each["title"]), ["OutOfStock", "PriceChanged", "Platform"]);
    assert.deepEqual(at(conflict[0], "allOf", 1), {
      type: "object",
      properties: {
        code: { type: "string", const: "OutOfStock" },
        data: { type: "object", properties: { sku: { type: "string" }, left: { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER } }, required: ["sku", "left"] },
      },
      required: ["code", "data"],
    });
    assert.deepEqual(at(conflict[1], "allOf", 1, "properties", "data", "properties", "now"), at(document, "components", "schemas", "Money"));
  });
});

suite("schemas", () => {
  test("with a name stand once, whoever uses them, and refer to each other", () => {
    const names = Object.keys(at(document, "components", "schemas") as object);
    assert.deepEqual(names, ["Category", "Money", "MoneyInput", "Order", "Problem"]);
    assert.deepEqual(at(document, "components", "schemas", "Order", "properties", "total"), at(document, "components", "schemas", "Money"));
    assert.doesNotMatch(JSON.stringify(document), /\$defs/);
  });

  test("that are sent and received under one name are two only where they differ", () => {
    const sent = at(document, "components", "schemas", "MoneyInput") as { required: string[] };
    const received = at(document, "components", "schemas", "Money") as { required: string[] };
    assert.deepEqual([sent.required, received.required], [["cents"], ["cents", "currency"]]);
  });

  test("that refer to themselves still do", () => {
    const items = at(document, "components", "schemas", "Category", "properties", "children") as { items: unknown };
    assert.deepEqual(items.items, { $ref: "#/components/schemas/Category" });
  });

  test("without a name that refer to themselves get one from their operation", () => {
    interface Tree {
      v: string;
      kids: Tree[];
    }
    const Tree: z.ZodType<Tree, Tree> = z.object({ v: z.string(), get kids() { return z.array(Tree); } });
    const trees = contract("trees", {
      grow: command({ http: "POST /trees", access: "public", input: z.object({ tree: Tree, spare: Tree }), output: Tree }),
      look: query({ http: "GET /trees", access: "public", output: z.object({ tree: Tree }) }),
    });
    const made = toOpenApi([describe(trees)], info);
    assert.deepEqual(Object.keys(made.components["schemas"] ?? {}), ["Problem", "TreesGrowInput"], "they all say the same");
    assert.deepEqual(placesOf(made)(made, "components", "schemas", "TreesGrowInput", "properties", "kids", "items"), placesOf(made)(made, "components", "schemas", "TreesGrowInput"));
  });

  test("of one name and another meaning in two contracts are told apart by the contract", () => {
    const of = (name: string, shape: z.ZodType<object, object>) => describe(contract(name, { get: query({ http: `GET /${name}`, access: "public", output: z.object({ it: shape }) }) }));
    const made = toOpenApi([of("east", z.object({ a: z.string() }).meta({ id: "Item" })), of("west", z.object({ b: z.string() }).meta({ id: "Item" }))], info);
    assert.deepEqual(Object.keys(made.components["schemas"] ?? {}), ["Item", "ItemOutput", "Problem"]);
    const mine = toOpenApi([of("east", z.object({ a: z.string() }).meta({ id: "Problem" }))], info);
    assert.deepEqual(Object.keys(mine.components["schemas"] ?? {}), ["Problem", "ProblemOutput"], "the platform's own is not written over");
  });

  test("keep their data classes", () => {
    assert.equal(at(document, "components", "schemas", "Order", "properties", "email", "x-data-class"), "personal");
    const payment = at(operation("post", "/orders"), "requestBody", "content", "application/json", "schema", "properties", "payment", "oneOf", 0, "properties", "token");
    assert.equal((payment as Record<string, unknown>)["x-data-class"], "secret");
  });

  test("lose a pattern that only repeats the format, and keep one that says more", () => {
    const properties = at(operation("get", "/allergens/{sku}")["responses"], "200", "content", "application/json", "schema", "properties") as Record<string, Record<string, unknown>>;
    assert.deepEqual(properties["host"], { type: "string", format: "hostname" });
    assert.match(String(properties["version4"]?.["pattern"]), /4\[0-9a-fA-F\]\{3\}/);
    assert.equal(properties["own"]?.["pattern"], "@example\\.com$");
    assert.deepEqual(at(document, "components", "schemas", "Order", "properties", "placedAt"), { type: "string", format: "date-time", pattern: "Z$" });
    assert.deepEqual(Object.keys(properties), ["allergens", "host", "version4", "own", "format", "pattern", "position", "anything"], "fields that are named like keywords stay");
  });

  test("of answers leave room for fields to come; of inputs they say what is refused", () => {
    const strict = contract("strict", { set: command({ http: "PUT /strict", access: "public", input: z.strictObject({ a: z.string() }), output: z.strictObject({ a: z.string() }) }) });
    const made = toOpenApi([describe(strict)], info);
    assert.equal(placesOf(made)(made, "paths", "/strict", "put", "requestBody", "content", "application/json", "schema", "additionalProperties"), false);
    assert.ok(!("additionalProperties" in (placesOf(made)(made, "paths", "/strict", "put", "responses", "200", "content", "application/json", "schema") as object)));
  });
});

test("the document says where the app answers", () => {
  assert.deepEqual(document.servers, [{ url: "/" }]);
  assert.deepEqual(toOpenApi([], { ...info, serverUrl: "https://shop.example" }).servers, [{ url: "https://shop.example" }]);
  const typed: OpenApiDocument = document;
  assert.equal(typed.openapi, "3.1.1");
});

interface LintResult {
  readonly totals: { readonly errors: number; readonly warnings: number };
  readonly problems: readonly unknown[];
}

async function lint(file: string): Promise<LintResult> {
  const require = createRequire(import.meta.url);
  const cli = join(dirname(require.resolve("@redocly/cli/package.json")), "bin/cli.js");
  const config = fileURLToPath(new URL("redocly.yaml", import.meta.url));
  // It would otherwise report its use, and ask for newer versions, over the network.
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true", CI: "true" };
  const run = promisify(execFile)(process.execPath, [cli, "lint", file, "--config", config, "--format", "json"], { env });
  const { stdout } = await run.catch((error: { stdout: string }) => error); // exits with 1 where it finds something
  const { problems, totals } = JSON.parse(stdout) as { problems: { ruleId: string; message: string; location: { pointer: string }[] }[]; totals: LintResult["totals"] };
  return { totals, problems: problems.map(({ location, message, ruleId }) => `${ruleId} ${location[0]?.pointer}: ${message}`) };
}
