/** What is said about running calls: spans, log lines, counts and durations. */
export { KnownValues, type TextMask } from "./known-values.ts";
export { type CallLine, type LogFormat, LogWriter, type LogWriterOptions, noTraceIds, type ReadyLine, type TraceIds } from "./log-writer.ts";
export { type Gauge, Histogram, Metrics, OperationMeter } from "./metrics.ts";
export { type Knower, noPrivacy, Privacy, type PrivacyOptions } from "./privacy.ts";
export { type LineWriter, type LogSource, ServiceLog } from "./service-log.ts";
export { describeError, type Hiding } from "./shown-value.ts";
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
