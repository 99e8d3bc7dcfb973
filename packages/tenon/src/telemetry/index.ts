/** What is said about running calls: spans, log lines, counts and durations. */
export { type BaggageEntry, baggageLimits, parseBaggage, toBaggage } from "./baggage.ts";
export { type TextFormat, textFormatTypes, toMetricsText } from "./exposition.ts";
export { Family, type MetricSpec } from "./family.ts";
export { KnownValues, type TextMask } from "./known-values.ts";
export { type LineSink, type LogFormat, type LoggedCall, LogWriter, type LogWriterOptions, noTraceIds, type ReadyLine, type TraceIds } from "./log-writer.ts";
export { type DeclaredMetric, type HistogramSpec, Metrics, type MetricsOptions, OperationMeter, type Reading, type WatchedSpec } from "./metrics.ts";
export { type Knower, noPrivacy, Privacy, type PrivacyOptions } from "./privacy.ts";
export { sampleAll, type SamplerName, samplerNames, type Sampling } from "./sampling.ts";
export { Counter, durationBoundsS, Gauge, Histogram, type TraceRef } from "./series.ts";
export { type LineWriter, type LogSource, ServiceLog } from "./service-log.ts";
export { describeError, type Hiding } from "./shown-value.ts";
export { SpanRecorder, type SpanRecorderOptions } from "./span-recorder.ts";
export { type ContextRunner, RecordedSpan, type SpanDetails, type SpannedCall, type SpanShape, Trace, type TraceOwner } from "./trace.ts";
export { parseTraceContext, parseTraceText, randomFlag, sampledFlag, type TraceContext, toTraceparent, toTraceText } from "./trace-context.ts";
export { parseTraceState } from "./trace-state.ts";
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
