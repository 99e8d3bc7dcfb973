/** One trace through two processes. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startApp } from "../../src/app/index.ts";
import type { Span } from "../../src/telemetry/index.ts";
import spread from "./spread-services.ts";

test("a call to another process is one trace: what was asked here, sent there, and answered there", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tenon-trace-"));
  const spans: Span[] = [];
  const start = (values: Readonly<Record<string, string>>) =>
    startApp(spread, {
      layers: [{ name: "test", values: { TENON_DIRECTORY: directory, PORT: "0", HOST: "127.0.0.1", SERVICES_PORT: "0", LOG_LEVEL: "error", DRAIN_MS: "500", ...values } }],
      output: { isTerminal: false, hasColors: false, fd: 2 },
      telemetry: { spans: (some) => void spans.push(...some) },
    });
  const stock = await start({ SERVICES_ONLY: "stock" });
  const desk = await start({ SERVICES_ONLY: "desk", SERVICES_URL: `https://localhost:${stock.servicesPort}` });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const response = await fetch(`${desk.url}/ask`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: "vendor=1" },
    body: JSON.stringify({ what: "take", input: { sku: "none" } }),
  });
  await response.json();
  await desk.stop();
  await stock.stop();
  await rm(directory, { recursive: true });

  const ours = spans.filter((span) => span.traceId === traceId);
  const byId = new Map(ours.map((span) => [span.spanId, span]));
  const path: string[] = [];
  for (let at = ours.find(({ kind, name }) => kind === "server" && name.includes("stock.take")); at !== undefined; at = byId.get(at.parentSpanId)) path.push(`${at.kind} ${String(at.attributes["tenon.operation"])}`);
  assert.deepEqual(path, ["server stock.take", "client stock.take", "server desk.ask"]);
  assert.deepEqual(ours.map(({ traceState }) => traceState), ["vendor=1", "vendor=1", "vendor=1"]);
});
