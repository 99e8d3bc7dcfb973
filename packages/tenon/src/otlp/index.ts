/** Telemetry to OpenTelemetry collectors: OTLP over HTTP, in protobuf or JSON. */
export { type BatchEncoder, createBatchEncoder, type ItemFormat, logFormat, metricFormat, type Origin, type Protocol, spanFormat } from "./batch-encoder.ts";
export { Exporter, type ExporterOptions, type ExporterSettings, openExporter, type Target } from "./exporter.ts";
export { type QueueLimits, queueMaxBytes } from "./lane.ts";
export { createResource, type ServiceIdentity } from "./resource.ts";
export { type DropReason, type SignalName, Tally } from "./tally.ts";
