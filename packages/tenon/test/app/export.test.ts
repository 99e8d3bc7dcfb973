/** The standard variables of OpenTelemetry say where telemetry goes, and an app that runs sends it there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { contract } from "../../src/contract/index.ts";
import { parseConfig, startApp, toExporterSettings } from "../../src/app/index.ts";
import type { ExporterSettings } from "../../src/otlp/index.ts";
import { app, service } from "../../src/service/index.ts";
import { FakeCollector } from "../otlp/fake-collector.ts";
import { attributesOf } from "../otlp/oracle.ts";

function settingsOf(values: Readonly<Record<string, string>>): ExporterSettings | undefined {
  return toExporterSettings(parseConfig([{ name: "environment", values }]).config);
}

function problemsOf(values: Readonly<Record<string, string>>): readonly string[] {
  try {
    settingsOf(values);
  } catch (error) {
    return (error as { readonly problems: readonly string[] }).problems;
  }
  return [];
}

describe("where telemetry goes", () => {
  test("is nowhere without an endpoint, and where the SDK is disabled or every exporter is none", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" };
    assert.equal(settingsOf({}), undefined);
    assert.equal(settingsOf({ ...endpoint, OTEL_SDK_DISABLED: "True" }), undefined);
    assert.equal(settingsOf({ ...endpoint, OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "None" }), undefined);
    assert.deepEqual(Object.keys(settingsOf({ ...endpoint, OTEL_LOGS_EXPORTER: "none" })?.targets ?? {}), ["traces", "metrics"]);
  });

  test("is below the common endpoint, with its own path kept", () => {
    for (const [endpoint, traces] of [
      ["http://localhost:4318", "http://localhost:4318/v1/traces"],
      ["http://localhost:4318/", "http://localhost:4318/v1/traces"],
      ["https://otel.example/tenants/7/", "https://otel.example/tenants/7/v1/traces"],
      ["https://otel.example/in?key=1", "https://otel.example/in/v1/traces?key=1"],
    ] as const) {
      assert.equal(settingsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })?.targets.traces?.url, traces);
    }
  });

  test("is exactly the endpoint of a signal, where it has one", () => {
    const settings = settingsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://traces.example:9/in" });
    assert.deepEqual([settings?.targets.traces?.url, settings?.targets.logs?.url], ["http://traces.example:9/in", "http://localhost:4318/v1/logs"]);
    assert.deepEqual(Object.keys(settingsOf({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://localhost:4318/m" })?.targets ?? {}), ["metrics"]);
  });

  test("what is said of a signal stands above what is said of all, headers whole", () => {
    const settings = settingsOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
      OTEL_EXPORTER_OTLP_PROTOCOL: "HTTP/JSON",
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic%20YTpi, x-tenant = 7 ",
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: "x-other=1%2C2",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "700",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "none",
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/etc/ca.pem",
      OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY: "/etc/key.pem",
      OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE: "/etc/cert.pem",
    });
    const common = { certificate: "/etc/ca.pem", clientKey: "", clientCertificate: "" };
    const headers = { authorization: "Basic YTpi", "x-tenant": "7" };
    assert.deepEqual(settings?.targets, {
      traces: { ...common, url: "http://localhost:4318/v1/traces", protocol: "http/json", headers, timeoutMs: 2_500, compression: "none" },
      metrics: { ...common, url: "http://localhost:4318/v1/metrics", protocol: "http/json", headers, timeoutMs: 700, compression: "gzip", clientKey: "/etc/key.pem", clientCertificate: "/etc/cert.pem" },
      logs: { ...common, url: "http://localhost:4318/v1/logs", protocol: "http/protobuf", headers: { "x-other": "1,2" }, timeoutMs: 2_500, compression: "gzip" },
    });
  });

  test("queues, intervals and the resource come from their variables", () => {
    const settings = settingsOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=ignored,deployment.environment.name=a%20%3D%20b,team=%C3%BC",
      OTEL_SERVICE_NAME: "shop",
      OTEL_BSP_SCHEDULE_DELAY: "10",
      OTEL_BSP_EXPORT_TIMEOUT: "20",
      OTEL_BSP_MAX_QUEUE_SIZE: "30",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "5",
      OTEL_METRIC_EXPORT_INTERVAL: "40",
      OTEL_METRIC_EXPORT_TIMEOUT: "50",
    });
    assert.deepEqual(settings?.resource, { "service.name": "shop", "deployment.environment.name": "a = b", team: "ü" });
    assert.deepEqual(settings?.spans, { itemsMax: 30, batchItemsMax: 5, delayMs: 10, tryMs: 20 });
    assert.deepEqual(settings?.logs, { itemsMax: 16_384, batchItemsMax: 512, delayMs: 1_000, tryMs: 30_000 });
    assert.deepEqual(settings?.metrics, { intervalMs: 40, tryMs: 50 });
  });

  test("every mistake is told, and no header", () => {
    assert.deepEqual(
      problemsOf({
        OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318",
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://me:secret@localhost/",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
        OTEL_EXPORTER_OTLP_HEADERS: "hunter2",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a b=hunter2",
        OTEL_EXPORTER_OTLP_LOGS_HEADERS: "a=%0d%0ahunter2",
        OTEL_EXPORTER_OTLP_CLIENT_KEY: "key.pem",
        OTEL_RESOURCE_ATTRIBUTES: "team=100%",
        OTEL_TRACES_EXPORTER: "zipkin",
        OTEL_BSP_MAX_QUEUE_SIZE: "100",
      }),
      [
        'OTEL_EXPORTER_OTLP_ENDPOINT="localhost:4318" (from environment) must be a URL that starts with https:// or http://',
        'OTEL_EXPORTER_OTLP_PROTOCOL="grpc" (from environment) must be http/protobuf or http/json: gRPC is not spoken here; collectors take HTTP at port 4318',
        "OTEL_EXPORTER_OTLP_HEADERS (from environment) must be name=value, several with commas between",
        'OTEL_TRACES_EXPORTER="zipkin" (from environment) must be one of otlp, none',
        'OTEL_RESOURCE_ATTRIBUTES="team=100%" (from environment) must be percent-encoded: a % stands before two hexadecimal digits, and %25 for itself',
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS (from environment) has a name that no header can have",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT (from environment) must hold no user and no password: OTEL_EXPORTER_OTLP_HEADERS is for what is secret",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS (from environment) has a value that no header can have",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is above OTEL_BSP_MAX_QUEUE_SIZE: such a batch never fills",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE go together, and one is missing for traces",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE go together, and one is missing for metrics",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE go together, and one is missing for logs",
      ],
    );
  });

  test("what refines a setting for one signal is shown where it is set", () => {
    const { lines } = parseConfig([{ name: "environment", values: { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "5", OTEL_EXPORTER_OTLP_HEADERS: "a=hunter2", OTEL_RESOURCE_ATTRIBUTES: "a=1,b=%20" } }]);
    const shown = new Map(lines.map(({ env, value }) => [env, value]));
    assert.deepEqual([shown.get("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"), shown.has("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT")], ["5", false]);
    assert.deepEqual([shown.get("OTEL_EXPORTER_OTLP_HEADERS"), shown.get("OTEL_RESOURCE_ATTRIBUTES")], ["***", "a=1,b= "]);
  });
});

test("an app that runs sends its metrics, says who it is, and sends the last of it when it stops", async () => {
  await using collector = new FakeCollector();
  await collector.listen();
  const shop = app("shop", { services: [service(contract("greetings", {}), { handlers: {} })] });
  const values = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`, OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=one" };
  const started = await startApp(shop, { layers: [{ name: "environment", values }] });
  await started.stop();

  const [received] = collector.received;
  assert.equal(received?.path, "/v1/metrics");
  const resource = attributesOf(received?.resource);
  assert.deepEqual(["service.name", "service.instance.id", "telemetry.sdk.name", "telemetry.sdk.language"].map((name) => resource.get(name)?.["stringValue"]), ["shop", "one", "tenon", "nodejs"]);
  assert.equal(resource.get("process.runtime.version")?.["stringValue"], process.versions.node);
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version?: string };
  assert.equal(resource.get("service.version")?.["stringValue"], manifest.version, "of the app's manifest, if it says one");
  assert.ok(received?.items.some(({ name }) => name === "tenon_telemetry_sent"));
});

test("an app whose collector is not there starts and stops as ever", async () => {
  const shop = app("shop", { services: [service(contract("greetings", {}), { handlers: {} })] });
  const values = { PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "error", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" };
  const started = await startApp(shop, { layers: [{ name: "environment", values }] });
  assert.equal((await fetch(`http://127.0.0.1:${started.port}/health/live`)).status, 200);
  await started.stop();
});
