/**
 * Collectors that are slow, dead or wrong: whoever hands telemetry over notices nothing, memory stays bounded, every item
 * is accounted for, and things flow again when the collector is well.
 */
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { describe, test } from "node:test";
import { queueMaxBytes } from "../../src/otlp/index.ts";
import { accountOf, counterOf, type Exporting, HurriedClock, logsOf, openExporting, queue, spansOf, until } from "./exporting.ts";
import { type Answer, FakeCollector, listen, portOf } from "./fake-collector.ts";
import { firstCounts } from "./oracle.ts";

/** More than the queue holds, in pieces as calls hand them over. Returns how many. */
function flood(exporting: Exporting, times = 5): number {
  const some = spansOf(100);
  const count = times * queue.itemsMax;
  for (let given = 0; given < count; given += some.length) exporting.exporter.spans(some);
  return count;
}

/** What is in memory never passes its bounds, and nothing is unaccounted for. */
function assertBounded(exporting: Exporting, given: number): void {
  const { backlog } = exporting.exporter;
  assert.ok(backlog.items <= queue.itemsMax, `${backlog.items} items are in memory`);
  assert.ok(backlog.bytes <= queueMaxBytes + 1_048_576, `${backlog.bytes} bytes are in memory`);
  const { dropped, sent } = accountOf(exporting.exporter, "traces");
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  assert.equal(sent + lost + backlog.items, given);
}

const httpAnswers: Readonly<Record<string, Answer>> = {
  "hangs": () => undefined,
  "takes the body and says nothing": (_, request) => void request.resume(),
  "begins an answer and goes away": (response) => void response.socket?.destroy(),
  "answers 503": (response) => void response.writeHead(503).end(),
  "answers 429 at once, without reading": (response) => void response.writeHead(429, { "retry-after": "0", connection: "close" }).end(),
};

describe("a collector that cannot take anything now", () => {
  for (const [name, answer] of Object.entries(httpAnswers)) {
    test(`${name}, then is well again`, async () => {
      await using collector = new FakeCollector();
      await collector.listen();
      collector.answer = answer;
      await using exporting = await openExporting(collector.port, { target: { timeoutMs: 60 } });
      const given = flood(exporting);
      assertBounded(exporting, given);
      assert.equal(accountOf(exporting.exporter, "traces").dropped["queue_full"], given - queue.itemsMax);

      await until(() => collector.requests >= 3, "it is tried again");
      assertBounded(exporting, given);
      assert.equal(collector.atOnceMax <= 1, true, "one request at a time");
      collector.answer = undefined;
      collector.dropConnections();
      await until(() => collector.items("traces") >= queue.itemsMax, "what waited comes");
      exporting.exporter.spans(spansOf(10));
      await until(() => accountOf(exporting.exporter, "traces").sent === queue.itemsMax + 10, "what is new comes");
      assertBounded(exporting, given + 10);
      assert.deepEqual(exporting.log.messages("warn"), ["the collector of telemetry is out of reach"], "said once a minute");
      assert.deepEqual(exporting.log.messages("info"), ["the collector of telemetry answers again"]);
    });
  }

  test("is not there, then is", async () => {
    const once = new FakeCollector();
    await once.listen();
    const { port } = once;
    await once.close();
    await using exporting = await openExporting(port);
    const given = flood(exporting);
    await until(() => accountOf(exporting.exporter, "traces").failures >= 3, "it is tried again");
    assertBounded(exporting, given);
    assert.equal(exporting.log.lines[0]?.fields?.["reason"], "ECONNREFUSED");
    await using collector = new FakeCollector();
    await collector.listen(port);
    await until(() => collector.items("traces") === queue.itemsMax, "what waited comes");
  });

  test("is asked again no sooner than it says", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    const headers = ["7", new Date(Date.now() + 90_000).toUTCString(), "nonsense", "999999999"];
    collector.answer = (response) => void response.writeHead(503, { "retry-after": headers[collector.requests - 1] ?? "0" }).end();
    const clock = new HurriedClock(1_000);
    await using exporting = await openExporting(collector.port, { clock, target: { timeoutMs: 1_000_000 }, settings: { spans: { ...queue, tryMs: 10_000_000 } } });
    exporting.exporter.spans(spansOf(500));
    await until(() => collector.requests > 4, "it is asked a fifth time");
    collector.answer = undefined;
    const pausesMs = clock.waitsMs.filter((waitMs) => waitMs !== 1_000_000);
    assert.equal(pausesMs[0], 7_000);
    assert.ok((pausesMs[1] ?? 0) > 80_000 && (pausesMs[1] ?? 0) <= 90_000, `waits until the date: ${pausesMs[1]}`);
    assert.ok((pausesMs[2] ?? 40) < 40, "what cannot be read is no wish");
    assert.equal(pausesMs[3], 600_000, "ten minutes are the most that a collector can ask for");
  });

  test("loses a batch when that was tried for its time, so that newer ones get a turn", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    collector.answer = (response) => void response.writeHead(502).end();
    await using exporting = await openExporting(collector.port, { settings: { spans: { ...queue, tryMs: 50 } } });
    exporting.exporter.spans(spansOf(1_500));
    await until(() => accountOf(exporting.exporter, "traces").dropped["gave_up"] === 1_000, "two batches are given up");
    assert.ok(collector.requests >= 4, "each was tried more than once");
    assertBounded(exporting, 1_500);
  });
});

