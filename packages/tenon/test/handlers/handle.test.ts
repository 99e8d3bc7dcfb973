import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { bytes, calledBy, command, contract, outcome, query, stream } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { service } from "../../src/service/index.ts";
import { fake, test as tested } from "../../src/test.ts";

const Item = z.object({ sku: z.string(), price: z.int() });

const catalog = contract("catalog", {
  get: query({ http: "GET /items/{sku}", access: "public", input: z.object({ sku: z.string() }), output: Item, errors: { NotFound: { status: 404, message: "no such item" }, Hidden: { status: 403, data: z.object({ until: z.string() }) } } }),
  list: query({ http: "GET /items", access: "public", output: stream(Item) }),
  picture: query({ http: "GET /items/{sku}/picture", access: "public", input: z.object({ sku: z.string() }), output: bytes({ mediaTypes: ["image/png"] }) }),
  touch: command({ http: "POST /items/{sku}", access: "public", input: z.object({ sku: z.string() }), output: z.object({ key: z.string() }) }),
  secret: query({ access: calledBy("cart"), output: Item }),
});

type CatalogHandlers = Parameters<typeof service<typeof catalog>>[1]["handlers"];

function catalogService(handlers: Partial<CatalogHandlers>): ReturnType<typeof service<typeof catalog>> {
  const none = (): never => {
    throw new Fault("unimplemented", "not in this test");
  };
  return service(catalog, { handlers: { get: none, list: none as never, picture: none, touch: none, secret: none, ...handlers } });
}

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const thrown: unknown = await promise.then(() => undefined, (error: unknown) => error);
  assert.ok(thrown instanceof Fault, String(thrown));
  return thrown;
}

describe("what a handler gives back", () => {
  test("is cut to the contract: a field that the output does not declare never leaves", async () => {
    await using items = tested(catalogService({ get: async () => ({ sku: "a", price: 1, cost: 0.2, supplier: { name: "secret" } }) }));
    assert.deepEqual(await items.get({ sku: "a" }), { sku: "a", price: 1 });
  });

  test("that does not fit the contract is a bug, and tells the caller nothing", async () => {
    await using items = tested(catalogService({ get: async () => ({ sku: "a", price: "12" }) as never }), { logLevel: "error" });
    const fault = await faultOf(items.get({ sku: "a" }));
    assert.equal(fault.code, "internal");
    assert.equal(fault.message, "internal error");
    assert.match(String(fault.cause), /catalog\.get: the output does not fit its contract: \/price/);
  });

  test("may be a declared failure, with its data cut and its own message", async () => {
    await using items = tested(
      catalogService({
        get: ({ fail, input }) => {
          throw input.sku === "hidden" ? fail.Hidden({ until: "tomorrow", by: "ada" } as never, "not yet") : fail.NotFound();
        },
      }),
    );
    const hidden = await outcome(items.get({ sku: "hidden" }));
    assert.ok(!hidden.ok && hidden.fault.reason === "Hidden");
    assert.deepEqual([hidden.fault.status, hidden.fault.data, hidden.fault.message], [403, { until: "tomorrow" }, "not yet"]);
    const missing = await outcome(items.get({ sku: "x" }));
    assert.ok(!missing.ok && missing.fault.reason === "NotFound");
    assert.deepEqual([missing.fault.status, missing.fault.message], [404, "no such item"]);
  });

  test("as a stream is cut item by item, and the handler ends when the reader does", async () => {
    let ended = false;
    await using items = tested(
      catalogService({
        async *list() {
          try {
            for (let price = 1; ; price += 1) yield { sku: "a", price, cost: 7 };
          } finally {
            ended = true;
          }
        },
      }),
    );
    const seen: unknown[] = [];
    for await (const item of await items.list()) {
      seen.push(item);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, [{ sku: "a", price: 1 }, { sku: "a", price: 2 }]);
    assert.equal(ended, true);
  });

  test("as a stream that fails before its first item fails the call", async () => {
    await using items = tested(
      catalogService({
        // oxlint-disable-next-line require-yield -- it fails before it could
        async *list() {
          throw new Fault("unavailable", "the shelf is out of reach");
        },
      }),
    );
    assert.equal((await faultOf(items.list() as Promise<unknown>)).code, "unavailable");
  });

  test("as bytes keeps its media type, and anything else is a bug", async () => {
    await using items = tested(catalogService({ picture: async ({ input }) => (input.sku === "a" ? { mediaType: "image/png", content: new Uint8Array([1, 2]) } : ("text" as never)) }));
    assert.deepEqual(await items.picture({ sku: "a" }), { mediaType: "image/png", content: new Uint8Array([1, 2]) });
    assert.equal((await faultOf(items.picture({ sku: "b" }))).code, "internal");
  });
});

