/** Spans of the platform in the words of the API. */
import type { SpanContext } from "@opentelemetry/api";
import type { Trace } from "../telemetry/index.ts";
import type { Api } from "./api.ts";

export function toSpanContext(api: Api, trace: Trace, spanId: string): SpanContext {
  const context = { traceId: trace.id, spanId, traceFlags: trace.flags };
  return trace.state === "" ? context : { ...context, traceState: api.createTraceState(trace.state) };
}
