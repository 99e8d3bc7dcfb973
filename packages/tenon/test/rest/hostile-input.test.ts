import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import * as z from "zod";
import { command, contract, query } from "../../src/contract/index.ts";
import { service } from "../../src/service/index.ts";
import { type RawAnswer, RawConnection, rawRequest, requestText } from "./raw-connection.ts";
import { Served } from "./served.ts";

const Line = z.object({ sku: z.string().min(1).max(64), quantity: z.int().min(1).max(1_000), price: z.number(), giftWrap: z.boolean().default(false) });
const rich = contract("rich", {
  place: command({
    http: "POST /orders",
    access: "public",
    input: z.object({
      id: z.uuid(),
      email: z.email(),
      at: z.iso.datetime(),
      kind: z.enum(["standard", "express"]),
      lines: z.array(Line).min(1).max(10),
      address: z.object({ street: z.string(), country: z.string().length(2) }).optional(),
      tags: z.record(z.string(), z.number()).optional(),
      payment: z.discriminatedUnion("by", [z.object({ by: z.literal("card"), last4: z.string().regex(/^\d{4}$/) }), z.object({ by: z.literal("invoice"), days: z.int() })]),
      pair: z.tuple([z.string(), z.number()]).optional(),
      nothing: z.null().optional(),
    }),
    output: z.any(),
  }),
  open: command({ http: "POST /open", access: "public", input: z.looseObject({ a: z.any().optional() }), output: z.any() }),
  find: query({ http: "GET /orders/{id}", access: "public", input: z.object({ id: z.uuid(), limit: z.int().max(100).optional(), deep: z.boolean().optional(), tags: z.array(z.enum(["a", "b"])).optional() }), output: z.any() }),
});

const handled: unknown[] = [];
const services = [
  service(rich, {
    handlers: {
      place: ({ input }) => {
        handled.push(input);
        return input;
      },
      open: ({ input }) => {
        handled.push(input);
        return input;
      },
      find: ({ input }) => input,
    },
  }),
];

const valid = {
  id: "6f1c2a9e-4b7d-4c00-9a51-0c8f3e7d2b00",
  email: "a@example.com",
  at: "2026-05-10T09:30:00Z",
  kind: "standard",
  lines: [{ sku: "x", quantity: 1, price: 1.5 }],
  payment: { by: "card", last4: "1234" },
};

