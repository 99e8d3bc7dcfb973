import assert from "node:assert/strict";
import { Agent, request as httpRequest } from "node:http";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { command, contract, query } from "../../src/contract/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { HttpServer } from "../../src/node/index.ts";
import { service } from "../../src/service/index.ts";
import { type RawAnswer, RawConnection, rawRequest, requestText } from "../rest/raw-connection.ts";
import { clock, Served } from "../rest/served.ts";
import { until } from "../rest/until.ts";

const things = contract("things", {
  get: query({ http: "GET /things/{id}", access: "public", input: z.object({ id: z.string() }), output: z.object({ id: z.string() }) }),
  later: query({ http: "GET /later/{ms}", access: "public", input: z.object({ ms: z.int() }), output: z.object({ ms: z.int() }) }),
  make: command({ http: "POST /things", access: "public", input: z.object({ name: z.string() }), output: z.object({ name: z.string() }) }),
  wait: query({ http: "GET /wait", access: "public", output: z.object({}) }),
  big: query({ http: "GET /big/{kibibytes}", access: "public", input: z.object({ kibibytes: z.int() }), output: z.string() }),
});

const canceled: unknown[] = [];
const services = [
  service(things, {
    handlers: {
      get: ({ input }) => input,
      later: async ({ input }) => {
        await sleep(input.ms);
        return input;
      },
      make: ({ input }) => input,
      wait: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            canceled.push(signal.reason);
            reject(signal.reason as Error);
          });
        }),
      big: ({ input }) => "x".repeat(input.kibibytes * 1024),
    },
  }),
];

function assertRefused(answer: RawAnswer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.headers["content-type"], answer.headers["connection"]], [status, "application/problem+json", "close"], answer.body);
  assert.equal((JSON.parse(answer.body) as { code: string }).code, code);
}

describe("a connection", () => {
  test("is used again and again", async () => {
    await using served = await Served.open({ services });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let round = 0; round < 5; round += 1) {
      await new Promise<void>((resolve, reject) => {
        const request = httpRequest({ port: served.port, host: "127.0.0.1", path: "/things/a", agent }, (response) => response.resume().on("end", resolve));
        request.on("error", reject).on("socket", (socket) => socket.once("connect", () => ports.add(socket.localPort))).end();
      });
    }
    agent.destroy();
    assert.equal(ports.size, 1);
  });

  test("is closed where the client says so, or speaks HTTP/1.0", async () => {
    await using served = await Served.open({ services });
    for (const text of [requestText("GET /things/a", { connection: "close" }), "GET /things/a HTTP/1.0\r\n\r\n"]) {
      using connection = await RawConnection.open(served.port);
      connection.write(text);
      const answer = await connection.answer();
      assert.deepEqual([answer.status, answer.headers["connection"]], [200, "close"]);
      await connection.ended();
    }
  });

  test("answers what was sent ahead in the order in which it was sent, whichever is ready first", async () => {
    await using served = await Served.open({ services });
    using connection = await RawConnection.open(served.port);
    const paths = ["/later/60", "/things/a", "/nowhere", "/later/1", "/big/200", "/later/30", "/things/b"];
    connection.write(paths.map((path) => requestText(`GET ${path}`)).join(""), requestText("POST /things", {}, '{"name":"c"}'));
    const bodies = [];
    for (let round = 0; round <= paths.length; round += 1) bodies.push((await connection.answer()).body.slice(0, 12));
    assert.deepEqual(bodies, ['{"ms":60}', '{"id":"a"}', '{"type":"urn', '{"ms":1}', `"${"x".repeat(11)}`, '{"ms":30}', '{"id":"b"}', '{"name":"c"}']);
  });

  test("is closed when it has been idle for long, and after many requests", async () => {
    await using served = await Served.open({ services, limits: { keepAliveTimeoutMs: 50, requestsPerConnectionMax: 3 } });
    using idle = await RawConnection.open(served.port);
    idle.write(requestText("GET /things/a"));
    await idle.answer();
    await idle.ended();
    using busy = await RawConnection.open(served.port);
    for (let round = 1; round <= 3; round += 1) {
      busy.write(requestText("GET /things/a"));
      assert.equal((await busy.answer()).headers["connection"], round === 3 ? "close" : "keep-alive");
    }
    await busy.ended();
  });

  test("beyond the number that may be open is closed as it comes", async () => {
    await using served = await Served.open({ services, connectionsMax: 2 });
    using first = await RawConnection.open(served.port);
    using second = await RawConnection.open(served.port);
    using third = await RawConnection.open(served.port);
    await third.ended();
    second.write(requestText("GET /things/a"));
    assert.equal((await second.answer()).status, 200);
    first.socket.destroy();
    await until("there is room", () => served.log.some((line) => line.message.includes("turned away")));
    await sleep(10);
    assert.equal((await rawRequest(served.port, requestText("GET /things/a"))).status, 200);
  });

  test("to a client that asks for much and reads nothing is cut after a while", async () => {
    await using served = await Served.open({ services, limits: { stallTimeoutMs: 100 } });
    for (const ahead of ["", requestText("GET /later/20")]) {
      using connection = await RawConnection.open(served.port);
      connection.socket.pause();
      connection.write(ahead, requestText("GET /big/16384"));
      await sleep(400);
      connection.socket.resume();
      await connection.ended();
      assert.equal(connection.rest.length < 16 * 1024 * 1024, true);
    }
  });
});

