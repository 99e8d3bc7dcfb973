/** The client against a real server that speaks the wire format: what it sends, what it gives, what it repeats. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "../../src/client/index.ts";
import { outcome } from "../../src/contract/index.ts";
import { DeclaredFault, Fault } from "../../src/kernel/index.ts";
import { shop } from "./shop-contract.ts";
import { hangUp, json, problem, WireServer } from "./wire-server.ts";

const order = { id: "o1", sku: "tea", count: 2 };

function isFault(code: string): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof Fault, `a Fault, not ${String(thrown)}`);
    assert.equal(thrown.code, code);
    return true;
  };
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("what a call sends", () => {
  test("a path parameter is one segment, whatever is in it", async () => {
    await using wire = await WireServer.open(json(order));
    const orders = client(shop, { url: `${wire.url}/` });
    assert.deepEqual(await orders.get({ id: "a/b?c d%2e" }), order);
    assert.equal(wire.last.target, "/orders/a%2Fb%3Fc%20d%252e");
    assert.equal(wire.last.method, "GET");
    assert.equal(wire.last.headers["accept"], "application/json");
    assert.equal(wire.last.headers["content-type"], undefined);
  });

  test("a path parameter that a URL would swallow is refused and not sent", async () => {
    await using wire = await WireServer.open(json(order));
    const orders = client(shop, { url: wire.url });
    for (const id of ["", ".", "..", "\ud800"]) await assert.rejects(orders.get({ id }), isFault("invalid_argument"));
    assert.equal(wire.seen.length, 0);
  });

  test("lists are repeated in the query and joined in a header; what is left out is not sent", async () => {
    await using wire = await WireServer.open(json([]));
    await client(shop, { url: wire.url }).find({ text: "a&b c", tag: ["x", "y"], open: false, language: "de", marks: ["m", "n"] });
    assert.equal(wire.last.target, "/orders?text=a%26b+c&tag=x&tag=y&open=false");
    assert.equal(wire.last.headers["accept-language"], "de");
    assert.equal(wire.last.headers["x-tags"], "m, n");
    await client(shop, { url: wire.url }).find();
    assert.equal(wire.last.target, "/orders");
  });

  test("a header that cannot carry its value is refused", async () => {
    await using wire = await WireServer.open(json([]));
    const orders = client(shop, { url: wire.url });
    await assert.rejects(orders.find({ language: "de\nx-evil: 1" }), isFault("invalid_argument"));
    await assert.rejects(orders.find({ marks: ["a,b"] }), isFault("invalid_argument"));
    await assert.rejects(orders.remove({ id: "o1" }, { idempotencyKey: "ключ" }), isFault("invalid_argument"));
    assert.equal(wire.seen.length, 0);
  });

  test("a value that has no text of its own is refused", async () => {
    await using wire = await WireServer.open(json([]));
    const orders = client(shop, { url: wire.url });
    await assert.rejects(orders.get({ id: { $ne: "" } as unknown as string }), isFault("invalid_argument"));
    await assert.rejects(orders.find({ tag: [{}] as unknown as string[] }), isFault("invalid_argument"));
    await assert.rejects(orders.place({ sku: "tea", count: 1n as unknown as number }), isFault("invalid_argument"));
    assert.equal(wire.seen.length, 0);
  });

  test("a body has the fields that travel nowhere else, null included", async () => {
    await using wire = await WireServer.open(json(order));
    const orders = client(shop, { url: wire.url });
    await orders.place({ sku: "tea", count: 2, note: null });
    assert.deepEqual(JSON.parse(wire.last.body.toString()), { sku: "tea", count: 2, note: null });
    assert.equal(wire.last.headers["content-type"], "application/json");
    await orders.rename({ id: "o1", note: "x" });
    assert.deepEqual(JSON.parse(wire.last.body.toString()), { note: "x" });
    assert.equal(wire.last.target, "/orders/o1");
  });

  test("a path of the app's URL stays in front", async () => {
    await using wire = await WireServer.open(json({ ok: true }));
    assert.deepEqual(await client(shop, { url: `${wire.url}/api/v1` }).ping(), { ok: true });
    assert.equal(wire.last.target, "/api/v1/ping");
  });

  test("every command has an idempotency key of its own, a query has none", async () => {
    await using wire = await WireServer.open(json(order));
    const orders = client(shop, { url: wire.url });
    await orders.place({ sku: "tea", count: 1 });
    await orders.place({ sku: "tea", count: 1 });
    await orders.place({ sku: "tea", count: 1 }, { idempotencyKey: "mine" });
    await orders.get({ id: "o1" });
    const keys = wire.seen.map((seen) => seen.headers["idempotency-key"]);
    assert.match(String(keys[0]), /^[0-9a-f]{32}$/);
    assert.notEqual(keys[0], keys[1]);
    assert.deepEqual(keys.slice(2), ["mine", undefined]);
  });

  test("what is left of the time travels along: the call's, the client's or the contract's", async () => {
    await using wire = await WireServer.open(json(order));
    await client(shop, { url: wire.url }).place({ sku: "tea", count: 1 });
    await client(shop, { url: wire.url, timeoutMs: 900 }).place({ sku: "tea", count: 1 });
    await client(shop, { url: wire.url, timeoutMs: 900 }).place({ sku: "tea", count: 1 }, { timeoutMs: 300 });
    await client(shop, { url: wire.url, timeoutMs: Number.POSITIVE_INFINITY }).place({ sku: "tea", count: 1 });
    const sent = wire.seen.map((seen) => Number(seen.headers["request-timeout-ms"]));
    for (const [index, limit] of [2_000, 900, 300, 99_999_999].entries()) {
      assert.ok((sent[index] ?? 0) <= limit && (sent[index] ?? 0) > limit - 200, `${sent[index]} of ${limit}`);
    }
  });

  test("a token is sent as bearer; one that is asked for is asked for at each call; none is none", async () => {
    await using wire = await WireServer.open(json({ ok: true }));
    let asked = 0;
    const fresh = client(shop, { url: wire.url, token: async () => `fresh-${(asked += 1)}` });
    await fresh.ping();
    await fresh.ping();
    await fresh.ping(undefined, { token: "other" });
    await client(shop, { url: wire.url, token: () => undefined }).ping();
    const tokens = wire.seen.map((seen) => seen.headers["authorization"]);
    assert.deepEqual(tokens, ["Bearer fresh-1", "Bearer fresh-2", "Bearer other", undefined]);
  });

  test("a call without a token that it should have had is not made", async () => {
    await using wire = await WireServer.open(json({ ok: true }));
    const lost = client(shop, { url: wire.url, token: () => Promise.reject(new RangeError("no session")) });
    await assert.rejects(lost.ping(), (thrown) => isFault("unauthenticated")(thrown) && (thrown as Fault).cause instanceof RangeError);
    assert.equal(wire.seen.length, 0);
  });
});

describe("what a call gets", () => {
  test("an operation without an output gives nothing", async () => {
    await using wire = await WireServer.open((response) => void response.writeHead(204).end());
    assert.equal(await client(shop, { url: wire.url }).remove({ id: "o1" }), undefined);
  });

  test("a declared failure has its name, its data and its status", async () => {
    const details = [{ path: "/sku", message: "sold out" }];
    await using wire = await WireServer.open(problem(409, { code: "OutOfStock", detail: "no more tea", data: { sku: "tea", left: 0 }, call: "c1", errors: details }));
    const placed = await outcome(client(shop, { url: wire.url }).place({ sku: "tea", count: 1 }));
    assert.ok(!placed.ok && placed.fault.reason === "OutOfStock");
    assert.deepEqual(placed.fault.data, { sku: "tea", left: 0 });
    assert.equal(placed.fault.status, 409);
    assert.equal(placed.fault.message, "no more tea");
    assert.equal(placed.fault.operation, "shop.place");
    assert.equal(placed.fault.facts["call"], "c1");
    assert.deepEqual(placed.fault.details, details);
    assert.equal(wire.seen.length, 1, "an answer is not asked for again");
  });

  test("a declared failure that says nothing has the contract's message", async () => {
    await using wire = await WireServer.open(problem(404, { code: "NotFound", title: "NotFound" }));
    await assert.rejects(client(shop, { url: wire.url }).get({ id: "o1" }), (thrown) => {
      assert.ok(thrown instanceof DeclaredFault);
      assert.equal(thrown.message, "there is no such order");
      assert.equal(thrown.data, undefined);
      return true;
    });
  });

  test("a failure that the contract does not declare is thrown, also by outcome", async () => {
    await using wire = await WireServer.open(problem(403, { code: "permission_denied", title: "The caller may not do this" }));
    await assert.rejects(outcome(client(shop, { url: wire.url }).place({ sku: "tea", count: 1 })), isFault("permission_denied"));
  });

  test("a name from a newer contract is what its status means, and no declared failure", async () => {
    await using wire = await WireServer.open(problem(409, { code: "Embargo", data: {} }));
    await assert.rejects(client(shop, { url: wire.url }).place({ sku: "tea", count: 1 }), (thrown) => {
      return isFault("conflict")(thrown) && !(thrown instanceof DeclaredFault);
    });
  });

  test("an error page of something in between is a fault of its status", async () => {
    const page = (status: number) => (response: ServerResponse) => void response.writeHead(status, { "content-type": "text/html" }).end("<h1>no</h1>");
    for (const [status, code] of [[404, "not_found"], [413, "payload_too_large"], [502, "unavailable"], [500, "internal"]] as const) {
      await using wire = await WireServer.open(page(status));
      await assert.rejects(client(shop, { url: wire.url, retries: 0 }).get({ id: "o1" }), isFault(code));
    }
  });

  test("a page instead of JSON, broken JSON and a redirect are told as what they are", async () => {
    await using html = await WireServer.open((response) => void response.writeHead(200, { "content-type": "text/html" }).end("<h1>log in</h1>"));
    await assert.rejects(client(shop, { url: html.url }).ping(), /answered with text\/html instead of JSON/);
    await using broken = await WireServer.open((response) => void response.writeHead(200, { "content-type": "application/json" }).end('{"ok":'));
    await assert.rejects(client(shop, { url: broken.url }).ping(), isFault("internal"));
    await using moved = await WireServer.open((response) => void response.writeHead(307, { location: "https://elsewhere.example/" }).end());
    await assert.rejects(client(shop, { url: moved.url }).ping(), /redirect to https:\/\/elsewhere\.example\//);
    assert.equal(html.seen.length + broken.seen.length + moved.seen.length, 3, "none of them is worth a second try");
  });

  test("a hostile problem does not break the reader", async () => {
    await using wire = await WireServer.open(problem(400, { code: "__proto__", title: 7, detail: {}, errors: [null, { path: 1 }, { path: "/a", message: "b" }], call: {} }));
    await assert.rejects(client(shop, { url: wire.url }).ping(), (thrown) => {
      assert.deepEqual((thrown as Fault).details, [{ path: "/a", message: "b" }]);
      return isFault("invalid_argument")(thrown);
    });
  });

  test("an operation without a route says that only services call it", async () => {
    await assert.rejects(client(shop, { url: "http://127.0.0.1:1" }).settle({ id: "o1" }), /shop\.settle has no route/);
  });
});

describe("what is repeated", () => {
  test("an overload, after the time that the service asks for, with the same key", async () => {
    await using wire = await WireServer.open(problem(503, { code: "overloaded" }, { "retry-after": "1" }), json(order));
    const startMs = performance.now();
    assert.deepEqual(await client(shop, { url: wire.url }).place({ sku: "tea", count: 1 }), order);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 990 && tookMs < 1_900, `${tookMs} ms`);
    assert.equal(wire.seen.length, 2);
    assert.equal(wire.seen[0]?.headers["idempotency-key"], wire.seen[1]?.headers["idempotency-key"]);
    assert.deepEqual(wire.seen[0]?.body, wire.seen[1]?.body);
    assert.ok(Number(wire.seen[1]?.headers["request-timeout-ms"]) <= 1_010, "the wait is spent from the call's time");
  });

  test("a connection that breaks before the answer, and one that breaks within it", async () => {
    await using wire = await WireServer.open(
      hangUp,
      (response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write('{"id":');
        setImmediate(() => response.destroy());
      },
      json(order),
    );
    assert.deepEqual(await client(shop, { url: wire.url }).place({ sku: "tea", count: 1 }), order);
    assert.equal(new Set(wire.seen.map((seen) => seen.headers["idempotency-key"])).size, 1);
    assert.equal(wire.seen.length, 3);
  });

  test("as often as the client is told, and no more", async () => {
    await using wire = await WireServer.open(problem(503, { code: "unavailable" }));
    await assert.rejects(client(shop, { url: wire.url }).get({ id: "o1" }), isFault("unavailable"));
    assert.equal(wire.seen.length, 3);
    await assert.rejects(client(shop, { url: wire.url, retries: 0 }).get({ id: "o1" }), isFault("unavailable"));
    assert.equal(wire.seen.length, 4);
  });

  test("nothing that would fail again", async () => {
    for (const [status, code] of [[400, "invalid_argument"], [401, "unauthenticated"], [409, "conflict"], [500, "internal"]] as const) {
      await using wire = await WireServer.open(problem(status, { code }));
      await assert.rejects(client(shop, { url: wire.url }).place({ sku: "tea", count: 1 }), isFault(code));
      assert.equal(wire.seen.length, 1, code);
    }
  });

  test("nothing when the wait would outlast the call", async () => {
    await using wire = await WireServer.open(problem(429, { code: "rate_limited" }, { "retry-after": "30" }));
    const startMs = performance.now();
    await assert.rejects(client(shop, { url: wire.url }).place({ sku: "tea", count: 1 }), (thrown) => {
      return isFault("rate_limited")(thrown) && (thrown as Fault).retryAfterS === 30;
    });
    assert.ok(performance.now() - startMs < 500);
  });

  test("retry-after may be a date", async () => {
    const soon = new Date(Date.now() + 60_000).toUTCString();
    await using wire = await WireServer.open(problem(429, { code: "rate_limited" }, { "retry-after": soon }));
    await assert.rejects(client(shop, { url: wire.url }).ping(), (thrown) => {
      const seconds = (thrown as Fault).retryAfterS ?? 0;
      return seconds > 50 && seconds <= 61;
    });
  });
});

describe("how a call ends early", () => {
  test("when its time is up, and the service sees the connection close", async () => {
    const closed = Promise.withResolvers<void>();
    await using wire = await WireServer.open((response) => void response.on("close", () => closed.resolve()));
    await assert.rejects(client(shop, { url: wire.url }).ping(undefined, { timeoutMs: 60 }), isFault("deadline_exceeded"));
    await closed.promise;
    assert.equal(wire.seen.length, 1);
  });

  test("when its caller aborts: before, during, and between two attempts", async () => {
    await using wire = await WireServer.open((response) => void setTimeout(() => response.end(), 5_000).unref());
    const orders = client(shop, { url: wire.url });
    await assert.rejects(orders.ping(undefined, { signal: AbortSignal.abort("why") }), (thrown) => {
      return isFault("canceled")(thrown) && (thrown as Fault).cause === "why";
    });
    assert.equal(wire.seen.length, 0);
    const during = new AbortController();
    setTimeout(() => during.abort(), 40);
    await assert.rejects(orders.ping(undefined, { signal: during.signal }), isFault("canceled"));

    await using busy = await WireServer.open(problem(503, { code: "overloaded" }, { "retry-after": "5" }));
    const between = new AbortController();
    setTimeout(() => between.abort(), 100);
    await assert.rejects(client(shop, { url: busy.url }).ping(undefined, { signal: between.signal }), isFault("canceled"));
    assert.equal(busy.seen.length, 1);
  });

  test("a signal that outlives many calls gathers no listeners", async () => {
    await using wire = await WireServer.open(json({ ok: true }));
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...rest: Parameters<typeof add>) => {
      listeners += 1;
      add(...rest);
    };
    signal.removeEventListener = (...rest: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...rest);
    };
    for (let count = 0; count < 5; count += 1) await client(shop, { url: wire.url }).ping(undefined, { signal });
    assert.equal(listeners, 0);
  });
});

describe("items as they come", () => {
  test("each item is there before the next is sent, also when a character is cut in two", async () => {
    const go = Promise.withResolvers<void>();
    await using wire = await WireServer.open(async (response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      const bytes = Buffer.from(`${JSON.stringify({ ...order, sku: "Grüntee 🍵" })}\r\n`);
      for (const byte of bytes) response.write(Buffer.of(byte));
      await go.promise;
      response.end(`\n${JSON.stringify(order)}\n${JSON.stringify({ ...order, id: "o3" })}\n`);
    });
    const got: string[] = [];
    for await (const item of await client(shop, { url: wire.url }).watch()) {
      got.push(`${item.id} ${item.sku}`);
      go.resolve();
    }
    assert.deepEqual(got, ["o1 Grüntee 🍵", "o1 tea", "o3 tea"]);
    assert.equal(wire.last.headers["accept"], "application/x-ndjson");
  });

  test("a reader that stops lets go of the connection", async () => {
    const closed = Promise.withResolvers<void>();
    await using wire = await WireServer.open(async (response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.on("close", () => closed.resolve());
      while (!response.closed) {
        response.write(`${JSON.stringify(order)}\n`);
        await sleep(5);
      }
    });
    for await (const item of await client(shop, { url: wire.url }).watch()) {
      assert.equal(item.id, "o1");
      break;
    }
    await closed.promise;
  });

  test("reading may last longer than the call's time, which ends with the beginning of the answer", async () => {
    await using wire = await WireServer.open(async (response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      for (let count = 0; count < 4; count += 1) {
        response.write(`${JSON.stringify(order)}\n`);
        await sleep(60);
      }
      response.end();
    });
    const got = await gather(await client(shop, { url: wire.url }).watch(undefined, { timeoutMs: 100 }));
    assert.equal(got.length, 4);
  });

  test("a stream that breaks off does not pass for a whole one", async () => {
    await using broken = await WireServer.open((response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" }).write(`${JSON.stringify(order)}\n`);
      setTimeout(() => response.destroy(), 30);
    });
    const got: unknown[] = [];
    await assert.rejects(async () => {
      for await (const item of await client(shop, { url: broken.url }).watch()) got.push(item);
    }, isFault("unavailable"));
    assert.equal(got.length, 1);

    await using cut = await WireServer.open((response) => void response.writeHead(200).end(`${JSON.stringify(order)}\n{"id":"o2"`));
    await assert.rejects(async () => gather(await client(shop, { url: cut.url }).watch()), /broke off in the middle of an item/);
  });

  test("the caller's signal ends a stream, and a failure before the first item is an ordinary one", async () => {
    await using wire = await WireServer.open((response) => void response.writeHead(200).write(`${JSON.stringify(order)}\n`));
    const stop = new AbortController();
    await assert.rejects(async () => {
      for await (const _ of await client(shop, { url: wire.url }).watch(undefined, { signal: stop.signal })) stop.abort();
    }, isFault("canceled"));
    await using refused = await WireServer.open(problem(403, { code: "permission_denied" }));
    await assert.rejects(client(shop, { url: refused.url }).watch(), isFault("permission_denied"));
  });
});

describe("bytes", () => {
  test("come in with type, length and name, and stream", async () => {
    await using wire = await WireServer.open((response) => {
      const headers = { "content-type": "image/png", "content-length": "6", "content-disposition": "attachment; filename=x; filename*=UTF-8''%E2%82%AC%2Fr.png" };
      response.writeHead(200, headers).write(Buffer.from("abc"));
      setTimeout(() => response.end(Buffer.from("def")), 20);
    });
    const photo = await client(shop, { url: wire.url }).photo();
    assert.equal(wire.last.headers["accept"], "image/png");
    assert.deepEqual([photo.mediaType, photo.length, photo.fileName], ["image/png", 6, "r.png"]);
    const chunks = await gather(photo.content as AsyncIterable<Uint8Array>);
    assert.equal(Buffer.concat(chunks).toString(), "abcdef");
  });

  test("go out whole, and then are repeatable", async () => {
    await using wire = await WireServer.open(problem(503, { code: "unavailable" }), json({ size: 3 }));
    const content = new TextEncoder().encode("abc");
    const answer = await client(shop, { url: wire.url }).upload({ id: "o1", title: "A & B" }, { body: { mediaType: "image/png", content } });
    assert.deepEqual(answer, { size: 3 });
    assert.equal(wire.last.target, "/photo/o1?title=A+%26+B");
    assert.equal(wire.last.headers["content-type"], "image/png");
    assert.equal(wire.last.body.toString(), "abc");
    assert.equal(wire.seen.length, 2);
  });

  test("go out as they come, and then are sent once", async () => {
    await using wire = await WireServer.open(problem(503, { code: "unavailable" }));
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("ab");
      await sleep(10);
      yield Buffer.from("c");
    }
    const call = client(shop, { url: wire.url }).upload({ id: "o1", title: "t" }, { body: { mediaType: "image/png", content: content() } });
    await assert.rejects(call, isFault("unavailable"));
    assert.equal(wire.last.body.toString(), "abc");
    assert.equal(wire.seen.length, 1);
  });

  test("that are missing, or too many, are refused before anything is sent", async () => {
    await using wire = await WireServer.open(json({ size: 0 }));
    const orders = client(shop, { url: wire.url });
    await assert.rejects(orders.upload({ id: "o1", title: "t" }), /takes a body of bytes/);
    await assert.rejects(orders.ping(undefined, { body: { mediaType: "a/b", content: new Uint8Array() } }), /takes no body of bytes/);
    assert.equal(wire.seen.length, 0);
  });

  test("an answer of bytes that the caller's signal ends is canceled", async () => {
    await using wire = await WireServer.open((response) => void response.writeHead(200, { "content-type": "image/png" }).write("abc"));
    const stop = new AbortController();
    const photo = await client(shop, { url: wire.url }).photo(undefined, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await assert.rejects(gather(photo.content as AsyncIterable<Uint8Array>), isFault("canceled"));
  });
});
