/** What is said about running calls: log lines, counts and durations. */
export { type LogFormat, LogWriter, type LogWriterOptions } from "./log-writer.ts";
export { type Gauge, Histogram, Metrics, OperationMeter } from "./metrics.ts";
