import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { command, contract, query, scope } from "../../src/contract/index.ts";
import { Fault, type FaultCode, faultTable } from "../../src/kernel/index.ts";
import { service } from "../../src/service/index.ts";
import { type RawAnswer, RawConnection, rawRequest, requestText } from "./raw-connection.ts";
import { Served } from "./served.ts";

const things = contract("things", {
  get: query({ http: "GET /things/{id}", access: "public", input: z.object({ id: z.string() }), output: z.object({ id: z.string(), at: z.string() }), errors: { Missing: { status: 404, data: z.object({ id: z.string() }) } } }),
  put: command({ http: "PUT /things/{id}", access: scope("things:write"), input: z.object({ id: z.string(), size: z.int() }), output: z.object({ id: z.string() }) }),
  make: command({ http: "POST /things", access: "public", input: z.object({ name: z.string() }), output: z.object({ number: z.int() }), deadline: "1s" }),
  fail: query({ http: "GET /fail/{code}", access: "public", input: z.object({ code: z.string() }), output: z.object({}) }),
  limited: query({ http: "GET /limited", access: "public", output: z.object({}), rateLimit: { calls: 1, per: "1h", by: "address" } }),
  slow: query({ http: "GET /slow", access: "public", output: z.object({}), deadline: "5s" }),
  old: query({ http: "GET /old", access: "public", output: z.object({}), deprecated: { since: "0.1.0", sunset: "2031-02-03" } }),
  bug: query({ http: "GET /bug", access: "public", output: z.object({}) }),
  lateBug: query({ http: "GET /late-bug", access: "public", output: z.object({}) }),
  unwritable: query({ http: "GET /unwritable/{how}", access: "public", input: z.object({ how: z.string() }), output: z.any() }),
  unwritableFault: query({ http: "GET /unwritable-fault", access: "public", output: z.any(), errors: { Odd: { status: 409, data: z.any() } } }),
});

let made = 0;
const circular: Record<string, unknown> = {};
circular["self"] = circular;
const unwritable: Record<string, unknown> = {
  bigint: { n: 1n },
  circular,
  getter: Object.defineProperty({}, "x", { enumerable: true, get: () => { throw new RangeError("a getter"); } }),
  toJSON: { toJSON: () => { throw new RangeError("a toJSON"); } },
};

const thingsService = service(things, {
  handlers: {
    get: ({ input, fail }) => {
      if (input.id === "none") throw fail.Missing({ id: input.id }, "there is no such thing");
      return { id: input.id, at: "noon", secret: "x" };
    },
    put: ({ input }) => ({ id: input.id }),
    make: () => ({ number: (made += 1) }),
    fail: ({ input }) => {
      throw new Fault(input.code as FaultCode, `failed with ${input.code}`, { retryAfterS: 0.2 });
    },
    limited: () => ({}),
    slow: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
    old: () => ({}),
    bug: () => { throw new RangeError("secret: select * from users"); },
    lateBug: async () => { throw new RangeError("secret: select * from users"); },
    unwritable: ({ input }) => unwritable[input.how],
    unwritableFault: ({ fail }) => { throw fail.Odd({ n: 1n }); },
  },
});

