/** Telemetry to OpenTelemetry collectors: OTLP over HTTP, in protobuf or JSON. */
export type { Protocol } from "./batch-encoder.ts";
export { Exporter, type ExporterOptions, type ExporterSettings, openExporter, type Target } from "./exporter.ts";
export type { QueueLimits } from "./lane.ts";
export { createResource, type ServiceIdentity } from "./resource.ts";
export { type DropReason, type SignalName, Tally } from "./tally.ts";
