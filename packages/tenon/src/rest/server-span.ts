/** Spans of requests: how they look, by the semantic conventions of OpenTelemetry for HTTP, and what they go on from. */
import type { Operation } from "../contract/index.ts";
import { operationAttributes, slowMsOf } from "../calls/index.ts";
import { type FaultCode, faultTable } from "../kernel/index.ts";
import { parseTraceContext, type SpanShape, type TraceContext } from "../telemetry/index.ts";
import type { HttpRequest } from "./ports.ts";

export interface Route {
  readonly method: string;
  /** With its parameters by name: `/orders/{id}`. */
  readonly path: string;
  /** Of an answer that is no failure. An answer to a condition (304) is told as this one. */
  readonly status: number;
}

export function serverShape(operation: Operation, { method, path, status }: Route): SpanShape {
  const statuses = new Map<string, number>([["ok", status]]);
  for (const [reason, error] of Object.entries(operation.errors)) statuses.set(reason, error.status);
  return {
    name: `${method} ${path}`,
    kind: "server",
    attributes: { "http.request.method": method, "http.route": path, ...operationAttributes(operation) },
    slowMs: slowMsOf(operation),
    attributesOf: (code) => ({ "http.response.status_code": statuses.get(code) ?? faultTable[code as FaultCode].http }),
  };
}

/** What the caller's own span is, where it says so. */
export function continuedBy(request: HttpRequest): TraceContext | undefined {
  const parent = request.header("traceparent");
  return parent === undefined ? undefined : parseTraceContext(parent, request.header("tracestate"));
}