describe("hostile input", () => {
  let served: Served;
  before(async () => {
    served = await Served.open({ services });
  });
  after(() => {
    assert.deepEqual(served.bugs, []);
    return served.stop();
  });

  const post = (path: string, body: string | Uint8Array): Promise<RawAnswer> => {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    return rawRequest(served.port, requestText(`POST ${path}`, { "content-type": "application/json", "content-length": String(bytes.length) }), bytes);
  };

  function assertRefused(answer: RawAnswer, what: string, status = 400): void {
    assert.deepEqual([answer.status, answer.headers["content-type"]], [status, "application/problem+json"], what);
    assert.equal(answer.body.length < 20_000, true, "an answer must not outgrow its question");
  }

  test("text that is not JSON is refused with the place where it stops to be, and is not repeated", async () => {
    const broken = ["{", "}", '{"a":}', "[1,]", "{'a':1}", '{"a":1}x', "nul", "NaN", "Infinity", "01", "1.", "+1", '"a\nb"', '"\\x"', "\u0000", "{a:1}", "/**/{}", "undefined", '{"a":1,}', '"\\ud8"'];
    for (const text of broken) assertRefused(await post("/open", text), text);
    const { body } = await post("/open", '{"password":"hunter2" "x"}');
    assert.match(body, /stops making sense at character 22/);
    assert.equal((await post("/open", '{"password":hunter2}')).body.includes("hunter2"), false);
  });

  test("deep nesting is refused, not followed", async () => {
    for (const depth of [100, 100_000, 500_000]) {
      for (const [path, text] of [
        ["/open", "[".repeat(depth)],
        ["/open", `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`],
        ["/orders", `{"lines":${"[".repeat(depth)}${"]".repeat(depth)}}`],
        ["/orders", `${'{"lines":'.repeat(depth / 10)}1${"}".repeat(depth / 10)}`],
      ] as const) {
        assertRefused(await post(path, text), `${path} ${depth}`);
      }
    }
    const fitting = `{"a":${"[".repeat(60)}${"]".repeat(60)}}`;
    assert.equal((await post("/open", fitting)).status, 200);
  });

  test("names that mean something to the language reach no handler and change no prototype", async () => {
    for (const name of ["__proto__", "\\u005f_proto__", "__pr\\u006fto__", "\\u005F\\u005Fproto\\u005f\\u005f"]) {
      for (const text of [`{"${name}":{"isAdmin":true}}`, `{"a":{"${name}":{"isAdmin":true}}}`, `{"a":[[{"${name}":1}]]}`]) {
        assertRefused(await post("/open", text), text);
        assert.equal(({} as Record<string, unknown>)["isAdmin"], undefined);
      }
    }
    const before = handled.length;
    const answer = await post("/orders", JSON.stringify({ ...valid, constructor: { prototype: { isAdmin: true } }, toString: 1, hasOwnProperty: 1 }));
    assert.equal(answer.status, 200, answer.body);
    assert.deepEqual(Object.keys(handled[before] as object), Object.keys(valid));
    assert.equal(({} as Record<string, unknown>)["isAdmin"], undefined);
    assert.equal((await post("/open", '{"a":"__proto__","b":"\\u005f_proto__"}')).status, 200);
    assert.equal((await post("/open", '{"constructor":{"prototype":{"isAdmin":true}}}')).status, 200);
    assert.equal(({} as Record<string, unknown>)["isAdmin"], undefined);
  });

  test("of two fields with one name the last one counts, for everybody behind", async () => {
    const answer = await post("/orders", `{"kind":"express",${JSON.stringify(valid).slice(1)}`);
    assert.equal((JSON.parse(answer.body) as typeof valid).kind, "standard");
  });

  test("numbers that no number can hold are refused where a number is wanted", async () => {
    for (const price of ["1e400", "-1e400", "9".repeat(400), `1${"0".repeat(5_000)}`, "1e99999999999"]) {
      assertRefused(await post("/orders", JSON.stringify(valid).replace("1.5", price)), price);
    }
    for (const quantity of ["1e1000", "9007199254740993", "0.1", "-0.5", "1e-400"]) {
      assertRefused(await post("/orders", JSON.stringify(valid).replace('"quantity":1', `"quantity":${quantity}`)), quantity);
    }
  });

  test("bytes that are not UTF-8 are refused; a byte order mark is overlooked", async () => {
    for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xfe, 0xff, 0, 0x7b]]) {
      assertRefused(await post("/open", Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])), String(bytes));
    }
    assertRefused(await post("/open", Buffer.from('{"a":1}', "utf16le")), "UTF-16");
    assert.equal((await post("/open", Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"a":1}')]))).body, '{"a":1}');
    assertRefused(await post("/open", Buffer.from([0xef, 0xbb, 0xbf])), "nothing but the mark");
  });

  test("half a character, a null and long text come through or are refused by the contract", async () => {
    for (const text of ["\\ud800", "\\udc00\\ud800", "\\u0000", "a\\u0000b"]) {
      const answer = await post("/open", `{"a":"${text}"}`);
      assert.equal(answer.status, 200);
      assert.deepEqual(JSON.parse(answer.body), JSON.parse(`{"a":"${text}"}`));
    }
    assertRefused(await post("/orders", JSON.stringify({ ...valid, email: "a".repeat(900_000) })), "a long email");
    assertRefused(await post("/orders", JSON.stringify({ ...valid, lines: Array.from({ length: 300_000 }, () => 1) })), "a long list");
    assertRefused(await post("/orders", JSON.stringify({ ...valid, email: `${"a.".repeat(400_000)}@` })), "an email that a careless pattern would chew on for ever");
    const names = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, n]));
    assert.equal((await post("/orders", JSON.stringify({ ...names, ...valid }))).status, 200);
  });

  test("a field of any wrong type is refused, each by name", async () => {
    const wrongs: readonly unknown[] = [null, true, 0, -1, 1.5, "", "x", [], [1], {}, { a: 1 }, "__proto__", [[[]]]];
    for (const field of Object.keys(valid)) {
      for (const wrong of wrongs) {
        const answer = await post("/orders", JSON.stringify({ ...valid, [field]: wrong }));
        assertRefused(answer, `${field}: ${JSON.stringify(wrong)}`);
        const { errors } = JSON.parse(answer.body) as { errors: { path: string }[] };
        assert.equal(errors.every((each) => each.path.startsWith(`/${field}`)), true);
      }
    }
  });

  test("no JSON at all makes more than a refusal of it", async () => {
    using connection = await RawConnection.open(served.port);
    const near = fc.record(
      {
        id: fc.oneof(fc.uuid(), fc.jsonValue()),
        email: fc.oneof(fc.emailAddress(), fc.jsonValue()),
        at: fc.oneof(fc.constant(valid.at), fc.jsonValue()),
        kind: fc.oneof(fc.constantFrom("standard", "express"), fc.jsonValue()),
        lines: fc.oneof(fc.array(fc.record({ sku: fc.string(), quantity: fc.oneof(fc.integer(), fc.double()), price: fc.double({ noNaN: true }) })), fc.jsonValue()),
        payment: fc.oneof(fc.constant(valid.payment), fc.jsonValue()),
        address: fc.jsonValue(),
        tags: fc.dictionary(fc.string(), fc.jsonValue()),
        pair: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("/orders", "/open"), fc.oneof(near, fc.jsonValue({ maxDepth: 6 })), async (path, value) => {
        const bytes = Buffer.from(JSON.stringify(value));
        connection.write(requestText(`POST ${path}`, { "content-type": "application/json", "content-length": String(bytes.length) }), bytes);
        const answer = await connection.answer();
        assert.equal(answer.status === 200 || answer.status === 400, true, answer.body);
        assert.equal(answer.headers["content-type"], answer.status === 200 ? "application/json" : "application/problem+json");
        JSON.parse(answer.body);
      }),
      { numRuns: 300 },
    );
  });

  test("no bytes at all as a body make more than a refusal of them", async () => {
    using connection = await RawConnection.open(served.port);
    const json = Buffer.from(JSON.stringify(valid));
    const damaged = fc.tuple(fc.nat(json.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, bytes]) => Buffer.concat([json.subarray(0, at), bytes, json.subarray(at + 1)]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
        connection.write(requestText("POST /orders", { "content-type": "application/json", "content-length": String(bytes.length) }), bytes);
        const answer = await connection.answer();
        assert.equal(answer.status === 200 || answer.status === 400, true, answer.body);
      }),
      { numRuns: 300 },
    );
  });

  test("no URL at all makes more than a refusal of it", async () => {
    using connection = await RawConnection.open(served.port);
    const part = fc.oneof(fc.webPath(), fc.webQueryParameters(), fc.string({ unit: "binary-ascii" }), fc.constantFrom("%", "%00", "%ff", "..", "//", ";", "?", "&", "=", "id[]=", "tags=", "limit=", "/orders/", "__proto__"));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
        // What a request line cannot carry at all is another test's.
        const target = `/orders/${parts.join("")}`.replaceAll(/[^\x21-\x7e]/g, "");
        connection.write(requestText(`GET ${target}`));
        const answer = await connection.answer();
        assert.equal([200, 400, 404, 405].includes(answer.status), true, `${target} ${answer.body}`);
      }),
      { numRuns: 150 },
    );
  });

  test("no header at all makes more than a refusal of it", async () => {
    const names = ["accept", "if-none-match", "authorization", "idempotency-key", "request-timeout-ms", "origin", "content-type", "content-encoding", "x-request-id", "range", "te", "cookie", "expect", "constructor", "__proto__", "toString"];
    const value = fc.oneof(fc.string({ unit: "binary-ascii" }), fc.string({ unit: "binary" }), fc.constantFrom("*/*;q=2", ",,,", ";;;", "a/b;q=", "/", "*", "W/", '"', "Bearer", "=", "-1", "1e9"));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), value, async (name, text) => {
        const clean = Buffer.from(Buffer.from(text).filter((byte) => byte === 9 || (byte >= 32 && byte !== 127))).toString("latin1");
        const answer = await rawRequest(served.port, requestText("POST /open", { [name]: clean }, '{"a":1}'));
        assert.equal(answer.status < 500, true, `${name}: ${clean} ${answer.status}`);
      }),
      { numRuns: 300 },
    );
  });
});
