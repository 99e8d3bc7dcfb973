/**
 * The Fastify of `order` with its usual plugins, observed by OpenTelemetry's Node SDK as its own pages say: the SDK is
 * started first, with the instrumentation of HTTP and Fastify's own (@fastify/otel), and exports by OTLP in protobuf with
 * the SDK's batching. What cannot keep up would drop spans, so the queue is as long as Tenon's.
 */
import { FastifyOtelInstrumentation } from "@fastify/otel";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { NodeSDK } from "@opentelemetry/sdk-node";

process.env["OTEL_BSP_MAX_QUEUE_SIZE"] ??= "16384";
process.env["OTEL_LOGS_EXPORTER"] ??= "none";
const sdk = new NodeSDK({
  serviceName: "order",
  instrumentations: [new HttpInstrumentation(), new FastifyOtelInstrumentation({ registerOnInitialization: true })],
});
sdk.start();

await import("../order/fastify-stack.ts"); // after the SDK, which wraps what is loaded from now on
