import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { contract, query, command } from "../../src/contract/index.ts";
import { mount, service } from "../../src/service/index.ts";
import { rawRequest, requestText } from "./raw-connection.ts";
import { Served } from "./served.ts";

const things = contract("things", {
  get: query({ http: "GET /things", access: "public", output: z.object({}) }),
  make: command({ http: "POST /things", access: "public", input: z.object({ name: z.string() }) }),
  bug: query({ http: "GET /bug", access: "public", output: z.object({}) }),
});
const thingsService = service(things, {
  handlers: {
    get: () => ({}),
    make: () => undefined,
    bug: () => { throw new RangeError("a bug"); },
  },
});
const services = [thingsService];
const shop = "https://shop.example";
const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "content-type, idempotency-key" };

describe("pages of other origins", () => {
  test("are not let in unless they are named", async () => {
    await using served = await Served.open({ services });
    const answer = await rawRequest(served.port, requestText("GET /things", { origin: shop }));
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
    assert.equal(answer.headers["vary"], undefined);
    const asked = await rawRequest(served.port, requestText("OPTIONS /things", { origin: shop, ...preflight }));
    assert.deepEqual([asked.status, asked.headers["access-control-allow-origin"], asked.headers["allow"]], [204, undefined, "GET, POST, HEAD, OPTIONS"]);
  });

  test("that are named may read answers, failures included, and caches keep origins apart", async () => {
    await using served = await Served.open({ services, corsOrigins: [shop, "https://admin.example"] });
    for (const path of ["/things", "/nowhere", "/bug", "/%zz"]) {
      const { headers } = await rawRequest(served.port, requestText(`GET ${path}`, { origin: shop }));
      assert.equal(headers["access-control-allow-origin"], shop, path);
      assert.match(headers["access-control-expose-headers"] ?? "", /etag.*retry-after.*x-request-id/);
      assert.equal(headers["vary"], "origin");
    }
    for (const origin of ["https://evil.example", "null", "https://shop.example.evil", "HTTPS://SHOP.EXAMPLE", `${shop}, https://evil.example`]) {
      const { headers, status } = await rawRequest(served.port, requestText("GET /things", { origin }));
      assert.deepEqual([status, headers["access-control-allow-origin"], headers["vary"]], [200, undefined, "origin"], origin);
    }
    const none = await rawRequest(served.port, requestText("GET /things"));
    assert.deepEqual([none.headers["access-control-allow-origin"], none.headers["vary"]], [undefined, "origin"]);
  });

  test("are told before what they may send", async () => {
    await using served = await Served.open({ services, corsOrigins: [shop] });
    const { headers, status } = await rawRequest(served.port, requestText("OPTIONS /things", { origin: shop, ...preflight }));
    assert.equal(status, 204);
    assert.equal(headers["access-control-allow-origin"], shop);
    assert.equal(headers["access-control-allow-methods"], "GET, POST, HEAD, OPTIONS");
    assert.equal(headers["access-control-allow-headers"], "content-type, idempotency-key");
    assert.equal(headers["access-control-max-age"], "7200");
    assert.equal(headers["access-control-allow-credentials"], undefined);
    const denied = await rawRequest(served.port, requestText("OPTIONS /things", { origin: "https://evil.example", ...preflight }));
    assert.deepEqual([denied.status, denied.headers["access-control-allow-origin"]], [204, undefined]);
    assert.equal((await rawRequest(served.port, requestText("OPTIONS /nowhere", { origin: shop, ...preflight }))).status, 404);
  });

  test("may be any", async () => {
    await using served = await Served.open({ services, corsOrigins: ["*"] });
    const { headers } = await rawRequest(served.port, requestText("GET /things", { origin: shop }));
    assert.deepEqual([headers["access-control-allow-origin"], headers["vary"]], ["*", undefined]);
    assert.equal((await rawRequest(served.port, requestText("GET /things"))).headers["access-control-allow-origin"], undefined);
  });

  test("a mount keeps a policy of its own", async () => {
    const own = mount("/own", () => new Response("", { headers: { "access-control-allow-origin": "https://other.example", vary: "origin" } }));
    const plain = mount("/plain", () => new Response(""));
    await using served = await Served.open({ mounts: [own, plain], corsOrigins: [shop] });
    assert.equal((await rawRequest(served.port, requestText("GET /own", { origin: shop }))).headers["access-control-allow-origin"], "https://other.example");
    assert.equal((await rawRequest(served.port, requestText("GET /plain", { origin: shop }))).headers["access-control-allow-origin"], shop);
  });
});