describe("what answers say", () => {
  let served: Served;
  before(async () => {
    served = await Served.open({ services: [thingsService], bodyMaxBytes: 1_000 });
  });
  after(() => served.stop());

  const ask = (line: string, headers?: Record<string, string>, body?: string): Promise<RawAnswer> => rawRequest(served.port, requestText(line, headers, body));

  function assertProblem(answer: RawAnswer, status: number, code: string): Record<string, unknown> {
    assert.equal(answer.status, status, answer.body);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    const problem = JSON.parse(answer.body) as Record<string, unknown>;
    assert.equal(problem["code"], code);
    assert.equal(problem["status"], status);
    assert.equal(typeof problem["title"], "string");
    assert.match(String(problem["type"]), /^urn:tenon:fault:/);
    return problem;
  }

  test("an answer is cut to the contract, cannot be mistaken for a page, and names its call", async () => {
    const { headers, body, status } = await ask("GET /things/a");
    assert.deepEqual([status, JSON.parse(body)], [200, { id: "a", at: "noon" }]);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["content-length"], String(body.length));
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    assert.match(headers["x-request-id"] ?? "", /^[0-9a-f]{16}$/);
    assert.notEqual(headers["date"], undefined);
  });

  test("every fault of the table leaves as the problem that the table says", async () => {
    for (const [code, row] of Object.entries(faultTable)) {
      const answer = await ask(`GET /fail/${code}`);
      const problem = assertProblem(answer, row.http, code);
      assert.equal(problem["title"], row.title);
      assert.equal(problem["detail"], code === "internal" ? undefined : `failed with ${code}`);
      assert.equal(problem["call"], answer.headers["x-request-id"]);
      assert.equal(answer.headers["retry-after"], "1");
    }
  });

  test("a declared failure has its own name, message and data", async () => {
    const problem = assertProblem(await ask("GET /things/none"), 404, "Missing");
    assert.equal(problem["type"], "urn:tenon:fault:things.get:Missing");
    assert.equal(problem["detail"], "there is no such thing");
    assert.deepEqual(problem["data"], { id: "none" });
  });

  test("a bug is answered as such, tells nothing, and is logged once with the call's id", async () => {
    for (const path of ["/bug", "/late-bug"]) {
      const before = served.bugs.length;
      const answer = await ask(`GET ${path}`);
      const problem = assertProblem(answer, 500, "internal");
      assert.equal(answer.body.includes("secret"), false);
      assert.equal(problem["detail"], undefined);
      const told = served.bugs.slice(before);
      assert.equal(told.length, 1);
      assert.equal(told[0]?.call, answer.headers["x-request-id"]);
      assert.match(told[0]?.error ?? "", /select \* from users/);
    }
  });

  test("what JSON cannot write is a bug like any other, and the server lives", async () => {
    for (const path of [...Object.keys(unwritable).map((how) => `/unwritable/${how}`), "/unwritable-fault"]) {
      const before = served.bugs.length;
      const answer = await ask(`GET ${path}`);
      assertProblem(answer, 500, "internal");
      assert.match(answer.headers["x-request-id"] ?? "", /^[0-9a-f]{16}$/);
      assert.equal(served.bugs.length, before + 1, path);
      assert.equal(served.bugs.at(-1)?.call, answer.headers["x-request-id"]);
    }
    assert.equal((await ask("GET /things/a")).status, 200);
  });

  test("HEAD is GET without the body, for answers and for failures", async () => {
    for (const path of ["/things/a", "/things/none", "/nowhere", "/bug", "/fail/not_found"]) {
      const [get, head] = [await ask(`GET ${path}`), await ask(`HEAD ${path}`)];
      assert.equal(head.status, get.status, path);
      const differing = new Set(["date", "x-request-id", "content-length"]);
      const same = (answer: RawAnswer): unknown => Object.entries(answer.headers).filter(([name]) => !differing.has(name));
      assert.deepEqual(same(head), same(get), path);
      assert.match(head.headers["content-length"] ?? "", /^\d+$/);
    }
    const [get, head] = [await ask("GET /things/a"), await ask("HEAD /things/a")];
    assert.equal(head.headers["content-length"], get.headers["content-length"]);
  });

  test("after HEAD the connection goes on with the next answer", async () => {
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("HEAD /things/a"), requestText("GET /things/b"));
    assert.equal((await connection.answer("HEAD")).status, 200);
    assert.equal((await connection.answer()).body, '{"id":"b","at":"noon"}');
  });

  test("OPTIONS tells what a path answers", async () => {
    const answer = await ask("OPTIONS /things/a");
    assert.deepEqual([answer.status, answer.headers["allow"], answer.headers["content-length"]], [204, "GET, PUT, HEAD, OPTIONS", undefined]);
    assert.equal((await ask("OPTIONS /things")).headers["allow"], "POST, OPTIONS");
    assert.equal((await ask("OPTIONS *")).headers["allow"], "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS");
    assertProblem(await ask("OPTIONS /nowhere"), 404, "not_found");
  });

  test("another method on a path that is there is told which ones it answers", async () => {
    for (const method of ["POST", "DELETE", "PATCH", "TRACE", "PROPFIND", "QUERY"]) {
      const answer = await ask(`${method} /things/a`);
      assertProblem(answer, 405, "method_not_allowed");
      assert.equal(answer.headers["allow"], "GET, PUT, HEAD, OPTIONS");
    }
    assertProblem(await ask("HEAD /things").then((answer) => ({ ...answer, body: '{"code":"method_not_allowed","status":405,"title":"","type":"urn:tenon:fault:"}' })), 405, "method_not_allowed");
  });

  test("a path that is not there is 404 for every method", async () => {
    for (const method of ["GET", "POST", "DELETE", "PROPFIND", "TRACE"]) assertProblem(await ask(`${method} /nowhere`), 404, "not_found");
    const long = await ask(`GET /${"x".repeat(5_000)}`);
    assert.equal(long.status, 404);
    assert.equal(long.body.length < 500, true);
  });

  test("the caller says what it accepts, by range and by weight", async () => {
    for (const accept of ["application/json", "*/*", "application/*", "text/html, application/json;q=0.5", "application/json; charset=utf-8", "text/*, */*;q=0.1", ""]) {
      assert.equal((await ask("GET /things/a", { accept })).status, 200, accept);
    }
    for (const accept of ["text/html", "application/xml", "application/json;q=0", "*/*;q=0", "application/json;q=0, */*", "image/*"]) {
      assertProblem(await ask("GET /things/a", { accept }), 406, "not_acceptable");
    }
  });

  test("a command that would be answered in a type nobody accepts is not run", async () => {
    const before = made;
    assertProblem(await ask("POST /things", { accept: "text/html" }, '{"name":"a"}'), 406, "not_acceptable");
    assert.equal(made, before);
  });

  test("what is wrong with a request of an operation is recorded as its call", async () => {
    await ask("POST /things", { "content-type": "text/plain" }, "x");
    assert.equal(served.calls.at(-1), "things.make unsupported_media_type");
    await ask("POST /things", { accept: "text/html" }, '{"name":"a"}');
    assert.equal(served.calls.at(-1), "things.make not_acceptable");
  });

  test("a body larger than the limit is 413, announced or not", async () => {
    const large = JSON.stringify({ name: "x".repeat(2_000) });
    assertProblem(await ask("POST /things", {}, large), 413, "payload_too_large");
    const chunked = requestText("POST /things", { "content-type": "application/json", "transfer-encoding": "chunked" });
    assertProblem(await rawRequest(served.port, `${chunked}${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`), 413, "payload_too_large");
    const fitting = JSON.stringify({ name: "x".repeat(1_000 - '{"name":""}'.length) });
    assert.equal((await ask("POST /things", {}, fitting)).status, 200);
    assertProblem(await ask("POST /things", {}, `${fitting} `), 413, "payload_too_large");
  });

  test("a body in another type, charset or coding is 415", async () => {
    const wrong: readonly Record<string, string>[] = [
      { "content-type": "text/plain" },
      { "content-type": "application/x-www-form-urlencoded" },
      { "content-type": "" },
      { "content-type": "application/json; charset=latin1" },
      { "content-type": "application/jsonp" },
      { "content-type": "application/json, text/plain" },
      { "content-encoding": "gzip" },
    ];
    for (const headers of wrong) assertProblem(await ask("POST /things", headers, '{"name":"a"}'), 415, "unsupported_media_type");
    for (const type of ["application/json", "APPLICATION/JSON", "application/json;charset=UTF-8", 'application/json; charset="utf-8"', "application/problem+json", "application/vnd.api+json; version=1"]) {
      assert.equal((await ask("POST /things", { "content-type": type, "content-encoding": "identity" }, '{"name":"a"}')).status, 200, type);
    }
  });

  test("a URL longer than any browser sends is 414", async () => {
    assertProblem(await ask(`GET /things/${"x".repeat(8_200)}`), 414, "uri_too_long");
    assert.equal((await ask(`GET /things/${"x".repeat(8_000)}`)).status, 200);
  });

  test("whoever may not call hears of that first, whatever else is wrong", async () => {
    const answer = await ask("PUT /things/a", { accept: "text/html", "content-type": "text/plain", "request-timeout-ms": "x" }, "{");
    assertProblem(answer, 401, "unauthenticated");
    assert.equal(answer.headers["www-authenticate"], "Bearer");
    const bad = await ask("PUT /things/a", { authorization: "Bearer bad" }, "{}");
    assertProblem(bad, 401, "unauthenticated");
    assert.equal(bad.headers["www-authenticate"], 'Bearer error="invalid_token"');
    for (const authorization of ["Basic YTpi", "Bearer", "Bearer ", "bad", "Bearer ada~things:write, Bearer bad"]) {
      assertProblem(await ask("PUT /things/a", { authorization }, "{}"), 401, "unauthenticated");
    }
    assertProblem(await ask("PUT /things/a", { authorization: "Bearer ada~things:read" }, "{}"), 403, "permission_denied");
    assert.equal((await ask("PUT /things/a", { authorization: "bearer ada~things:write" }, '{"size":1}')).status, 200);
  });

  test("a token sent in two headers is none", async () => {
    const twice = requestText("PUT /things/a", { authorization: "Bearer ada~things:write" }, '{"size":1}').replace("authorization", "authorization: Bearer eve\r\nauthorization");
    assertProblem(await rawRequest(served.port, twice), 401, "unauthenticated");
  });

  test("an invalid input is told field by field", async () => {
    const problem = assertProblem(await ask("PUT /things/a", { authorization: "Bearer ada~things:write" }, '{"size":"x"}'), 400, "invalid_argument");
    assert.deepEqual((problem["errors"] as { path: string }[]).map((each) => each.path), ["/size"]);
  });

  test("the limit on calls says when to come back", async () => {
    assert.equal((await ask("GET /limited")).status, 200);
    const answer = await ask("GET /limited");
    assertProblem(answer, 429, "rate_limited");
    assert.equal(answer.headers["ratelimit-policy"], '"default";q=1;w=3600');
    assert.match(answer.headers["ratelimit"] ?? "", /^"default";r=0;t=\d+$/);
    assert.match(answer.headers["retry-after"] ?? "", /^\d+$/);
  });

  test("the caller may wait for less than the contract allows", async () => {
    assertProblem(await ask("GET /slow", { "request-timeout-ms": "20" }), 504, "deadline_exceeded");
    for (const wrong of ["0", "-1", "1.5", "x", "", "1e3", "123456789"]) assertProblem(await ask("GET /slow", { "request-timeout-ms": wrong }), 400, "invalid_argument");
  });

  test("an operation that is going away says from when on", async () => {
    assert.equal((await ask("GET /old")).headers["sunset"], "Mon, 03 Feb 2031 00:00:00 GMT");
    assert.equal((await ask("GET /things/a")).headers["sunset"], undefined);
  });

  describe("a repeated command", () => {
    test("gets its first answer, and is told so", async () => {
      const key = { "idempotency-key": "the-first-key-of-all" };
      const [first, second] = [await ask("POST /things", key, '{"name":"a"}'), await ask("POST /things", key, '{"name":"a"}')];
      assert.equal(first.body, second.body);
      assert.deepEqual([first.headers["idempotency-replayed"], second.headers["idempotency-replayed"]], [undefined, "true"]);
    });

    test("is a conflict under another input, and refused under a key that is none", async () => {
      await ask("POST /things", { "idempotency-key": "the-second-key-of-all" }, '{"name":"a"}');
      assertProblem(await ask("POST /things", { "idempotency-key": "the-second-key-of-all" }, '{"name":"b"}'), 409, "conflict");
      for (const key of ["", "a b", "x".repeat(256), "é"]) assertProblem(await ask("POST /things", { "idempotency-key": key }, '{"name":"a"}'), 400, "invalid_argument");
      const twice = requestText("POST /things", { "idempotency-key": "a\r\nidempotency-key: b" }, '{"name":"a"}');
      assertProblem(await rawRequest(served.port, twice), 400, "invalid_argument");
    });
  });

  describe("a query that is asked again", () => {
    test("is 304 without a body when the caller has it already", async () => {
      const { headers } = await ask("GET /things/a");
      const etag = headers["etag"] ?? "";
      assert.match(etag, /^"[\w-]+"$/);
      assert.equal(headers["cache-control"], "private, no-cache");
      for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*", `"x",W/${etag} , "y"`]) {
        for (const method of ["GET", "HEAD"]) {
          const answer = await ask(`${method} /things/a`, { "if-none-match": header });
          assert.deepEqual([answer.status, answer.body, answer.headers["etag"]], [304, "", etag], header);
          assert.equal(answer.headers["content-length"], undefined);
          assert.equal(answer.headers["content-type"], undefined);
        }
      }
    });

    test("is answered whole when the caller has something else", async () => {
      const etag = (await ask("GET /things/b")).headers["etag"] ?? "";
      for (const header of [etag, '"other"', "", etag.slice(1, -1)]) assert.equal((await ask("GET /things/a", { "if-none-match": header })).status, 200, header);
    });

    test("and a command, or a failure, is never 304", async () => {
      assert.equal((await ask("POST /things", { "if-none-match": "*" }, '{"name":"a"}')).status, 200);
      assert.equal((await ask("GET /things/none", { "if-none-match": "*" })).status, 404);
    });
  });
});
