/** The page of metrics as Prometheus itself reads it: its linter, and a server that scrapes a running app. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import * as z from "zod";
import { app, contract, counter, query, service } from "tenon";
import { startApp, type StartedApp } from "../../src/app/index.ts";
import { PrometheusServer, skip } from "./prometheus-server.ts";

const awkward = 'a "quoted"\n\\ line';
const greeted = counter("people_greeted", { help: 'People, "greeted"\nby \\ name.', labels: ["name"] });
const traceId = "0af7651916cd43dd8448eb211c80319c";
const hello = contract("hello", { greet: query({ http: "GET /hello", access: "public", output: z.object({ text: z.string() }) }) });
const greeter = app("greeter", {
  services: [
    service(hello, {
      handlers: {
        greet({ measure }) {
          measure(greeted, 1, { name: awkward });
          return { text: "hello" };
        },
      },
    }),
  ],
});

interface Found {
  readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [time: number, value: string] }[];
}

describe("Prometheus", { skip }, () => {
  let started: StartedApp;
  let prometheus: PrometheusServer;

  before(async () => {
    started = await startApp(greeter, { layers: [{ name: "test", values: { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error" } }] });
    for (let i = 0; i < 3; i++) await (await fetch(`${started.url}/hello`)).text();
    const { metrics } = started.open;
    metrics.operation("hello.greet").observe("ok", 300, { traceId, spanId: "b7ad6b7169203331" });
    prometheus = await PrometheusServer.start(new URL(started.url).host);
  });
  after(async () => {
    await prometheus.stop();
    await started.stop();
  });

  async function valueOf(expression: string): Promise<Found["result"]> {
    const { result } = await prometheus.eventually<Found>(`/api/v1/query?query=${encodeURIComponent(expression)}`, (data) => (data?.result.length ?? 0) > 0);
    return result;
  }

  test("finds nothing to complain about in the page", async () => {
    const page = await (await fetch(`${started.url}/metrics`)).text();
    const { output, status } = spawnSync("promtool", ["check", "metrics"], { input: page, timeout: 10_000, encoding: "utf8" });
    assert.equal(status, 0, String(output));
    assert.equal(String(output).replaceAll(/[,\s]|null/g, ""), "");
  });

  test("scrapes it as OpenMetrics: no parse error, the target is up", async () => {
    const { activeTargets } = await prometheus.eventually<{ readonly activeTargets: readonly { readonly health: string; readonly lastError: string }[] }>("/api/v1/targets", (data) => ["up", "down"].includes(data?.activeTargets[0]?.health ?? ""));
    assert.deepEqual(activeTargets.map(({ health, lastError }) => [health, lastError]), [["up", ""]]);
    // Only OpenMetrics has it: the instant at which the app began to count.
    const [created] = await valueOf('tenon_calls_created{operation="hello.greet",code="ok"}');
    assert.ok(Math.abs(Number(created?.value[1]) - Date.now() / 1000) < 120);
  });

  test("reads calls, durations and labels as they were written", async () => {
    const [calls] = await valueOf('tenon_calls_total{operation="hello.greet",code="ok"}');
    assert.equal(calls?.value[1], "4");
    const [quantile] = await valueOf('histogram_quantile(1, sum by (le) (tenon_call_duration_seconds_bucket{operation="hello.greet"}))');
    assert.equal(quantile?.value[1], "0.5");
    const [greetings] = await valueOf("people_greeted_total");
    assert.equal(greetings?.metric["name"], awkward);
    assert.equal(greetings?.value[1], "3");
  });

  test("knows types, units and the words of help", async () => {
    const known = await prometheus.eventually<Readonly<Record<string, readonly { readonly type: string; readonly help: string; readonly unit: string }[]>>>("/api/v1/metadata", (data) => data?.["people_greeted"] !== undefined);
    assert.deepEqual(known["tenon_call_duration_seconds"]?.map(({ type, unit }) => [type, unit]), [["histogram", "seconds"]]);
    assert.deepEqual(known["people_greeted"]?.map(({ help, type }) => [type, help]), [["counter", greeted.help]]);
  });

  test("keeps the exemplar of a bucket, with its trace", async () => {
    const end = Date.now() / 1000 + 60;
    const query = new URLSearchParams({ query: "tenon_call_duration_seconds_bucket", start: String(end - 3_600), end: String(end) });
    const found = await prometheus.eventually<readonly { readonly seriesLabels: Readonly<Record<string, string>>; readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[] }[]>(
      `/api/v1/query_exemplars?${query.toString()}`,
      (data) => (data?.length ?? 0) > 0,
    );
    assert.deepEqual(found.map(({ exemplars, seriesLabels: { le } }) => [le, exemplars.map(({ labels, value }) => [labels["trace_id"], labels["span_id"], value])]), [["0.5", [[traceId, "b7ad6b7169203331", "0.3"]]]]);
  });
});
