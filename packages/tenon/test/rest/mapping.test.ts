import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { command, contract, query } from "../../src/contract/index.ts";
import { service } from "../../src/service/index.ts";
import { rawRequest, requestText } from "./raw-connection.ts";
import { Served } from "./served.ts";

const kinds = { text: z.string(), count: z.int(), ratio: z.number(), flag: z.boolean(), tags: z.array(z.string()), sizes: z.array(z.number()) };
const optional = z.object(kinds).partial();

const shapes = contract("shapes", {
  inUrl: query({ http: "GET /shapes/{text}/{count}/{flag}", access: "public", input: z.object(kinds).partial({ ratio: true, tags: true, sizes: true }), output: z.any() }),
  inQuery: query({ http: "GET /shapes", access: "public", input: optional, output: z.any() }),
  inHeaders: query({
    http: { route: "GET /headers", headers: { "x-text": "text", "x-count": "count", "x-flag": "flag", "x-tags": "tags", constructor: "ratio" } },
    access: "public",
    input: optional,
    output: z.any(),
  }),
  inBody: command({ http: "POST /shapes", access: "public", input: optional, output: z.any() }),
  everywhere: command({
    http: { route: "PUT /shapes/{text}", headers: { "x-flag": "flag" } },
    access: "public",
    input: z.looseObject({ text: z.string(), flag: z.boolean().optional(), count: z.int() }),
    output: z.any(),
  }),
  record: command({ http: "POST /record", access: "public", input: z.record(z.string(), z.number()), output: z.any() }),
  remove: command({ http: "DELETE /shapes/{text}", access: "public", input: z.object({ text: z.string(), count: z.int().optional(), tags: z.array(z.string()).optional() }), output: z.any() }),
  nothing: query({ http: "GET /nothing", access: "public", output: z.any() }),
  act: command({ http: "POST /act", access: "public" }),
  created: command({ http: { route: "POST /created", status: 201 }, access: "public", input: z.object({ name: z.string() }), output: z.object({ name: z.string() }) }),
  accepted: command({ http: { route: "POST /accepted", status: 202 }, access: "public" }),
  maybe: query({ http: "GET /maybe", access: "public", output: z.string().optional() }),
});

const echo = ({ input }: { readonly input: unknown }): unknown => input;
const shapesService = service(shapes, {
  handlers: {
    inUrl: echo,
    inQuery: echo,
    inHeaders: echo,
    inBody: echo,
    everywhere: echo,
    record: echo,
    remove: echo,
    nothing: ({ input }) => ({ input: input === undefined ? "none" : input }),
    act: () => undefined,
    created: ({ input }) => ({ ...input, secret: "not in the contract" }),
    accepted: () => undefined,
    maybe: () => undefined,
  },
});

