/** The telling app as a process of its own; `COLLECTOR_URL` says where its spans go while it is told to export. */
import { startApp } from "tenon/app";
import { systemClock } from "../../packages/tenon/src/app/index.ts";
import { openExporter } from "../../packages/tenon/src/otlp/index.ts";
import { tellingApp } from "./app.ts";

const url = process.env["COLLECTOR_URL"] ?? "";
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const limits = { itemsMax: 16_384, batchItemsMax: 512, delayMs: 1_000, tryMs: 2_000 };
const target = { url, protocol: "http/protobuf", headers: {}, timeoutMs: 1_000, compression: "none", certificate: "", clientKey: "", clientCertificate: "" } as const;
const settings = { targets: { traces: target }, resource: { "service.name": "telling" }, spans: limits, logs: limits, metrics: { intervalMs: 60_000, tryMs: 1_000 } };

const telling = tellingApp(() => openExporter(settings, { clock: systemClock, random: Math.random, log: silent, stopMs: 200 }));
const started = await startApp(telling, { layers: [{ name: "environment", values: process.env }] });
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => void started.stop().then(() => process.exit(0)));
process.send?.({ port: started.port });
