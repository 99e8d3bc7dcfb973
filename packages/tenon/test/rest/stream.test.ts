import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import * as z from "zod";
import { contract, query, stream } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { toServerSentEvents } from "../../src/rest/index.ts";
import { service } from "../../src/service/index.ts";
import { ManualClock } from "../calls/fixture.ts";
import { RawConnection, rawRequest, requestText } from "./raw-connection.ts";
import { Served } from "./served.ts";
import { settled, until } from "./until.ts";

const errors = { Refused: { status: 409 } };
const item = z.object({ n: z.int(), text: z.string().optional() });
const numbers = contract("numbers", {
  count: query({ http: "GET /count", access: "public", input: z.object({ to: z.int() }), output: stream(item) }),
  fail: query({ http: "GET /fail", access: "public", input: z.object({ after: z.int(), how: z.enum(["bug", "declared", "fault", "shape"]) }), output: stream(item), errors }),
  endless: query({ http: "GET /endless", access: "public", input: z.object({ chars: z.int() }), output: stream(item) }),
  silent: query({ http: "GET /silent", access: "public", input: z.object({ first: z.boolean() }), output: stream(item), deadline: "200ms" }),
  anything: query({ http: "GET /anything", access: "public", output: stream(z.any()) }),
  notItems: query({ http: "GET /not-items", access: "public", output: stream(item) }),
});

const seen = { yielded: 0, closed: 0, aborted: 0, reason: undefined as unknown };

const numbersService = service(numbers, {
  handlers: {
    async *count({ input }) {
      try {
        for (let n = 1; n <= input.to; n += 1) yield { n, secret: "x" };
      } finally {
        seen.closed += 1;
      }
    },
    async *fail({ input, fail }) {
      try {
        for (let n = 1; n <= input.after; n += 1) yield { n };
        if (input.how === "declared") throw fail.Refused("no more");
        if (input.how === "fault") throw new Fault("unavailable", "out of reach");
        if (input.how === "shape") yield { n: 1.5 };
        throw new RangeError("secret: a bug");
      } finally {
        seen.closed += 1;
      }
    },
    async *endless({ input, signal }) {
      signal.addEventListener("abort", () => {
        seen.aborted += 1;
        seen.reason = signal.reason;
      });
      const text = "x".repeat(input.chars);
      try {
        for (let n = 1; ; n += 1) {
          seen.yielded += 1;
          yield { n, text };
        }
      } finally {
        seen.closed += 1;
      }
    },
    async *silent({ input, signal }) {
      try {
        if (input.first) yield { n: 1 };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        seen.reason = signal.reason;
        yield { n: 2 };
      } finally {
        seen.closed += 1;
      }
    },
    async *anything() {
      yield undefined;
      yield null;
      yield "line\nbreak\u2028";
    },
    notItems: (() => [{ n: 1 }]) as never,
  },
});

