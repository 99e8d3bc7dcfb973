import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { after, before, describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as z from "zod";
import { type Bytes, bytes, command, contract, query } from "../../src/contract/index.ts";
import { service } from "../../src/service/index.ts";
import { RawConnection, rawRequest, requestText } from "./raw-connection.ts";
import { Served } from "./served.ts";
import { until } from "./until.ts";

const mebibyte = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const files = contract("files", {
  put: command({
    http: { route: "PUT /files/{name}", headers: { "x-note": "note" } },
    access: "public",
    input: z.object({ name: z.string(), note: z.string().optional(), public: z.boolean().optional() }),
    body: bytes({ mediaTypes: ["image/*", "application/octet-stream"], maxBytes: 60 * mebibyte }),
    output: z.object({ name: z.string(), note: z.string().optional(), public: z.boolean().optional(), mediaType: z.string(), length: z.int().optional(), size: z.int(), sha256: z.string() }),
    deadline: "60s",
  }),
  small: command({ http: "POST /small", access: "public", body: bytes({ mediaTypes: ["*/*"], maxBytes: 1_000 }), output: z.object({ size: z.int() }), deadline: "300ms" }),
  ignore: command({ http: "POST /ignore", access: "public", body: bytes({ mediaTypes: ["*/*"] }), output: z.object({}) }),
  echo: command({ http: "POST /echo", access: "public", body: bytes({ mediaTypes: ["*/*"] }), output: bytes({ mediaTypes: ["*/*"] }), deadline: "60s" }),
  get: query({ http: "GET /files/{how}", access: "public", input: z.object({ how: z.string() }), output: bytes({ mediaTypes: ["text/plain", "image/png"] }) }),
  large: query({ http: "GET /large", access: "public", input: z.object({ mebibytes: z.int(), isLengthTold: z.boolean() }), output: bytes({ mediaTypes: ["application/octet-stream"] }), deadline: "60s" }),
});

const chunk = Buffer.alloc(64 * 1024, "tenon");
const seen = { chunks: 0, closed: 0, uploadsFailed: [] as string[] };

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  try {
    for (let n = 0; n < count; n += 1) {
      seen.chunks += 1;
      yield chunk;
    }
  } finally {
    seen.closed += 1;
  }
}

const file = createReadStream.bind(undefined, new URL(import.meta.url));
const answers: Record<string, () => unknown> = {
  text: () => ({ mediaType: "text/plain; charset=utf-8", content: Buffer.from("héllo"), fileName: "naïve (1)'s *file*.txt" }),
  crlf: () => ({ mediaType: "text/plain", content: Buffer.from("x"), fileName: "a\r\nset-cookie: x=1\r\n\r\n<html>\ud800" }),
  typeCrlf: () => ({ mediaType: "text/plain\r\nset-cookie: x=1", content: Buffer.from("x") }),
  typeOther: () => ({ mediaType: "text/html", content: Buffer.from("<script>") }),
  typeNone: () => ({ mediaType: "", content: Buffer.from("x") }),
  more: () => ({ mediaType: "text/plain", content: chunks(1), length: 10 }),
  fewer: () => ({ mediaType: "text/plain", content: chunks(1), length: chunk.length + 1 }),
  negative: () => ({ mediaType: "text/plain", content: chunks(1), length: -1 }),
  notBytes: () => ({ mediaType: "text/plain", content: { async *[Symbol.asyncIterator]() { yield { not: "bytes" }; } } }),
  nothing: () => undefined,
  empty: () => ({ mediaType: "text/plain", content: new Uint8Array() }),
  file: () => ({ mediaType: "text/plain", content: file() }),
  fails: () => ({
    mediaType: "text/plain",
    content: {
      async *[Symbol.asyncIterator]() {
        yield chunk;
        throw new RangeError("half-way");
      },
    },
  }),
};

async function measure(body: Bytes): Promise<{ size: number; sha256: string }> {
  const sha256 = createHash("sha256");
  let size = 0;
  try {
    for await (const part of body.content as AsyncIterable<Uint8Array>) {
      size += part.length;
      sha256.update(part);
    }
  } catch (error) {
    seen.uploadsFailed.push((error as { code?: string }).code ?? String(error));
    throw error;
  }
  return { size, sha256: sha256.digest("hex") };
}

const filesService = service(files, {
  handlers: {
    async put({ input, body }) {
      return { ...input, mediaType: body.mediaType, ...(body.length === undefined ? {} : { length: body.length }), ...(await measure(body)) };
    },
    small: async ({ body }) => measure(body),
    ignore: () => ({}),
    echo: ({ body }) => ({ mediaType: body.mediaType, content: body.content }),
    get: ({ input }) => answers[input.how]?.() as Bytes,
    large: ({ input }) => ({ mediaType: "application/octet-stream", content: chunks(input.mebibytes * 16), ...(input.isLengthTold ? { length: input.mebibytes * mebibyte } : {}) }),
  },
});

