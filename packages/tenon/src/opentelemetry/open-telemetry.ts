/**
 * Registers the platform with the package `@opentelemetry/api`, which keeps one provider for the whole process. Somebody
 * else's that is there already stays: two would each tell half of a trace.
 *
 * From then on each handler runs in a context of Node's `AsyncLocalStorage`, which costs a call about half a microsecond.
 * An app without the package in its dependencies does not pay for it, and does not load this room.
 */
import type { Log } from "../kernel/index.ts";
import type { SpanRecorder } from "../telemetry/index.ts";
import { loadApi } from "./api.ts";
import { CallContexts } from "./call-contexts.ts";
import { Propagator } from "./propagator.ts";
import { UserTracer } from "./user-tracer.ts";

export interface OpenTelemetry {
  /** Takes the platform out of the package again. Idempotent. */
  close(): void;
}

/** @throws {Fault} `unimplemented` when the package is not installed. */
export async function openOpenTelemetry(spans: SpanRecorder, log: Log): Promise<OpenTelemetry> {
  const api = await loadApi();
  const contexts = new CallContexts(api);
  const tracers = { getTracer: (name: string, version?: string) => new UserTracer({ api, spans, name, version }) };
  const hasContexts = api.context.setGlobalContextManager(contexts);
  if (!hasContexts || !api.trace.setGlobalTracerProvider(tracers)) {
    if (hasContexts) api.context.disable();
    log.warn("@opentelemetry/api has a provider already, which stays: spans of the app's own code go there, and are no part of Tenon's traces");
    return { close: () => undefined };
  }
  api.propagation.setGlobalPropagator(new Propagator(api));
  spans.contexts = contexts;
  spans.activeSpanId = (traceId) => contexts.activeSpanId(traceId);
  let isOpen = true;
  return {
    close() {
      if (!isOpen) return;
      isOpen = false;
      spans.contexts = undefined;
      spans.activeSpanId = undefined;
      api.trace.disable();
      api.context.disable();
      api.propagation.disable();
    },
  };
}