describe("a query that yields items", () => {
  let served: Served;
  before(async () => {
    served = await Served.open({ services: [numbersService] });
  });
  after(() => served.stop());

  const ask = (target: string, accept = "*/*") => rawRequest(served.port, requestText(`GET ${target}`, { accept }));

  test("answers as NDJSON, each item cut to the contract", async () => {
    const answer = await ask("/count?to=3");
    assert.deepEqual([answer.status, answer.headers["content-type"], answer.headers["transfer-encoding"]], [200, "application/x-ndjson", "chunked"]);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.match(answer.headers["x-request-id"] ?? "", /^[0-9a-f]{16}$/);
    assert.equal(answer.body, '{"n":1}\n{"n":2}\n{"n":3}\n');
  });

  test("answers as server-sent events to whoever prefers them", async () => {
    const answer = await ask("/count?to=2", "text/event-stream");
    assert.equal(answer.headers["content-type"], "text/event-stream");
    assert.equal(answer.body, 'data: {"n":1}\n\ndata: {"n":2}\n\nevent: end\ndata:\n\n');
    assert.equal((await ask("/count?to=2", "application/x-ndjson;q=0.5, text/event-stream")).headers["content-type"], "text/event-stream");
    assert.equal((await ask("/count?to=2", "application/json")).status, 406);
  });

  test("may have no items at all", async () => {
    assert.deepEqual([(await ask("/count?to=0")).status, (await ask("/count?to=0")).body], [200, ""]);
    assert.equal((await ask("/count?to=0", "text/event-stream")).body, "event: end\ndata:\n\n");
  });

  test("keeps the lines apart, whatever is in an item", async () => {
    assert.deepEqual((await ask("/anything")).body, 'null\nnull\n"line\\nbreak\u2028"\n');
    assert.equal((await ask("/anything", "text/event-stream")).body.split("\n\n").length, 5);
  });

  test("goes on with the connection afterwards", async () => {
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("GET /count?to=1"), requestText("GET /count?to=2"));
    assert.equal((await connection.answer()).body, '{"n":1}\n');
    assert.equal((await connection.answer()).body, '{"n":1}\n{"n":2}\n');
  });

  test("that fails before its first item is answered with the failure's own status", async () => {
    const statuses = { bug: 500, declared: 409, fault: 503, shape: 500 };
    for (const [how, status] of Object.entries(statuses)) {
      for (const accept of ["*/*", "text/event-stream"]) {
        const answer = await ask(`/fail?after=0&how=${how}`, accept);
        assert.deepEqual([answer.status, answer.headers["content-type"]], [status, "application/problem+json"], how);
      }
    }
    assert.equal((await ask("/not-items")).status, 500);
    assert.equal((await ask("/count?to=x")).status, 400);
  });

  test("that fails later breaks the connection off as NDJSON: a part is not the whole", async () => {
    for (const how of ["bug", "declared", "fault", "shape"]) {
      using connection = await RawConnection.open(served.port);
      connection.write(requestText(`GET /fail?after=2&how=${how}`));
      assert.equal((await connection.head()).status, 200);
      await connection.ended();
      assert.match(connection.rest, /\{"n":1\}[^]*\{"n":2\}/, how);
      assert.equal(connection.rest.endsWith("0\r\n\r\n"), false, how);
    }
  });

  test("that fails later breaks off for a client of HTTP/1.0 too, for which the end of the connection is the end", async () => {
    using connection = await RawConnection.open(served.port);
    connection.write("GET /fail?after=1&how=bug HTTP/1.0\r\n\r\n");
    await connection.ended();
    await assert.rejects(connection.answer(), (error: Error) => (error.cause as NodeJS.ErrnoException | undefined)?.code === "ECONNRESET");
  });

  test("that fails later ends in an event as server-sent events, which tells what the caller may know", async () => {
    const declared = (await ask("/fail?after=1&how=declared", "text/event-stream")).body.split("\n\n");
    assert.equal(declared[0], 'data: {"n":1}');
    const [event, data = ""] = (declared[1] ?? "").split("\n");
    assert.equal(event, "event: error");
    const problem = JSON.parse(data.slice("data: ".length)) as Record<string, unknown>;
    assert.deepEqual([problem["code"], problem["status"], problem["detail"]], ["Refused", 409, "no more"]);
    const bug = (await ask("/fail?after=1&how=bug", "text/event-stream")).body;
    assert.match(bug, /event: error\ndata: \{[^\n]*"code":"internal"[^\n]*\}\n\n$/);
    assert.equal(bug.includes("secret"), false);
  });

  test("that fails later is logged once, with the call's id", async () => {
    const before = served.bugs.length;
    const { headers } = await ask("/fail?after=1&how=bug", "text/event-stream");
    const told = served.bugs.slice(before);
    assert.deepEqual(told.map((line) => [line.message, line.call]), [["a stream broke off by a bug", headers["x-request-id"]]]);
    assert.match(told[0]?.error ?? "", /secret: a bug/);
  });

  test("HEAD asks for no items, and the handler is let go", async () => {
    for (const accept of ["*/*", "text/event-stream"]) {
      const before = { ...seen };
      const head = await rawRequest(served.port, requestText("HEAD /endless?chars=1", { accept }));
      assert.deepEqual([head.status, head.body], [200, ""]);
      await until("the handler's finally has run", () => seen.closed === before.closed + 1);
      assert.equal(seen.yielded, before.yielded + 1);
    }
  });

  test("a client that leaves ends the handler, and its signal says why", async () => {
    for (const accept of ["*/*", "text/event-stream"]) {
      const before = { ...seen };
      {
        using connection = await RawConnection.open(served.port);
        connection.write(requestText("GET /endless?chars=1", { accept }));
        await connection.head();
      }
      await until("the handler's finally has run", () => seen.closed === before.closed + 1);
      assert.equal(seen.aborted, before.aborted + 1);
      assert.equal((seen.reason as Fault).code, "canceled");
      const { yielded } = seen;
      assert.equal(await settled(() => seen.yielded), yielded);
    }
  });

  test("a client that leaves while the handler waits wakes it by its signal", async () => {
    for (const first of [true, false]) {
      const before = { ...seen };
      {
        using connection = await RawConnection.open(served.port);
        connection.write(requestText(`GET /silent?first=${first}`));
        if (first) await connection.head();
        else await until("the call is under way", () => served.server.port > 0 && connection.socket.bytesWritten > 0);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      await until("the handler's finally has run", () => seen.closed === before.closed + 1);
      assert.equal((seen.reason as Fault).code, "canceled");
    }
  });

  test("the deadline covers the way to the first item, and not the rest", async () => {
    const before = { ...seen };
    assert.equal((await ask("/silent?first=false")).status, 504);
    await until("the handler's finally has run", () => seen.closed === before.closed + 1);
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("GET /silent?first=true"));
    await connection.head();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(connection.isEnded, false);
  });

  test("a client that reads as fast as it can leaves the others their turn", async () => {
    // In a thread of its own: in this one it would read no faster than the server lets it.
    const code = `const { workerData, parentPort } = require("node:worker_threads");
      const socket = require("node:net").connect(workerData.port, "127.0.0.1", () => socket.write(workerData.request));
      socket.once("data", () => parentPort.postMessage("reading")).resume();`;
    const reader = new Worker(code, { eval: true, workerData: { port: served.port, request: requestText("GET /endless?chars=100") } });
    try {
      await once(reader, "message");
      const startMs = performance.now();
      for (let round = 0; round < 10; round += 1) assert.equal((await ask("/count?to=1")).status, 200);
      assert.equal(performance.now() - startMs < 2_000, true);
    } finally {
      await reader.terminate();
    }
  });

  test("a client that does not read holds the handler back, and costs little memory", async () => {
    global.gc?.();
    const heap = process.memoryUsage.rss();
    const before = seen.yielded;
    const chars = 10_000;
    const connections = await Promise.all(Array.from({ length: 10 }, () => RawConnection.open(served.port)));
    try {
      for (const { socket } of connections) socket.pause();
      for (const connection of connections) connection.write(requestText(`GET /endless?chars=${chars}`));
      const yielded = (await settled(() => seen.yielded)) - before;
      // What the system buffers for a local connection is up to 6 MiB, and it is the same for one that reads nothing.
      assert.equal(yielded < (connections.length * 8 * 1024 * 1024) / chars, true, `${yielded} items`);
      assert.equal(process.memoryUsage.rss() - heap < 100 * 1024 * 1024, true);
    } finally {
      const { closed } = seen;
      for (const { socket } of connections) socket.destroy();
      await until("every handler's finally has run", () => seen.closed === closed + connections.length);
    }
  });
});

describe("server-sent events", () => {
  test("send a comment after a silence, so that nobody takes it for a dead connection", async () => {
    const clock = new ManualClock();
    const gate = Promise.withResolvers<void>();
    async function* items(): AsyncGenerator<number> {
      await gate.promise;
      yield 1;
    }
    const events = toServerSentEvents(items(), clock, () => new Fault("internal", "no"))[Symbol.asyncIterator]();
    for (let round = 0; round < 2; round += 1) {
      const next = events.next();
      await Promise.resolve();
      clock.advance(14_999);
      clock.advance(1);
      assert.equal((await next).value, ": keep-alive\n\n");
    }
    gate.resolve();
    assert.equal((await events.next()).value, "data: 1\n\n");
    assert.equal((await events.next()).value, "event: end\ndata:\n\n");
    assert.equal((await events.next()).done, true);
    assert.equal(clock.timers, 0);
  });
});
