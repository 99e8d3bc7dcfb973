/** Telemetry reaches a collector that is well, as OpenTelemetry's own decoder reads it. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, test } from "node:test";
import { accountOf, counterOf, HurriedClock, logsOf, openExporting, queue, spansOf, until } from "./exporting.ts";
import { FakeCollector } from "./fake-collector.ts";
import { encodePartialSuccess, firstCounts } from "./oracle.ts";

describe("an exporter", () => {
  for (const protocol of ["http/protobuf", "http/json"] as const) {
    for (const compression of ["none", "gzip"] as const) {
      test(`sends all three signals in ${protocol}, compressed: ${compression}`, async () => {
        await using collector = new FakeCollector();
        await collector.listen();
        await using exporting = await openExporting(collector.port, { target: { protocol, compression, headers: { "x-token": "abc" } } });
        const { exporter } = exporting;
        exporter.spans(spansOf(300));
        exporter.logs(logsOf(200));
        exporter.metrics([counterOf(7)]);
        await exporter.stop();

        assert.deepEqual(Object.fromEntries(collector.received.map(({ items, path }) => [path, items.length])), { "/v1/logs": 200, "/v1/metrics": 1, "/v1/traces": 300 });
        for (const { headers, resource, scope } of collector.received) {
          assert.deepEqual(resource, { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] });
          assert.equal(scope["name"], "tenon");
          assert.equal(headers["x-token"], "abc");
          assert.equal(headers["content-encoding"], compression === "gzip" ? "gzip" : undefined);
        }
        assert.deepEqual(accountOf(exporter, "traces"), { sent: 300, dropped: {}, failures: 0 });
        assert.deepEqual(accountOf(exporter, "logs"), { sent: 200, dropped: {}, failures: 0 });
        assert.deepEqual(accountOf(exporter, "metrics"), { sent: 2, dropped: {}, failures: 0 });
      });
    }
  }

  test("fills batches by count, and sends the rest when its time is up, one request of a signal at a time, over one connection", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    await using exporting = await openExporting(collector.port);
    for (const one of spansOf(1_200)) exporting.exporter.spans([one]);
    await until(() => collector.items("traces") === 1_200, "all spans have come");
    assert.deepEqual(collector.received.map(({ items }) => items.length), [500, 500, 200]);
    assert.deepEqual([collector.atOnceMax, collector.connections], [1, 1]);
    assert.deepEqual(collector.received.flatMap(({ items }) => items.map((item) => item["name"])), spansOf(1_200).map(({ name }) => name), "in order");
  });

  test("counts what a collector takes a request without", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    collector.acceptance = encodePartialSuccess("traces", 40, "too old");
    await using exporting = await openExporting(collector.port);
    exporting.exporter.spans(spansOf(100));
    await exporting.exporter.stop();
    assert.deepEqual(accountOf(exporting.exporter, "traces"), { sent: 60, dropped: { rejected: 40 }, failures: 0 });
    assert.deepEqual(exporting.log.lines[0], { level: "warn", message: "the collector did not take all telemetry", fields: { signal: "traces", rejected: 40, reason: "too old", dropped: 40 } });
  });

  test("counts it in JSON too", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    collector.acceptance = Buffer.from('{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}');
    await using exporting = await openExporting(collector.port, { target: { protocol: "http/json" } });
    exporting.exporter.logs(logsOf(10));
    await exporting.exporter.stop();
    assert.deepEqual(accountOf(exporting.exporter, "logs"), { sent: 7, dropped: { rejected: 3 }, failures: 0 });
  });

  test("drops an item that cannot be read, and nothing else", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    await using exporting = await openExporting(collector.port);
    const [first, second] = spansOf(2);
    assert.ok(first !== undefined && second !== undefined);
    exporting.exporter.spans([first, { ...first, get attributes(): never { throw new Error("gone"); } }, { ...first, name: "x".repeat(2_000_000) }, second]);
    await exporting.exporter.stop();
    assert.deepEqual(collector.received[0]?.items.map((item) => item["name"]), ["span 0", "span 1"]);
    assert.deepEqual(accountOf(exporting.exporter, "traces"), { sent: 2, dropped: { unencodable: 2 }, failures: 0 });
  });

  test("reads metrics at each interval and once more at the end, and goes on when a reading fails", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    let readings = 0;
    const metrics = (): readonly ReturnType<typeof counterOf>[] => {
      readings += 1;
      if (readings === 2) throw new Error("not now");
      return [counterOf(readings)];
    };
    await using exporting = await openExporting(collector.port, { settings: { metrics: { intervalMs: 15, tryMs: 1_000 } }, options: { metrics } });
    exporting.exporter.start();
    await until(() => collector.received.length >= 3, "three readings have come");
    await exporting.exporter.stop();
    assert.deepEqual(exporting.log.messages("error"), ["metrics cannot be read"]);
    const values = collector.received.flatMap(firstCounts);
    assert.deepEqual(values.slice(0, 3), [1, 3, 4]);
    assert.equal(values.at(-1), readings, "the last one is of the end");
  });

  test("tells its own counts as metrics", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    await using exporting = await openExporting(collector.port);
    exporting.exporter.spans(spansOf(5));
    await exporting.exporter.stop();
    const families = new Map(exporting.exporter.families().map((family) => [family.name, family.series]));
    assert.equal(families.get("tenon_telemetry_sent")?.find(({ labels }) => labels["signal"] === "traces")?.value, 5);
    assert.equal(families.get("tenon_telemetry_dropped")?.length, 21);
    assert.equal(families.get("tenon_telemetry_failures")?.find(({ labels }) => labels["signal"] === "logs")?.value, 0);
  });

  test("works outside of the call whose span filled the batch", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    await using exporting = await openExporting(collector.port);
    const call = new AsyncLocalStorage<string>();
    const calls: (string | undefined)[] = [];
    const note = (): void => void calls.push(call.getStore());
    subscribe("http.client.request.start", note);
    call.run("a call", () => exporting.exporter.spans(spansOf(500)));
    await until(() => collector.received.length === 1, "the batch has come");
    unsubscribe("http.client.request.start", note);
    assert.deepEqual(calls, [undefined]);
  });

  test("does not take the end of a kept connection for a failure", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    await using exporting = await openExporting(collector.port);
    for (let round = 1; round <= 20; round += 1) {
      exporting.exporter.spans(spansOf(500));
      await until(() => collector.items("traces") === round * 500, `batch ${round} has come`);
      collector.dropConnections();
    }
    assert.deepEqual(accountOf(exporting.exporter, "traces").dropped, {});
  });

  test("does nothing for a signal without a target", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    await using exporting = await openExporting(collector.port, { settings: { targets: {} } });
    exporting.exporter.spans(spansOf(3));
    exporting.exporter.logs(logsOf(3));
    exporting.exporter.metrics([counterOf(1)]);
    await exporting.exporter.stop();
    assert.deepEqual([exporting.exporter.tallies, collector.requests], [[], 0]);
  });

  test("keeps no timer while nothing comes", async () => {
    await using collector = new FakeCollector();
    await collector.listen();
    const clock = new HurriedClock();
    await using exporting = await openExporting(collector.port, { clock });
    exporting.exporter.spans(spansOf(queue.batchItemsMax));
    await until(() => collector.received.length === 1, "the batch has come");
    assert.deepEqual(clock.waitsMs, [1_000], "the request's own end, and no other");
  });
});