describe("a request that is slow to come", () => {
  test("is 408 when its headers are not here in time", async () => {
    await using served = await Served.open({ services, limits: { headersTimeoutMs: 50 } });
    using connection = await RawConnection.open(served.port);
    connection.write("GET /things/a HTTP/1.1\r\nhost: x\r\n");
    assertRefused(await connection.answer(), 408, "request_timeout");
    await connection.ended();
  });

  test("is 408 when its body is not here in time, and recorded as that call", async () => {
    await using served = await Served.open({ services, limits: { headersTimeoutMs: 50, requestTimeoutMs: 100 } });
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("POST /things", { "content-type": "application/json", "content-length": "20" }), '{"na');
    const answer = await connection.answer();
    assertRefused(answer, 408, "request_timeout");
    assert.notEqual(answer.headers["x-request-id"], undefined);
    await connection.ended();
    assert.deepEqual(served.calls, ["things.make request_timeout"]);
  });

  test("is closed without a word where nothing was ever asked", async () => {
    await using served = await Served.open({ services, limits: { headersTimeoutMs: 50 } });
    using connection = await RawConnection.open(served.port);
    await connection.ended();
    assert.equal(connection.rest, "");
  });

  test("may be as slow as it likes between two requests", async () => {
    await using served = await Served.open({ services, limits: { headersTimeoutMs: 50, requestTimeoutMs: 50 } });
    using connection = await RawConnection.open(served.port);
    for (let round = 0; round < 2; round += 1) {
      connection.write(requestText("GET /things/a"));
      assert.equal((await connection.answer()).status, 200);
      await sleep(120);
    }
    assert.equal(connection.isEnded, false);
  });

  test("keeps nobody else waiting, however many there are", async () => {
    await using served = await Served.open({ services, concurrencyMax: 8 });
    const slow = await Promise.all(Array.from({ length: 200 }, () => RawConnection.open(served.port)));
    try {
      slow.forEach((connection, index) => connection.write(index % 2 === 0 ? "GET /things/a HTTP/1.1\r\nx-a: " : requestText("POST /things", { "content-type": "application/json", "content-length": "15" }).concat('{"na')));
      await sleep(20);
      for (let round = 0; round < 20; round += 1) assert.equal((await rawRequest(served.port, requestText("POST /things", {}, '{"name":"b"}'))).status, 200);
      for (const connection of slow.filter((_, index) => index % 2 === 1)) connection.write('me":"late"');
      for (const connection of slow.filter((_, index) => index % 2 === 1)) connection.write("}");
      const answers = await Promise.all(slow.filter((_, index) => index % 2 === 1).map((connection) => connection.answer()));
      assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
    } finally {
      for (const connection of slow) connection.socket.destroy();
    }
  });

  test("is refused when many together have sent more than there is memory for", async () => {
    await using served = await Served.open({ services, limits: { bodiesMaxBytes: 100_000 } });
    const half = requestText("POST /things", { "content-type": "application/json", "content-length": "60000" });
    using first = await RawConnection.open(served.port);
    first.write(half, "x".repeat(59_000));
    using second = await RawConnection.open(served.port);
    second.write(half, "x".repeat(59_000));
    await sleep(30);
    using third = await RawConnection.open(served.port);
    third.write(half, "x".repeat(30_000));
    await sleep(30);
    third.write("x".repeat(29_000));
    const answer = await third.answer();
    assert.deepEqual([answer.status, answer.headers["retry-after"]], [503, "1"]);
    // A small one is taken all the same: whoever fills the room cannot keep the others out.
    assert.equal((await rawRequest(served.port, requestText("POST /things", {}, '{"name":"b"}'))).status, 200);
    first.socket.destroy();
    second.socket.destroy();
    // Their going away is told in a turn of its own.
    let status = 503;
    for (let attempt = 0; attempt < 50 && status === 503; attempt += 1) {
      await sleep(20);
      ({ status } = await rawRequest(served.port, half, `{"name":"${"x".repeat(59_989)}"}`));
    }
    assert.equal(status, 200);
  });
});

