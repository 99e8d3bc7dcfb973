/** How spans of calls look: what is the same for every call of an operation, made once. */
import type { Operation } from "../contract/index.ts";
import { parseDuration } from "../kernel/index.ts";
import type { SpanShape } from "../telemetry/index.ts";

/** Where an operation promises no latency, in ms: nobody waits for a page that long without noticing. */
const slowDefaultMs = 1_000;

/**
 * A call that takes longer is kept, whether its trace is sampled or not: the highest percentile of the operation's
 * objective for latency, or 1 000 ms.
 */
export function slowMsOf({ objective }: Pick<Operation, "objective">): number {
  const { p50, p95, p99 } = objective?.latency ?? {};
  const limit = p99 ?? p95 ?? p50;
  return (limit === undefined ? undefined : parseDuration(limit)) ?? slowDefaultMs;
}

/** A call from one service to another in this process, and any other that no face has made. */
export function internalShape(operation: Operation): SpanShape {
  return { name: operation.id, kind: "internal", attributes: operationAttributes(operation), slowMs: slowMsOf(operation) };
}

export function operationAttributes({ id, kind, service }: Operation): Readonly<Record<string, string>> {
  return { "tenon.operation": id, "tenon.service": service, "tenon.kind": kind };
}
