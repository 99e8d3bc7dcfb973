/** What is said about running calls: spans, log lines, counts and durations. */
export { type LogFormat, LogWriter, type LogWriterOptions } from "./log-writer.ts";
export { durationBoundsS, type Gauge, Histogram, Metrics, OperationMeter } from "./metrics.ts";
export {
  type Attributes,
  type AttributeValue,
  type Exemplar,
  type HistogramValue,
  type Labels,
  type LogRecord,
  type MetricFamily,
  type Series,
  type Span,
  type SpanEvent,
  type SpanKind,
  spanKinds,
  type SpanLink,
  type TelemetrySink,
} from "./signals.ts";