describe("what a handler throws", () => {
  test("that is no Fault is a bug: internal, with the cause for the log alone", async () => {
    await using items = tested(catalogService({ get: () => Promise.reject(new TypeError("password is hunter2")) }), { logLevel: "error" });
    const fault = await faultOf(items.get({ sku: "a" }));
    assert.deepEqual([fault.code, fault.message, fault.operation], ["internal", "internal error", "catalog.get"]);
    assert.ok(fault.cause instanceof TypeError);
  });
});

const cart = contract("cart", {
  add: command({ http: "POST /cart", access: "signed-in", input: z.object({ sku: z.string() }), output: z.object({ key: z.string(), again: z.string(), who: z.string() }) }),
  price: query({ http: "GET /cart/{sku}", access: "public", input: z.object({ sku: z.string() }), output: z.object({ price: z.int() }) }),
});

const cartService = service(cart, {
  handlers: {
    async add({ call, caller, input }) {
      const first = await call(catalog.touch, { sku: input.sku });
      const second = await call(catalog.touch, { sku: input.sku });
      return { key: first.key, again: second.key, who: caller.subject };
    },
    async price({ call, input }) {
      return input.sku === "secret" ? call(catalog.secret) : call(catalog.get, { sku: input.sku });
    },
  },
});

describe("a call from one service to another", () => {
  const real = catalogService({
    get: async ({ input, fail }) => {
      if (input.sku === "none") throw fail.NotFound();
      if (input.sku === "away") throw new Fault("unavailable", "the warehouse does not answer");
      return { sku: input.sku, price: 3 };
    },
    touch: async ({ idempotencyKey }) => ({ key: idempotencyKey }),
    secret: async () => ({ sku: "s", price: 99 }),
  });

  test("goes through the whole pipeline of the called operation, and may reach what only services may call", async () => {
    await using carts = tested(cartService, { with: [real] });
    assert.deepEqual(await carts.price({ sku: "a" }), { price: 3 });
    assert.deepEqual(await carts.price({ sku: "secret" }), { price: 99 });
    assert.equal((await faultOf(carts.price({ sku: 7 as never }))).code, "invalid_argument");
  });

  test("has a key derived from its caller's key and its place, so a repeated caller repeats the same keys", async () => {
    await using carts = tested(cartService, { with: [real], as: { subject: "ada" } });
    const first = await carts.add({ sku: "a" }, { idempotencyKey: "k1" });
    assert.notEqual(first.key, first.again);
    await using others = tested(cartService, { with: [real], as: { subject: "ada" } });
    assert.deepEqual(await others.add({ sku: "a" }, { idempotencyKey: "k1" }), first);
    assert.notEqual((await carts.add({ sku: "a" }, { idempotencyKey: "k2" })).key, first.key);
    assert.notEqual((await carts.add({ sku: "a" }, { idempotencyKey: "k1", as: { subject: "bob" } })).key, first.key);
    assert.equal(first.who, "ada");
  });

  test("that fails and is let through is a bug of the caller, unless it only says that something is out of reach", async () => {
    await using carts = tested(cartService, { with: [real] });
    assert.equal((await faultOf(carts.price({ sku: "none" }))).code, "internal");
    const away = await faultOf(carts.price({ sku: "away" }));
    assert.deepEqual([away.code, away.message], ["unavailable", "cart.price needs something that failed: unavailable"]);
  });

  test("to a service that is not in the app says what to do; a fake answers in its place", async () => {
    await using alone = tested(cartService);
    const fault = await faultOf(alone.price({ sku: "a" }));
    assert.equal(fault.code, "internal");
    assert.match(String(fault.cause), /add the service "catalog" to its services/);
    await using faked = tested(cartService, { fakes: [fake(catalog.get, async ({ input }) => ({ sku: input.sku, price: 5, extra: 1 }))] });
    assert.deepEqual(await faked.price({ sku: "a" }), { price: 5 });
  });
});