describe("a body of bytes", () => {
  let served: Served;
  before(async () => {
    served = await Served.open({ services: [filesService], limits: { stallTimeoutMs: 500 } });
  });
  after(() => served.stop());

  const get = (how: string) => rawRequest(served.port, requestText(`GET /files/${how}`));

  describe("that comes down", () => {
    test("has its type, its length and a name to save it under", async () => {
      const answer = await get("text");
      assert.deepEqual([answer.status, answer.headers["content-type"], answer.headers["content-length"], answer.body], [200, "text/plain; charset=utf-8", "6", "héllo"]);
      assert.equal(answer.headers["content-disposition"], "attachment; filename*=UTF-8''na%C3%AFve%20%281%29%27s%20%2Afile%2A.txt");
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.deepEqual([(await get("empty")).headers["content-length"], (await get("empty")).body], ["0", ""]);
    });

    test("keeps line breaks in names out of the headers", async () => {
      const answer = await get("crlf");
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["set-cookie"], undefined);
      assert.equal(answer.headers["content-disposition"], "attachment; filename*=UTF-8''a%0D%0Aset-cookie%3A%20x%3D1%0D%0A%0D%0A%3Chtml%3E%EF%BF%BD");
    });

    test("of a type that is none, or not the contract's, is a bug of the service", async () => {
      for (const how of ["typeCrlf", "typeOther", "typeNone", "negative", "nothing"]) {
        const before = served.bugs.length;
        const answer = await get(how);
        assert.deepEqual([answer.status, answer.headers["set-cookie"], answer.body.includes("script")], [500, undefined, false], how);
        assert.equal(served.bugs.length, before + 1, how);
      }
    });

    test("with more or fewer bytes than announced breaks off instead of reaching into the next answer", async () => {
      for (const how of ["more", "fewer", "notBytes", "fails"]) {
        const before = served.bugs.length;
        using connection = await RawConnection.open(served.port);
        connection.write(requestText(`GET /files/${how}`), requestText("GET /files/text"));
        await assert.rejects(connection.answer(), { name: "BrokenOff" }, how);
        assert.equal(served.bugs.length, before + 1, how);
      }
    });

    test("is negotiated by type", async () => {
      const accept = (type: string) => rawRequest(served.port, requestText("GET /files/text", { accept: type }));
      assert.equal((await accept("text/plain")).status, 200);
      assert.equal((await accept("image/*")).status, 200);
      assert.equal((await accept("application/json")).status, 406);
    });

    test("may be a stream of Node's, which HEAD closes", async () => {
      assert.match((await get("file")).body, /which HEAD closes/);
      const head = await rawRequest(served.port, requestText("HEAD /files/file"));
      assert.deepEqual([head.status, head.body], [200, ""]);
    });

    test("takes 50 MiB through little memory", async () => {
      for (const isLengthTold of [true, false]) {
        const before = memory();
        const response = await fetch(`${served.url}/large?mebibytes=50&isLengthTold=${isLengthTold}`);
        assert.equal(response.headers.get("content-length"), isLengthTold ? String(50 * mebibyte) : null);
        let size = 0;
        let peak = 0;
        for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
          if (Math.floor(size / (5 * mebibyte)) < Math.floor((size + part.length) / (5 * mebibyte))) peak = Math.max(peak, memory() - before);
          size += part.length;
        }
        assert.equal(size, 50 * mebibyte);
        assert.equal(peak < 20 * mebibyte, true, `${peak / mebibyte} MiB`);
      }
    });

    test("is no longer read when the caller leaves", async () => {
      const before = { ...seen };
      {
        using connection = await RawConnection.open(served.port);
        connection.write(requestText("GET /large?mebibytes=1000&isLengthTold=true"));
        await connection.head();
      }
      await until("the source was told to stop", () => seen.closed === before.closed + 1);
      assert.equal(seen.chunks - before.chunks < 16_000, true);
    });

    test("to a caller that asks and reads nothing is cut after a while", async () => {
      const before = seen.closed;
      using connection = await RawConnection.open(served.port);
      connection.socket.pause();
      connection.write(requestText("GET /large?mebibytes=1000&isLengthTold=true"));
      await until("the source was told to stop", () => seen.closed === before + 1);
    });
  });

  describe("that goes up", () => {
    async function upload(size: number, headers: Record<string, string>): Promise<{ status: number; value: Record<string, unknown>; peak: number }> {
      const before = memory();
      let peak = 0;
      async function* parts(): AsyncGenerator<Uint8Array> {
        for (let sent = 0; sent < size; sent += chunk.length) {
          if (sent % (5 * mebibyte) < chunk.length) peak = Math.max(peak, memory() - before);
          yield chunk.subarray(0, Math.min(chunk.length, size - sent));
        }
      }
      const request = httpRequest({ port: served.port, host: "127.0.0.1", path: "/files/a?public=true", method: "PUT", headers });
      const answered = Promise.withResolvers<{ status: number; value: Record<string, unknown>; peak: number }>();
      request.on("error", answered.reject);
      request.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.on("end", () => answered.resolve({ status: response.statusCode ?? 0, value: JSON.parse(text) as Record<string, unknown>, peak }));
      });
      for await (const part of parts()) {
        if (!request.write(part)) await once(request, "drain");
      }
      request.end();
      return answered.promise;
    }

    test("is streamed to the handler, with fields from path, query and headers", async () => {
      const { status, value } = await upload(100_000, { "content-type": "image/png", "x-note": "hello", "content-length": "100000" });
      const expected = createHash("sha256").update(Buffer.concat([chunk, chunk]).subarray(0, 100_000)).digest("hex");
      assert.deepEqual([status, value], [200, { name: "a", note: "hello", public: true, mediaType: "image/png", length: 100_000, size: 100_000, sha256: expected }]);
    });

    test("takes 50 MiB through little memory, its length told or not", async () => {
      const tell: Record<string, string> = { "content-length": String(50 * mebibyte) };
      for (const headers of [tell, {}]) {
        const { status, value, peak } = await upload(50 * mebibyte, headers);
        assert.deepEqual([status, value["size"], value["length"]], [200, 50 * mebibyte, headers === tell ? 50 * mebibyte : undefined]);
        assert.equal(peak < 20 * mebibyte, true, `${peak / mebibyte} MiB`);
      }
    });

    test("is refused beyond its limit, before a byte of it where its length is told", async () => {
      const large = requestText("PUT /files/a", { "content-type": "image/png", "content-length": String(61 * mebibyte), expect: "100-continue" });
      assert.equal((await rawRequest(served.port, large)).status, 413);
      const chunked = requestText("POST /small", { "content-type": "text/plain", "transfer-encoding": "chunked" });
      const part = `${(500).toString(16)}\r\n${"x".repeat(500)}\r\n`;
      assert.equal((await rawRequest(served.port, chunked, part, part, "0\r\n\r\n")).status, 200);
      assert.equal((await rawRequest(served.port, chunked, part, part, part, "0\r\n\r\n")).status, 413);
    });

    test("in a type that is not taken, or packed, is 415", async () => {
      const send = (headers: Record<string, string>) => rawRequest(served.port, requestText("PUT /files/a", headers, "x"));
      assert.equal((await send({ "content-type": "text/plain" })).status, 415);
      assert.equal((await send({ "content-type": "image" })).status, 415);
      assert.equal((await send({ "content-type": "image/png", "content-encoding": "gzip" })).status, 415);
      assert.equal((await send({ "content-type": "IMAGE/PNG; a=b" })).status, 200);
      assert.equal((await rawRequest(served.port, requestText("PUT /files/a"))).status, 200);
    });

    test("that nobody reads does not stand in the way of the next request", async () => {
      using connection = await RawConnection.open(served.port);
      for (let round = 0; round < 3; round += 1) connection.write(requestText("POST /ignore", {}, "x".repeat(10_000)));
      for (let round = 0; round < 3; round += 1) assert.equal((await connection.answer()).status, 200);
    });

    test("that nobody reads and that is long ends the connection, after the answer has arrived", async () => {
      using connection = await RawConnection.open(served.port);
      connection.write(requestText("POST /ignore", { "content-length": String(50 * mebibyte) }));
      const pump = setInterval(() => connection.socket.writable && connection.write(chunk), 1);
      try {
        const answer = await connection.answer();
        assert.deepEqual([answer.status, answer.headers["connection"]], [200, "close"]);
        await connection.ended();
      } finally {
        clearInterval(pump);
      }
    });

    test("may come back while it goes up", async () => {
      using connection = await RawConnection.open(served.port);
      connection.write(requestText("POST /echo", { "content-type": "text/plain", "transfer-encoding": "chunked" }), "3\r\none\r\n");
      assert.equal((await connection.head()).status, 200);
      await until("the first part is back", () => connection.rest.includes("one"));
      connection.write("3\r\ntwo\r\n0\r\n\r\n");
      await until("all of it is back", () => connection.rest.endsWith("3\r\ntwo\r\n0\r\n\r\n"));
    });

    test("that stops coming is 408: the deadline passed while we waited for the caller", async () => {
      const answer = await rawRequest(served.port, requestText("POST /small", { "content-length": "100" }), "x");
      assert.deepEqual([answer.status, answer.headers["connection"]], [408, "close"]);
      const before = seen.uploadsFailed.length;
      const stalled = await rawRequest(served.port, requestText("PUT /files/a", { "content-length": "100" }), "x");
      assert.equal(stalled.status, 408);
      assert.equal(seen.uploadsFailed.slice(before).at(-1), "request_timeout");
    });

    test("of a caller that leaves fails with canceled in the handler", async () => {
      const before = seen.uploadsFailed.length;
      {
        using connection = await RawConnection.open(served.port);
        connection.write(requestText("PUT /files/a", { "content-length": "100000" }), "x".repeat(1_000));
        await until("the call is under way", () => connection.socket.bytesWritten > 1_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await until("the handler has failed", () => seen.uploadsFailed.length > before);
      assert.equal(seen.uploadsFailed.at(-1), "canceled");
    });
  });
});

/** What is held, in bytes: what is only waiting for the collector does not count. */
function memory(): number {
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}
