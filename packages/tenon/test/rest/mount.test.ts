import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { contract, query } from "../../src/contract/index.ts";
import { mount, service } from "../../src/service/index.ts";
import { RawConnection, rawRequest, requestText } from "./raw-connection.ts";
import { Served } from "./served.ts";

const things = contract("things", { get: query({ http: "GET /api/things", access: "public", output: z.object({}) }) });
const services = [service(things, { handlers: { get: () => ({}) } })];

async function tell(request: Request): Promise<Response> {
  return Response.json({ method: request.method, url: request.url, body: await request.text(), header: request.headers.get("x-a") });
}

describe("a mounted handler", () => {
  test("gets what is under its path and nothing else", async () => {
    const named = (name: string) => () => new Response(name);
    await using served = await Served.open({ services, mounts: [mount("/", named("root")), mount("/api", named("api")), mount("/api/deep", named("deep"))] });
    const at = async (path: string): Promise<string> => (await rawRequest(served.port, requestText(`GET ${path}`))).body;
    assert.equal(await at("/api"), "api");
    assert.equal(await at("/api/other?x=1"), "api");
    assert.equal(await at("/api/deep"), "deep");
    assert.equal(await at("/api/deeper"), "api");
    assert.equal(await at("/apis"), "root");
    assert.equal(await at("/"), "root");
    assert.equal(await at("/api/things"), "{}");
    assert.equal((await rawRequest(served.port, requestText("POST /api/things"))).status, 405);
  });

  test("gets method, URL, headers and body, and answers with its own", async () => {
    await using served = await Served.open({ mounts: [mount("/m", tell)] });
    const answer = await rawRequest(served.port, requestText("POST /m/x?y=%20z", { "x-a": "1", host: "shop.example:81" }, "text"));
    assert.deepEqual(JSON.parse(answer.body), { method: "POST", url: "http://shop.example:81/m/x?y=%20z", body: "text", header: "1" });
    const absolute = await rawRequest(served.port, requestText("PROPFIND http://other.example/m"));
    assert.deepEqual(JSON.parse(absolute.body), { method: "PROPFIND", url: "http://other.example/m", body: "", header: null });
    assert.equal((await rawRequest(served.port, requestText("OPTIONS /m/x"))).status, 200);
  });

  test("a Host header that is none, or a path that leaves its place, is the caller's mistake", async () => {
    await using served = await Served.open({ mounts: [mount("/m", tell)] });
    for (const host of ["a b", "a/b", "a?b", "a#b", "user@host", "[::1", "a:b:c", "a:99999", "a\\b", "<x>", "a,b", "%zz", "1.2.3.999"]) {
      const answer = await rawRequest(served.port, requestText("GET /m", { host }));
      assert.deepEqual([answer.status, answer.headers["content-type"]], [400, "application/problem+json"], host);
    }
    for (const host of ["", "localhost", "[::1]:80", "a.b-c_d.example", "xn--e1afmkfd.example"]) assert.equal((await rawRequest(served.port, requestText("GET /m", { host }))).status, 200, host);
    for (const path of ["/m/../secret", "/m/%2e%2e/secret", "/m/x/..%2f../../y", "/m\\..\\..\\x"]) {
      const { body, status } = await rawRequest(served.port, requestText(`GET ${path}`));
      assert.equal(status === 400 || status === 404 || new URL((JSON.parse(body) as { url: string }).url).pathname.startsWith("/m/"), true, `${path} ${status} ${body}`);
    }
    assert.deepEqual(served.bugs, []);
  });

  test("`//host/path` names no other host", async () => {
    await using served = await Served.open({ mounts: [mount("/", tell)] });
    const answer = await rawRequest(served.port, requestText("GET //evil.example/path"));
    assert.equal((JSON.parse(answer.body) as { url: string }).url, "http://localhost//evil.example/path");
  });

  test("methods that the web has no requests for are not handed on", async () => {
    await using served = await Served.open({ mounts: [mount("/", tell)] });
    assert.equal((await rawRequest(served.port, requestText("TRACE /"))).status, 405);
  });

  test("several cookies stay several, and what belongs to the connection is the server's", async () => {
    const handler = (): Response => {
      const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"], ["connection", "close"], ["keep-alive", "timeout=1"], ["transfer-encoding", "chunked"]]);
      return new Response("text", { headers });
    };
    await using served = await Served.open({ mounts: [mount("/m", handler)] });
    using connection = await RawConnection.open(served.port);
    for (let round = 0; round < 2; round += 1) {
      connection.write(requestText("GET /m"));
      const { body, headers } = await connection.answer();
      assert.deepEqual([body, headers["set-cookie"], headers["connection"], headers["transfer-encoding"]], ["text", "a=1 & b=2", "keep-alive", "chunked"]);
    }
  });

  test("HEAD and answers without a body keep their framing", async () => {
    const handler = (request: Request): Response => {
      if (request.url.endsWith("/204")) return new Response(null, { status: 204 });
      if (request.url.endsWith("/304")) return new Response(null, { status: 304, headers: { etag: '"x"' } });
      return new Response(request.method === "HEAD" ? null : "text", { headers: { "content-length": "4" } });
    };
    await using served = await Served.open({ mounts: [mount("/m", handler)] });
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("HEAD /m"), requestText("GET /m/204"), requestText("GET /m/304"), requestText("GET /m"));
    assert.equal((await connection.answer("HEAD")).headers["content-length"], "4");
    assert.equal((await connection.answer()).status, 204);
    assert.equal((await connection.answer()).status, 304);
    assert.equal((await connection.answer()).body, "text");
  });

  test("that sends more or fewer bytes than it announced does not reach into the next answer", async () => {
    const handler = (request: Request): Response => new Response(request.url.endsWith("more") ? "1234567890" : "12", { headers: { "content-length": "5" } });
    await using served = await Served.open({ mounts: [mount("/m", handler)] });
    for (const path of ["/m/more", "/m/fewer"]) {
      using connection = await RawConnection.open(served.port);
      connection.write(requestText(`GET ${path}`), requestText("GET /nowhere"));
      await assert.rejects(connection.answer(), { name: "BrokenOff" });
    }
    assert.equal((await rawRequest(served.port, requestText("GET /nowhere"))).status, 404);
  });

  test("that fails is a bug, logged once; one that answers with a failed fetch has nothing to give", async () => {
    const handler = (request: Request): Response => {
      if (request.url.endsWith("/error")) return Response.error();
      throw new RangeError("a bug of the mount");
    };
    await using served = await Served.open({ mounts: [mount("/m", handler)] });
    assert.equal((await rawRequest(served.port, requestText("GET /m"))).status, 500);
    assert.equal(served.bugs.length, 1);
    assert.equal((await rawRequest(served.port, requestText("GET /m/error"))).status, 503);
    assert.equal(served.bugs.length, 1);
  });

  test("may not send a header over line breaks", async () => {
    // A Headers object refuses them; what only looks like a Response may not.
    const handler = (): Response => ({ status: 200, headers: [["x-a", "1\r\nx-b: 2"]], body: null }) as unknown as Response;
    await using served = await Served.open({ mounts: [mount("/m", handler)] });
    const answer = await rawRequest(served.port, requestText("GET /m"));
    assert.deepEqual([answer.status, answer.headers["x-b"]], [500, undefined]);
    assert.equal(served.bugs.length, 1);
  });

  test("hears when the caller goes away, while it works and while it streams", async () => {
    const aborted = Promise.withResolvers<void>();
    const canceled = Promise.withResolvers<void>();
    const handler = (request: Request): Response | Promise<Response> => {
      if (request.url.endsWith("/work")) {
        request.signal.addEventListener("abort", () => aborted.resolve());
        return new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason as Error)));
      }
      let timer: NodeJS.Timeout | undefined;
      return new Response(
        new ReadableStream({
          start(controller) {
            timer = setInterval(() => controller.enqueue(new TextEncoder().encode("x")), 5);
          },
          cancel() {
            clearInterval(timer);
            canceled.resolve();
          },
        }),
      );
    };
    await using served = await Served.open({ mounts: [mount("/m", handler)] });
    for (const [path, heard] of [["/m/work", aborted], ["/m/stream", canceled]] as const) {
      using connection = await RawConnection.open(served.port);
      connection.write(requestText(`GET ${path}`));
      await sleep(30);
      connection.socket.destroy();
      await heard.promise;
    }
    assert.deepEqual(served.bugs, []);
  });

  test("takes no more body than the limit", async () => {
    await using served = await Served.open({ mounts: [mount("/m", tell)], bodyMaxBytes: 10 });
    assert.equal((await rawRequest(served.port, requestText("POST /m", {}, "0123456789"))).status, 200);
    assert.equal((await rawRequest(served.port, requestText("POST /m", {}, "0123456789x"))).status, 413);
    const chunked = requestText("POST /m", { "transfer-encoding": "chunked" });
    assert.equal((await rawRequest(served.port, `${chunked}b\r\n0123456789x\r\n0\r\n\r\n`)).status, 413);
  });
});
