import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import * as z from "zod";
import { bytes, command, contract, query, stream } from "../../src/contract/index.ts";
import { mount, service } from "../../src/service/index.ts";
import { RawConnection, rawRequest, requestText } from "../rest/raw-connection.ts";
import { Served } from "../rest/served.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const things = contract("things", {
  get: query({ http: "GET /things/{id}", access: "public", input: z.object({ id: z.string() }), output: z.object({ id: z.string() }) }),
  make: command({ http: "POST /things", access: "public", input: z.object({ name: z.string() }), output: z.object({ name: z.string() }) }),
  items: query({ http: "GET /items", access: "public", output: stream(z.object({ n: z.int() })) }),
  echo: command({ http: "POST /echo", access: "public", body: bytes({ mediaTypes: ["*/*"], maxBytes: 5_000 }), output: bytes({ mediaTypes: ["*/*"] }), deadline: "200ms" }),
});
const services = [
  service(things, {
    handlers: {
      get: ({ input }) => input,
      make: async ({ input }) => input,
      async *items() {
        for (let n = 0; n < 100; n += 1) yield { n };
      },
      echo: ({ body }) => ({ mediaType: "application/octet-stream", content: body.content }),
    },
  }),
];

/** Pieces that requests are made of, whole and broken, in an order that nobody meant. */
const piece = fc.oneof(
  fc.constantFrom(
    "GET /things/a HTTP/1.1\r\n", "POST /things HTTP/1.1\r\n", "GET /items HTTP/1.1\r\n", "POST /echo HTTP/1.1\r\n", "HEAD /items HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n",
    "CONNECT a:1 HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "GET /mount HTTP/1.0\r\n", "POST /mount HTTP/1.1\r\n", "GET / HTTP/0.9\r\n", "get / http/1.1\r\n",
    "host: x\r\n", "host: a b\r\n", "content-length: 5\r\n", "content-length: 0\r\n", "content-length: 99999999\r\n", "content-length: -1\r\n", "transfer-encoding: chunked\r\n",
    "transfer-encoding: gzip, chunked\r\n", "expect: 100-continue\r\n", "connection: close\r\n", "connection: upgrade\r\nupgrade: websocket\r\n", "content-type: application/json\r\n",
    "accept: text/event-stream\r\n", "\r\n", "\n", "\r", "0\r\n\r\n", "5\r\nhello\r\n", "ffffffffffffffff\r\n", "1;a=b\r\nx\r\n", '{"name":"a"}', "x".repeat(3_000), "\u0000", ":", " ",
  ),
  fc.constant(requestText("GET /things/a")),
  fc.constant(requestText("GET /items")),
  fc.constant(requestText("POST /things", {}, '{"name":"a"}')),
  fc.constant(requestText("POST /echo", {}, "hello")),
  fc.constant(requestText("POST /things", {}, "hello")),
  fc.constant(requestText("POST /things", { "content-type": "application/json", "content-length": "100" })),
  fc.constant(requestText("POST /things", { "content-type": "application/json", "transfer-encoding": "chunked" })),
  fc.constant(requestText("POST /echo", { "transfer-encoding": "chunked" })),
  fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each).toString("latin1")),
);

const run = fc.record({ pieces: fc.array(piece, { minLength: 1, maxLength: 12 }), cut: fc.nat(), leave: fc.constantFrom("end", "destroy", "resetAndDestroy", "wait" as const) });

/** `rest` holds what came, as it came. */
function assertNoBreakdown(connection: RawConnection): void {
  assert.equal(connection.rest === "" || /^HTTP\/1\.1 \d{3} /.test(connection.rest), true, connection.rest);
  for (const [, status = ""] of connection.rest.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) assert.equal(Number(status) < 500, true, connection.rest);
}

test("whatever bytes come, the server neither falls nor forgets, nor takes them for a bug", { timeout: 60_000 }, async () => {
  const mounts = [mount("/mount", async (request) => new Response(await request.text()))];
  const served = await Served.open({ services, mounts, bodyMaxBytes: 2_000, limits: { headersTimeoutMs: 100, requestTimeoutMs: 100, lingerMs: 20, stallTimeoutMs: 100, keepAliveTimeoutMs: 100 } });
  const held: number[] = [];
  const waiting: RawConnection[] = [];
  let runs = 0;

  await fc.assert(
    fc.asyncProperty(run, async ({ pieces, cut, leave }) => {
      const connection = await RawConnection.open(served.port, { allowHalfOpen: leave === "end" });
      const data = Buffer.from(pieces.join(""), "latin1");
      const at = cut % (data.length + 1);
      connection.write(data.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      connection.write(data.subarray(at));
      if (leave === "wait") {
        waiting.push(connection);
      } else {
        await new Promise((resolve) => setImmediate(resolve));
        connection.socket[leave]();
      }
      // Whoever has said all that it wanted to say is answered and let go.
      if (leave === "end") await connection.ended();
      for (const each of waiting.splice(0, Math.max(0, waiting.length - 20))) {
        assertNoBreakdown(each);
        each.socket.destroy();
      }
      assertNoBreakdown(connection);
      runs += 1;
      if (runs % 100 === 0) {
        collect();
        held.push(process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers);
        assert.equal((await rawRequest(served.port, requestText("GET /things/a"))).status, 200);
      }
    }),
    { numRuns: 500 },
  );

  for (const each of waiting) each.socket.destroy();
  assert.equal((await rawRequest(served.port, requestText("POST /things", {}, '{"name":"a"}'))).status, 200);
  const startMs = performance.now();
  await served.stop();
  assert.equal(performance.now() - startMs < 900, true, "no connection was left behind");
  assert.deepEqual(served.bugs, []);
  const [first = 0, last = 0] = [held[0], held.at(-1)];
  assert.equal(last - first < 20 * 1024 * 1024, true, `${(last - first) / 1024} KiB more after 400 connections`);
});
