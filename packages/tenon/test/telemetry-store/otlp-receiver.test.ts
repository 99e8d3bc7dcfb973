/** The receiver over real HTTP: OpenTelemetry's exporter sends to it, and so does whoever means it no good. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { TracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace";
import { openOtlpReceiver, type OtlpReceiver, StoreReader, TelemetryStore } from "../../src/telemetry-store/index.ts";
import { spanIdOf, TemporaryDirectory, traceIdOf } from "./samples.ts";

const goodSpan = { traceId: traceIdOf(1), spanId: spanIdOf(1), name: "a", startTimeUnixNano: `${Date.now()}000000`, endTimeUnixNano: `${Date.now()}900000` };
const tracesOf = (...spans: readonly object[]): string => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
const json = { "content-type": "application/json" };

describe("the receiver", () => {
  let directory: TemporaryDirectory;
  let store: TelemetryStore;
  let receiver: OtlpReceiver;
  let reader: StoreReader;

  before(async () => {
    directory = new TemporaryDirectory();
    store = await TelemetryStore.open(directory.path);
    receiver = await openOtlpReceiver(store, { port: 0, limits: { bodyMaxBytes: 64 * 1024, unpackedMaxBytes: 256 * 1024, requestMaxMs: 2_000 } });
    reader = StoreReader.open(directory.path);
  });
  after(async () => {
    reader.close();
    await receiver.close();
    await store.close();
    directory[Symbol.dispose]();
  });

  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = json): Promise<Response> => fetch(`${receiver.url}${path}`, { method: "POST", body, headers });

  test("keeps what OpenTelemetry's own exporter sends, compressed or not", async () => {
    for (const compression of ["none", "gzip"] as const) {
      const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces`, compression: compression as never });
      const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
      const span = provider.getTracer("test").startSpan(`sent with ${compression}`, { attributes: { compression } });
      span.end();
      await provider.forceFlush();
      await provider.shutdown();
      const [kept] = reader.trace(span.spanContext().traceId);
      assert.deepEqual([kept?.name, kept?.attributes["compression"]], [`sent with ${compression}`, compression]);
    }
  });

  test("answers when what came is on disk, in the encoding of the request", async () => {
    const answer = await post("/v1/traces", tracesOf({ ...goodSpan, traceId: traceIdOf(77) }));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.deepEqual(await answer.json(), {});
    assert.equal(reader.trace(traceIdOf(77)).length, 1);
    const binary = await post("/v1/traces", new Uint8Array(0), { "content-type": "application/x-protobuf" });
    assert.deepEqual([binary.status, binary.headers.get("content-type"), (await binary.bytes()).length], [200, "application/x-protobuf", 0]);
  });

  test("takes logs and metrics", async () => {
    const log = { resourceLogs: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "mail" } }] }, scopeLogs: [{ logRecords: [{ body: { stringValue: "sent it" } }] }] }] };
    assert.equal((await post("/v1/logs", JSON.stringify(log))).status, 200);
    assert.deepEqual(reader.logs({ service: "mail" }).logs.map(({ message }) => message), ["sent it"]);
    const metric = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "sent", gauge: { dataPoints: [{ asInt: "3" }] } }] }] }] };
    assert.equal((await post("/v1/metrics", JSON.stringify(metric), { "content-type": "application/json; charset=utf-8" })).status, 200);
    assert.equal(reader.series({ name: "sent", fromMs: Date.now() - 60_000, toMs: Date.now() + 60_000, stepMs: 120_000 })[0]?.points[0]?.value, 3);
  });

  test("tells what it left out", async () => {
    const answer = await post("/v1/traces", tracesOf(goodSpan, { ...goodSpan, spanId: "" }, {}));
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { partialSuccess: { rejectedSpans: "2", errorMessage: "a span needs a spanId of 8 bytes that are not all zero" } });
  });

  test("answers what is malformed with 400 and a status that says why, in the encoding of the request", async () => {
    const answer = await post("/v1/traces", "{");
    assert.deepEqual([answer.status, await answer.json()], [400, { code: 3, message: "the body is not JSON" }]);
    const binary = await post("/v1/traces", Uint8Array.from([0x0a, 0x7f]), { "content-type": "application/x-protobuf" });
    assert.equal(binary.status, 400);
    const bytes = Buffer.from(await binary.arrayBuffer());
    assert.deepEqual([...bytes.subarray(0, 3)], [0x08, 3, 0x12]);
    assert.match(bytes.subarray(4).toString(), /a length beyond the end/);
    const unpacked = await post("/v1/traces", "no gzip", { ...json, "content-encoding": "gzip" });
    assert.deepEqual([unpacked.status, await unpacked.json()], [400, { code: 3, message: "the body is not gzip" }]);
  });

  test("refuses what is too large, also when it says nothing of its length, or unpacks to it", async () => {
    const large = tracesOf({ ...goodSpan, name: "x".repeat(100_000) });
    const status = async (answer: Response): Promise<unknown> => [answer.status, ((await answer.json()) as { readonly message: string }).message];
    assert.deepEqual(await status(await post("/v1/traces", large)), [413, "a body has at most 65536 bytes"]);
    const chunked = await fetch(`${receiver.url}/v1/traces`, { method: "POST", headers: json, duplex: "half", body: ReadableStream.from([Buffer.from(large)]) });
    assert.deepEqual(await status(chunked), [413, "a body has at most 65536 bytes"]);
    const bomb = gzipSync(Buffer.alloc(20 * 1024 ** 2));
    assert.ok(bomb.length < 64 * 1024);
    assert.deepEqual(await status(await post("/v1/traces", new Uint8Array(bomb), { ...json, "content-encoding": "gzip" })), [413, "a body unpacks to at most 262144 bytes"]);
    assert.equal((await post("/v1/traces", tracesOf(goodSpan))).status, 200);
  });

  test("refuses other paths, methods, media types and packings", async () => {
    assert.equal((await post("/v1/profiles", "{}")).status, 404);
    const got = await fetch(`${receiver.url}/v1/traces`);
    assert.deepEqual([got.status, got.headers.get("allow")], [405, "POST"]);
    assert.equal((await post("/v1/traces", "{}", { "content-type": "text/plain" })).status, 415);
    assert.equal((await post("/v1/traces", "{}", { ...json, "content-encoding": "br" })).status, 415);
    const preflight = await fetch(`${receiver.url}/v1/traces`, { method: "OPTIONS", headers: { origin: "https://example.org" } });
    assert.equal(preflight.headers.get("access-control-allow-origin"), null);
  });

  test("lets go of a sender that does not go on", async () => {
    const { hostname, port } = new URL(receiver.url);
    const socket = connect(Number(port), hostname);
    socket.write("POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{");
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 408 |^$/);
    assert.equal((await post("/v1/traces", tracesOf(goodSpan))).status, 200);
  });
});

test("a full queue is answered with 429 and when to come again, and what is kept is kept", async () => {
  using directory = new TemporaryDirectory();
  await using store = await TelemetryStore.open(directory.path, { queueMaxBytes: 200_000 });
  await using receiver = await openOtlpReceiver(store, { port: 0 });
  const body = (at: number): string => tracesOf(...Array.from({ length: 500 }, (_, span) => ({ ...goodSpan, traceId: traceIdOf(at + 1), spanId: spanIdOf(span + 1) })));
  const answers = await Promise.all(Array.from({ length: 40 }, async (_, at) => {
    const answer = await fetch(`${receiver.url}/v1/traces`, { method: "POST", headers: json, body: body(at) });
    await answer.bytes();
    return { at, status: answer.status, retryAfter: answer.headers.get("retry-after") };
  }));
  const kept = answers.filter(({ status }) => status === 200);
  const busy = answers.filter(({ status }) => status === 429);
  assert.equal(kept.length + busy.length, answers.length);
  assert.ok(kept.length > 0 && busy.length > 0, `${kept.length} kept, ${busy.length} refused`);
  for (const { retryAfter } of busy) assert.equal(retryAfter, "1");
  using reader = StoreReader.open(directory.path);
  for (const { at } of kept) assert.equal(reader.trace(traceIdOf(at + 1)).length, 500);
  for (const { at } of busy) assert.equal(reader.trace(traceIdOf(at + 1)).length, 0);
  assert.deepEqual([store.counts.kept, store.counts.busy, store.counts.waitingBytes], [kept.length * 500, busy.length, 0]);
});