describe("what is not a request", () => {
  const parts: Readonly<Record<string, string>> = {
    "another protocol": "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
    "no request line": "hello\r\n\r\n",
    "an unknown method": requestText("FETCH /things/a"),
    "a method in lower case": requestText("get /things/a"),
    "no version": "GET /things/a\r\n\r\n",
    "an old version": "GET /things/a HTTP/0.9\r\nhost: x\r\n\r\n",
    "a version that is spoken otherwise": "GET /things/a HTTP/2.0\r\nhost: x\r\n\r\n",
    "another version": "GET /things/a HTTP/3.0\r\nhost: x\r\n\r\n",
    "a header without a colon": "GET /things/a HTTP/1.1\r\nhost: x\r\nnot a header\r\n\r\n",
    "a space before the colon": "GET /things/a HTTP/1.1\r\nhost : x\r\n\r\n",
    "a folded header": "GET /things/a HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n 2\r\n\r\n",
    "a bare line feed": "GET /things/a HTTP/1.1\nhost: x\n\n",
    "a null byte in the path": "GET /things/a\u0000b HTTP/1.1\r\nhost: x\r\n\r\n",
    "a null byte in a header": requestText("GET /things/a", { "x-a": "a\u0000b" }),
    "a null byte in a header's name": requestText("GET /things/a", { "x\u0000a": "1" }),
    "no Host header": "GET /things/a HTTP/1.1\r\n\r\n",
    "two lengths": requestText("POST /things", { "content-type": "application/json", "content-length": "12\r\ncontent-length: 13" }).concat('{"name":"a"}'),
    "two equal lengths": requestText("POST /things", { "content-type": "application/json", "content-length": "12\r\ncontent-length: 12" }).concat('{"name":"a"}'),
    "a list of lengths": requestText("POST /things", { "content-length": "12, 12" }).concat('{"name":"a"}'),
    "a length and a transfer coding": requestText("POST /things", { "content-length": "12", "transfer-encoding": "chunked" }).concat("0\r\n\r\n"),
    "a transfer coding that is not chunked": requestText("POST /things", { "content-type": "application/json", "transfer-encoding": "identity" }),
    "chunked before another coding": requestText("POST /things", { "transfer-encoding": "chunked, gzip" }),
    "a length that is negative": requestText("POST /things", { "content-length": "-1" }),
    "a length that is no number": requestText("POST /things", { "content-length": "1e2" }),
    "a length that is too large to be true": requestText("POST /things", { "content-length": "99999999999999999999999" }),
    "a length with a plus": requestText("POST /things", { "content-length": "+12" }).concat('{"name":"a"}'),
    "a tunnel": requestText("CONNECT example.com:443"),
  };

  for (const [what, text] of Object.entries(parts)) {
    test(`is refused and ends the connection: ${what}`, async () => {
      await using served = await Served.open({ services });
      using connection = await RawConnection.open(served.port);
      connection.write(text);
      const answer = await connection.answer();
      assert.equal(answer.status, 400, answer.body);
      assert.equal(answer.headers["content-type"], "application/problem+json");
      assert.equal(answer.headers["connection"], "close");
      connection.write(requestText("GET /things/a"));
      await connection.ended();
      assert.equal(connection.rest, "");
      assert.equal(served.calls.includes("things.make ok") || served.calls.includes("things.get ok"), false);
    });
  }

  test("in the middle of a body fails the call that waits for it", async () => {
    await using served = await Served.open({ services });
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("POST /things", { "content-type": "application/json", "transfer-encoding": "chunked" }), "4\r\n{\"na\r\nnot a chunk\r\n");
    assertRefused(await connection.answer(), 400, "invalid_argument");
    assert.deepEqual(served.calls, ["things.make invalid_argument"]);
    connection.write("more of the same\r\n\r\n", requestText("GET /things/a"));
    await connection.ended();
    assert.equal(connection.rest, "");
  });

  test("behind a request is answered after it, never into it", async () => {
    await using served = await Served.open({ services });
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("GET /later/50"), requestText("GET /things/a"), "nonsense\r\n\r\n");
    assert.equal((await connection.answer()).body, '{"ms":50}');
    assert.equal((await connection.answer()).body, '{"id":"a"}');
    assertRefused(await connection.answer(), 400, "invalid_argument");
    await connection.ended();
  });

  test("is told apart: headers that are too large are 431", async () => {
    await using served = await Served.open({ services });
    assertRefused(await rawRequest(served.port, requestText("GET /things/a", { "x-a": "x".repeat(17_000) })), 431, "headers_too_large");
    assertRefused(await rawRequest(served.port, `GET /${"x".repeat(17_000)} HTTP/1.1\r\n`), 431, "headers_too_large");
    assertRefused(await rawRequest(served.port, requestText("GET /things/a").replace("\r\n\r\n", `\r\n${"abcd:efgh\r\n".repeat(2_500)}\r\n`)), 431, "headers_too_large");
    assert.equal((await rawRequest(served.port, requestText("GET /things/a").replace("\r\n\r\n", `\r\n${"a:b\r\n".repeat(2_500)}\r\n`))).status, 200);
    const extension = `1;${"x".repeat(20_000)}\r\n`;
    assertRefused(await rawRequest(served.port, requestText("POST /things", { "content-type": "application/json", "transfer-encoding": "chunked" }), extension), 413, "payload_too_large");
  });

  test("an upgrade or an expectation that is not known is a request like any other", async () => {
    await using served = await Served.open({ services });
    for (const headers of [{ connection: "upgrade", upgrade: "websocket" }, { connection: "upgrade, http2-settings", upgrade: "h2c", "http2-settings": "" }, { expect: "200-ok" }]) {
      assert.equal((await rawRequest(served.port, requestText("GET /things/a", headers as unknown as Record<string, string>))).status, 200);
    }
    using http2 = await RawConnection.open(served.port);
    http2.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await http2.ended();
  });
});