describe("a collector that never takes it", () => {
  const refusals: Readonly<Record<string, Answer>> = {
    "answers 500": (response) => void response.writeHead(500).end("<html>\n oops </html>"),
    "answers 400 with a status": (response) => void response.writeHead(400, { "content-type": "application/x-protobuf" }).end(Buffer.concat([Buffer.from([0x08, 0x03, 0x12, 0x04]), Buffer.from("oops")])),
    "answers 401": (response) => void response.writeHead(401).end("oops"),
    "points elsewhere": (response) => void response.writeHead(307, { location: "http://127.0.0.1:1/oops" }).end("oops"),
  };
  for (const [name, answer] of Object.entries(refusals)) {
    test(`${name}: dropped, told once, never repeated`, async () => {
      await using collector = new FakeCollector();
      await collector.listen();
      collector.answer = answer;
      await using exporting = await openExporting(collector.port);
      exporting.exporter.spans(spansOf(2_000));
      await until(() => accountOf(exporting.exporter, "traces").dropped["refused"] === 2_000, "all is refused");
      assert.equal(collector.requests, 4);
      assertBounded(exporting, 2_000);
      assert.deepEqual(exporting.log.messages("warn"), ["the collector refuses telemetry"]);
      assert.match(String(exporting.log.lines[0]?.fields?.["reason"]), /^status \d{3}: .*oops/);
    });
  }
});

describe("a collector that refuses", () => {
  test("one batch is sent the next at once, and more in a row only with pauses between them", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    let refusedUntil = 1;
    collector.answer = (response) => void response.writeHead(collector.requests <= refusedUntil ? 400 : 200).end();
    const clock = new HurriedClock(1_000);
    const backoff = { baseMs: 20_000, capMs: 60_000 };
    await using exporting = await openExporting(collector.port, { clock, options: { backoff, random: () => 0.5 }, target: { timeoutMs: 1_000_000 } });
    const pausesMs = (): readonly number[] => clock.waitsMs.filter((waitMs) => waitMs >= backoff.baseMs / 2 && waitMs <= backoff.capMs);
    exporting.exporter.spans(spansOf(1_000));
    await until(() => accountOf(exporting.exporter, "traces").sent === 500, "the second batch is taken");
    assert.deepEqual(pausesMs(), []);
    refusedUntil = collector.requests + 3;
    exporting.exporter.spans(spansOf(2_000));
    await until(() => accountOf(exporting.exporter, "traces").sent === 1_000, "the fourth batch of them is taken");
    assert.deepEqual(pausesMs(), [10_000, 20_000]);
    assert.equal(accountOf(exporting.exporter, "traces").dropped["refused"], 2_000);
    assertBounded(exporting, 3_000);
  });
});

