/**
 * The telemetry store: traces, metrics and logs on disk, within limits of size and age; a receiver of OTLP in front of
 * it, and questions to it.
 */
export type { BusyOperation, BusyQuery } from "./busy-operations.ts";
export { bucketOf, type DurationCounts, quantileMs } from "./duration-histogram.ts";
export { type Intake, type Kept, type MetricPoint, type Resource } from "./intake.ts";
export type { LogEnd, LogFilter, LogPage, StoredLog } from "./log-search.ts";
export type { MetricQuery, StoredHistogram, StoredPoint, StoredSeries } from "./metric-query.ts";
export { defaultReceiverLimits, openOtlpReceiver, type OtlpReceiver, type OtlpReceiverLimits, type OtlpReceiverOptions } from "./otlp-receiver.ts";
export { MalformedBody } from "./otlp/protobuf-reader.ts";
export { type Encoding, readExport, type ReadExport, type Signal } from "./otlp/read-export.ts";
export { TelemetryStoreError } from "./segment-files.ts";
export type { Job, Outcome } from "./store-jobs.ts";
export { defaultStoreLimits, sizeMinBytes, type StoreLimits, toStoreLimits } from "./store-limits.ts";
export { StoreReader, type StoreSize } from "./store-reader.ts";
export { StoreWriter, type StoreWriterOptions } from "./store-writer.ts";
export { type StoreCounts, TelemetryStore } from "./telemetry-store.ts";
export type { StoredSpan, TraceFilter, TracePage, TraceSummary } from "./trace-search.ts";