describe("a client that asks before it sends", () => {
  const expecting = { "content-type": "application/json", "content-length": "12", expect: "100-continue" };

  test("is told to go on when its body is wanted", async () => {
    await using served = await Served.open({ services });
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("POST /things", expecting));
    assert.equal((await connection.answer()).status, 100);
    connection.write('{"name":"a"}');
    const answer = await connection.answer();
    assert.deepEqual([answer.status, answer.body, answer.headers["connection"]], [200, '{"name":"a"}', "keep-alive"]);
  });

  test("is refused before it sends where its body is not", async () => {
    await using served = await Served.open({ services, bodyMaxBytes: 11 });
    for (const [headers, status] of [[{}, 413], [{ "content-type": "text/plain" }, 415]] as const) {
      using connection = await RawConnection.open(served.port);
      connection.write(requestText("POST /things", { ...expecting, ...headers }));
      const answer = await connection.answer();
      assert.deepEqual([answer.status, answer.headers["connection"]], [status, "close"]);
      await connection.ended();
    }
  });
});

describe("a client that hangs up", () => {
  test("ends the work that is done for it, and the signal says why", async () => {
    await using served = await Served.open({ services });
    for (const leave of ["destroy", "end", "resetAndDestroy"] as const) {
      const before = canceled.length;
      using connection = await RawConnection.open(served.port);
      connection.write(requestText("GET /wait"));
      await sleep(20);
      connection.socket[leave]();
      await until("the signal is aborted", () => canceled.length > before);
      assert.equal((canceled.at(-1) as Fault).code, "canceled");
    }
    assert.deepEqual(served.calls, ["things.wait canceled", "things.wait canceled", "things.wait canceled"]);
    assert.deepEqual(served.bugs, []);
  });

  test("ends all that it has sent ahead", async () => {
    await using served = await Served.open({ services });
    const before = canceled.length;
    using connection = await RawConnection.open(served.port);
    connection.write(requestText("GET /wait").repeat(5));
    await sleep(20);
    connection.socket.destroy();
    await until("every signal is aborted", () => canceled.length === before + 5);
  });

  test("in the middle of a body is recorded as gone, not as wrong", async () => {
    await using served = await Served.open({ services });
    for (const leave of ["destroy", "end", "resetAndDestroy"] as const) {
      const before = served.calls.length;
      using connection = await RawConnection.open(served.port);
      connection.write(requestText("POST /things", { "content-type": "application/json", "content-length": "20" }), '{"na');
      await sleep(20);
      connection.socket[leave]();
      await until("the call has ended", () => served.calls.length > before);
      assert.equal(served.calls.at(-1), "things.make canceled");
    }
  });

  test("right behind a request that needs no waiting still gets the answer", async () => {
    await using served = await Served.open({ services });
    for (const text of [requestText("GET /things/a"), requestText("POST /things", {}, '{"name":"a"}')]) {
      using connection = await RawConnection.open(served.port, { allowHalfOpen: true });
      connection.write(text);
      connection.socket.end();
      assert.equal((await connection.answer()).status, 200);
      await connection.ended();
    }
  });

  test("before its request is whole is told what is missing, if it still reads", async () => {
    await using served = await Served.open({ services });
    using connection = await RawConnection.open(served.port, { allowHalfOpen: true });
    connection.write("GET /things/a HTT");
    connection.socket.end();
    assertRefused(await connection.answer(), 400, "invalid_argument");
    await connection.ended();
  });
});