describe("something that is no collector", () => {
  const socketAnswers: Readonly<Record<string, (socket: Socket) => void>> = {
    "reads one byte a second"(socket) {
      socket.pause();
      const timer = setInterval(() => socket.read(1), 1_000);
      socket.on("close", () => clearInterval(timer));
    },
    "answers with what is no HTTP"(socket) {
      socket.once("data", () => socket.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff, 0x0a, 0x0d])));
    },
    "closes every connection"(socket) {
      socket.destroy();
    },
  };
  for (const [name, answer] of Object.entries(socketAnswers)) {
    test(`${name}: memory is bounded, and the rest is counted`, async () => {
      const sockets = new Set<Socket>();
      const server: Server = createServer((socket) => {
        sockets.add(socket.on("error", () => undefined));
        answer(socket);
      });
      await listen(server);
      await using exporting = await openExporting(portOf(server), { target: { timeoutMs: 60 } });
      const given = flood(exporting, 20);
      await until(() => accountOf(exporting.exporter, "traces").failures >= 3, "it is tried again");
      assertBounded(exporting, given);
      await exporting.exporter.stop();
      const { dropped } = accountOf(exporting.exporter, "traces");
      assert.deepEqual(dropped, { queue_full: given - queue.itemsMax, stopped: queue.itemsMax });
      for (const socket of sockets) socket.destroy(); // one that is paused never sees that the other side has gone
      await new Promise((resolve) => server.close(resolve));
    });
  }

  test("says 200 and garbage: that was taken", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    for (const body of [Buffer.from([0x0a, 0xff, 0xff]), Buffer.from([0xff]), Buffer.from("<html>"), Buffer.alloc(300_000, 0x0a)]) {
      collector.answer = (response, request) => void request.resume().on("end", () => response.writeHead(200).end(body));
      for (const protocol of ["http/protobuf", "http/json"] as const) {
        await using exporting = await openExporting(collector.port, { target: { protocol } });
        exporting.exporter.spans(spansOf(500));
        await exporting.exporter.stop();
        assert.deepEqual(accountOf(exporting.exporter, "traces"), { sent: 500, dropped: {}, failures: 0 });
      }
    }
  });

  test("says 200 and never ends: that was taken, and the next batch gets its turn", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    collector.answer = (response) => void response.writeHead(200).write("x");
    await using exporting = await openExporting(collector.port, { target: { timeoutMs: 40 } });
    exporting.exporter.spans(spansOf(1_000));
    await until(() => accountOf(exporting.exporter, "traces").sent === 1_000, "both are taken");
    assert.equal(collector.requests, 2);
  });
});

describe("the end of an app", () => {
  test("waits for a collector that hangs no longer than it may, and counts what is lost", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    collector.answer = () => undefined;
    await using exporting = await openExporting(collector.port, { target: { timeoutMs: 60_000 }, options: { stopMs: 50 } });
    exporting.exporter.spans(spansOf(1_700));
    exporting.exporter.logs(logsOf(30));
    await exporting.exporter.stop();
    await exporting.exporter.stop();
    assert.deepEqual(accountOf(exporting.exporter, "traces").dropped, { stopped: 1_700 });
    assert.deepEqual(accountOf(exporting.exporter, "logs").dropped, { stopped: 30 });
    assert.deepEqual(exporting.log.lines.at(-1), { level: "warn", message: "telemetry was dropped since the start", fields: { traces: 1_700, logs: 30 } });
    exporting.exporter.spans(spansOf(3));
    assert.deepEqual(accountOf(exporting.exporter, "traces").dropped, { stopped: 1_703 }, "what comes later is counted as well");
    assert.deepEqual(exporting.exporter.backlog, { items: 0, bytes: 0 });
  });

  test("tries once more what waits for its next try", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    collector.answer = (response) => void response.writeHead(503, { "retry-after": "600" }).end();
    await using exporting = await openExporting(collector.port);
    exporting.exporter.spans(spansOf(1_000));
    await until(() => accountOf(exporting.exporter, "traces").failures === 1, "it has failed once");
    collector.answer = undefined;
    await exporting.exporter.stop();
    assert.deepEqual(accountOf(exporting.exporter, "traces"), { sent: 1_000, dropped: {}, failures: 1 });
  });
});

test("a reading of metrics that waits gives way to the next one, which says all of it", async () => {
  await using collector = new FakeCollector();
  await collector.listen();
  collector.answer = () => undefined;
  await using exporting = await openExporting(collector.port, { target: { timeoutMs: 100 } });
  for (let reading = 1; reading <= 50; reading += 1) exporting.exporter.metrics([counterOf(reading)]);
  assert.equal(exporting.exporter.backlog.items, 4, "one under way, one waiting, of two points each");
  collector.answer = undefined;
  await exporting.exporter.stop();
  const values = collector.received.flatMap(firstCounts);
  assert.equal(values.at(-1), 50);
  assert.deepEqual(accountOf(exporting.exporter, "metrics").dropped, { superseded: 96 });
});