describe("where the fields of an input come from", () => {
  let served: Served;
  before(async () => {
    served = await Served.open({ services: [shapesService] });
  });
  after(() => served.stop());

  async function get(target: string, headers: Record<string, string> = {}): Promise<unknown> {
    const answer = await rawRequest(served.port, requestText(`GET ${target}`, headers));
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body);
  }

  async function send(line: string, value: unknown, headers: Record<string, string> = {}): Promise<unknown> {
    const answer = await rawRequest(served.port, requestText(line, headers, JSON.stringify(value)));
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body);
  }

  test("path parameters are decoded once and read as their kind", async () => {
    assert.deepEqual(await get("/shapes/a%2Fb%20%C3%A9%25/12/true"), { text: "a/b é%", count: 12, flag: true });
    assert.deepEqual(await get("/shapes/%252e%252e/-3/false"), { text: "%2e%2e", count: -3, flag: false });
    assert.deepEqual(await get("/shapes/7/7/true"), { text: "7", count: 7, flag: true });
  });

  test("a parameter of a query is read as its kind, one of many as a list, and an unknown one not at all", async () => {
    assert.deepEqual(await get("/shapes?text=1&count=1&ratio=1e-2&flag=false&tags=a&tags=b,c&sizes=1&sizes=2.5&other=x"), {
      text: "1",
      count: 1,
      ratio: 0.01,
      flag: false,
      tags: ["a", "b,c"],
      sizes: [1, 2.5],
    });
    assert.deepEqual(await get("/shapes"), {});
    assert.deepEqual(await get("/shapes?"), {});
    assert.deepEqual(await get("/shapes?text="), { text: "" });
    assert.deepEqual(await get("/shapes?text=a+b%26c"), { text: "a b&c" });
  });

  test("what is not encoded properly in a query stands for itself", async () => {
    assert.deepEqual(await get("/shapes?text=100%&%zz=1"), { text: "100%" });
  });

  test("a scalar parameter that comes twice is refused, wherever it is repeated", async () => {
    const answer = await rawRequest(served.port, requestText("GET /shapes?count=1&count=2"));
    assert.equal(answer.status, 400);
    assert.match(answer.body, /\\"count\\" was sent 2 times/);
  });

  test("more parameters than anybody sends are refused", async () => {
    assert.equal((await rawRequest(served.port, requestText(`GET /shapes?${"x&".repeat(257)}`))).status, 400);
    assert.deepEqual(await get(`/shapes?${"x&".repeat(256)}`), {});
  });

  test("a value of the wrong kind is named by the contract, not guessed at", async () => {
    for (const wrong of ["count=1.5", "count=", "count=0x10", "count=one", "ratio=NaN", "ratio=Infinity", "ratio=1e400", `ratio=${"9".repeat(400)}`, "flag=1", "flag=TRUE", "sizes=1&sizes=x"]) {
      const answer = await rawRequest(served.port, requestText(`GET /shapes?${wrong}`));
      assert.equal(answer.status, 400, wrong);
      const { code, errors } = JSON.parse(answer.body) as { code: string; errors: { path: string }[] };
      assert.equal(code, "invalid_argument", wrong);
      assert.equal(errors.length > 0 && errors[0]?.path.startsWith(`/${wrong.split("=")[0]}`), true, answer.body);
    }
  });

  test("headers carry scalars and lists, whose empty elements do not count", async () => {
    assert.deepEqual(await get("/headers", { "X-Text": "one, two", "x-count": "4", "x-flag": "true", "x-tags": "a, b,,c ," }), {
      text: "one, two",
      count: 4,
      flag: true,
      tags: ["a", "b", "c"],
    });
    assert.deepEqual(await get("/headers"), {});
  });

  test("a body is JSON, and a field that it has too many is cut off", async () => {
    assert.deepEqual(await send("POST /shapes", { text: "x", count: 2, flag: true, tags: ["a"], extra: 1 }), { text: "x", count: 2, flag: true, tags: ["a"] });
  });

  test("a body cannot pass for a path or for a header, sent or not", async () => {
    const body = { text: "from the body", flag: true, count: 1, more: "kept" };
    assert.deepEqual(await send("PUT /shapes/from-the-path", body), { text: "from-the-path", count: 1, more: "kept" });
    assert.deepEqual(await send("PUT /shapes/from-the-path", body, { "x-flag": "false" }), { text: "from-the-path", flag: false, count: 1, more: "kept" });
  });

  test("no body, or an empty one, is an empty object", async () => {
    for (const text of [requestText("POST /shapes", { "content-length": "0" }), requestText("POST /shapes"), requestText("POST /shapes", { "content-type": "application/json", "transfer-encoding": "chunked" }).concat("0\r\n\r\n")]) {
      const answer = await rawRequest(served.port, text);
      assert.deepEqual([answer.status, answer.body], [200, "{}"]);
    }
  });

  test("a body that is no object is refused by the contract", async () => {
    for (const body of ["[]", "1", "null", '"text"', "true"]) {
      for (const line of ["POST /shapes", "PUT /shapes/x", "POST /record"]) {
        const answer = await rawRequest(served.port, requestText(line, {}, body));
        assert.equal(answer.status, 400, `${line} ${body}`);
        assert.equal(answer.headers["content-type"], "application/problem+json");
      }
    }
  });

  test("an input without named fields is the whole body", async () => {
    assert.deepEqual(await send("POST /record", { a: 1, b: 2 }), { a: 1, b: 2 });
  });

  test("a DELETE has its fields in the URL, and its body is not looked at", async () => {
    const answer = await rawRequest(served.port, requestText("DELETE /shapes/x?count=2&tags=a", {}, '{"count":9'));
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { text: "x", count: 2, tags: ["a"] }]);
  });

  test("an operation without input gets none, whatever is sent", async () => {
    assert.deepEqual(await get("/nothing?a=1"), { input: "none" });
    const answer = await rawRequest(served.port, requestText("POST /act", { "content-type": "text/plain" }, "not JSON"));
    assert.deepEqual([answer.status, answer.headers["content-length"], answer.body], [204, undefined, ""]);
  });

  test("the status is the contract's: 200, 204 without an output, or what it names", async () => {
    const created = await rawRequest(served.port, requestText("POST /created", {}, '{"name":"a"}'));
    assert.deepEqual([created.status, created.body], [201, '{"name":"a"}']);
    const accepted = await rawRequest(served.port, requestText("POST /accepted"));
    assert.deepEqual([accepted.status, accepted.headers["content-length"], accepted.body], [202, "0", ""]);
  });

  test("an output that is left out is null in JSON", async () => {
    assert.equal(await get("/maybe"), null);
  });

  test("a path that is not encoded properly is refused as such, for every method", async () => {
    for (const line of ["GET /shapes/%/1/true", "GET /shapes/%zz/1/true", "GET /shapes/%c3%28/1/true", "PUT /shapes/%ff", "PATCH /nowhere/%e0%a4", "OPTIONS /%", "HEAD /%"]) {
      const answer = await rawRequest(served.port, requestText(line));
      assert.equal(answer.status, 400, line);
    }
    assert.equal((await rawRequest(served.port, requestText("GET /shapes/%20/nowhere"))).status, 404);
  });

  test("a target is a path, a URL, or * for OPTIONS; whatever else it is, it is refused", async () => {
    assert.deepEqual(await get("http://elsewhere.example:81/shapes?count=1"), { count: 1 });
    assert.equal((await rawRequest(served.port, requestText("OPTIONS *"))).status, 204);
    for (const target of ["*", "shapes", "/shapes#x", "ftp://host/shapes", "http:///shapes", "?count=1"]) {
      assert.equal((await rawRequest(served.port, requestText(`GET ${target}`))).status, 400, target);
    }
    for (const target of ["//shapes", "//evil.example/shapes", "/shapes/", "/Shapes", "/./shapes", "/x/../shapes"]) {
      assert.equal((await rawRequest(served.port, requestText(`GET ${target}`))).status, 404, target);
    }
  });

  test("nothing of all this is a bug", () => {
    assert.deepEqual(served.bugs, []);
  });
});