describe("a host", () => {
  test("answers for a face that breaks its promise never to throw", async () => {
    const wrongs = [
      () => { throw new RangeError("sync"); },
      async () => { throw new RangeError("async"); },
      () => ({ status: 200, headers: ["x-a", "1\r\nx-b: 2"], body: "x" }),
      async () => ({ status: 200, headers: ["x\u0000a", "1"], body: undefined }),
      () => ({ status: 99, headers: [], body: "x" }),
      () => ({ status: 200, headers: ["x-a"], body: "x" }),
      () => ({ status: 200, headers: ["x-a", "\u{1f600}"], body: new Uint8Array(1) }),
    ];
    for (const wrong of wrongs) {
      await using served = await Served.open({ services, wrap: (face) => (request) => (request.target === "/wrong" ? wrong() : face(request)) });
      using connection = await RawConnection.open(served.port);
      connection.write(requestText("GET /wrong"), requestText("GET /things/a"));
      const answer = await connection.answer();
      assert.deepEqual([answer.status, answer.headers["x-b"]], [500, undefined], String(wrong));
      assert.equal(served.bugs.length, 1, String(wrong));
      assert.equal((await connection.answer()).status, 200);
    }
  });

  test("says what to do about a port that is taken", async () => {
    await using served = await Served.open({ services });
    const second = new HttpServer({ handler: () => { throw new Fault("internal", "never asked"); }, clock, log: { debug() {}, info() {}, warn() {}, error() {} }, port: served.port, host: "127.0.0.1", drainMs: 0, drainDelayMs: 0, connectionsMax: 1 });
    await assert.rejects(second.start(), { name: "Fault", code: "unavailable", message: `port ${served.port} is taken: stop what uses it, or set PORT to another one` });
    await second.stop();
  });
});

describe("the headers of a request", () => {
  const body = '{"name":"a"}';
  const post = (...headers: readonly string[]): string => ["POST /things HTTP/1.1", ...headers, "", body].join("\r\n");

  test("are read however their names are written", async () => {
    await using served = await Served.open({ services });
    for (const [host, type, length] of [["host", "content-type", "content-length"], ["Host", "Content-Type", "Content-Length"], ["HOST", "CONTENT-TYPE", "CONTENT-LENGTH"], ["hOST", "cOnTeNt-TyPe", "content-Length"]] as const) {
      const answer = await rawRequest(served.port, post(`${host}: x`, `${type}: application/json`, `${length}: ${body.length}`));
      assert.deepEqual([answer.status, answer.body], [200, body], type);
      const pieces = ["POST /things HTTP/1.1", `${host}: x`, `${type}: application/json`, `${length === "content-length" ? "transfer-encoding" : "Transfer-ENCODING"}: chunked`, "", "c", body, "0", "", ""];
      assert.equal((await rawRequest(served.port, pieces.join("\r\n"))).body, body, length);
    }
    assert.equal((await rawRequest(served.port, post("host: x", "content-typo: application/json", `content-length: ${body.length}`))).status, 415);
  });

  test("of one name are one list, however each of them is written", async () => {
    await using served = await Served.open({ services });
    const statusOf = async (...accept: readonly string[]): Promise<number> => (await rawRequest(served.port, ["GET /things/a HTTP/1.1", "host: x", ...accept, "", ""].join("\r\n"))).status;
    assert.equal(await statusOf("accept: text/html"), 406);
    assert.equal(await statusOf("accept: text/html", "Accept: application/json"), 200);
    assert.equal(await statusOf("ACCEPT: text/html", "accept: image/png", "Accept: */*;q=0.1"), 200);
  });
});
