/**
 * Surrounds every call: counts it, times it, writes its one log line, records its span, and makes sure that what leaves is a Fault. What
 * is a bug is logged here, whole, and nowhere else.
 */
import type { Operation } from "../contract/index.ts";
import { type Clock, Fault, faultTable, type LogLevel } from "../kernel/index.ts";
import { type LogWriter, type Metrics, RecordedSpan, type SpanRecorder, type SpanShape, type Trace } from "../telemetry/index.ts";
import { isGivenWay } from "./admit.ts";
import type { Call } from "./call.ts";
import { internalShape } from "./call-shape.ts";
import type { CallMeters, CallOutcome } from "./ports.ts";
import { type Handler, isPromise, type Stage } from "./stage.ts";

export interface RecordOptions {
  readonly metrics: Metrics;
  readonly log: LogWriter;
  readonly clock: Clock;
  /** What the metrics call it. Default: the kind of the operation, `query` or `command`. */
  readonly kind?: string;
  /** Where calls are counted by the objectives of their contracts. */
  readonly objectives?: CallMeters | undefined;
  /** Left out: calls are in no trace. */
  readonly spans?: SpanRecorder | undefined;
  /** Who tells of a bug, with its stack. Default `log`: it is told here. */
  readonly bugs?: "log" | "leave to others";
}

export function record(options: RecordOptions): Stage {
  const { metrics, log, clock, objectives, spans, bugs = "log", kind } = options;

  return {
    name: "record",
    compile(operation: Operation, next: Handler): Handler {
      const meter = metrics.operation(operation.id, kind ?? operation.kind);
      const shape = internalShape(operation);
      const judge = objectives?.meterOf(operation, "calls");
      const probeJudge = operation.probe === undefined ? undefined : objectives?.meterOf(operation, "probes");

      function ended(call: Call, code: string, level: LogLevel, outcome: CallOutcome | "not counted"): void {
        const endedMs = call.endedAtMs ?? clock.elapsedMs();
        const ms = endedMs - call.startedAtMs;
        const { trace } = call;
        let span: RecordedSpan | undefined;
        if (trace !== undefined && trace.owner.isOn) {
          span = spanOf(call, shape, { code, endedMs, isError: level === "warn" });
          trace.owner.add(span);
        }
        meter.observe(code, ms, span);
        call.isRecorded = true;
        if (call.measured !== undefined) for (const { labels, metric, value } of call.measured) metrics.measure(metric, value, labels);
        if (outcome !== "not counted") (call.isProbe ? probeJudge : judge)?.observe(outcome, ms);
        log.call(level, { operation: operation.id, code, id: call.id, ms, trace: trace?.id });
      }

      function failed(call: Call, thrown: unknown): Fault {
        const fault = Fault.from(thrown);
        fault.operation ??= operation.id;
        const { atFault } = faultTable[fault.code];
        ended(call, fault.publicCode, atFault === "caller" ? "info" : "warn", isGivenWay(fault) ? "not counted" : atFault === "caller" ? "caller" : "service");
        if (fault.code === "internal" && bugs === "log") log.error("a call failed by a bug", { operation: operation.id, call: call.id, error: fault.cause ?? fault });
        else if (fault.cause !== undefined) log.debug("why a call failed", { operation: operation.id, call: call.id, code: fault.code, error: fault.cause });
        return fault;
      }

      return (call) => {
        if (spans !== undefined) join(call, spans);
        let result: unknown;
        try {
          result = spans?.contexts === undefined ? next(call) : spans.contexts.run(call, next);
        } catch (thrown) {
          throw failed(call, thrown);
        }
        if (!isPromise(result)) {
          ended(call, "ok", "info", "answered");
          return result;
        }
        return result.then(
          (value) => {
            ended(call, "ok", "info", "answered");
            return value;
          },
          (thrown: unknown) => {
            throw failed(call, thrown);
          },
        );
      };
    },
  };
}

/** Puts a call into a trace: that of the call it is part of, that of a caller elsewhere, or one that begins here. */
function join(call: Call, spans: SpanRecorder): void {
  const { continues, parent } = call;
  if (parent?.trace === undefined) {
    call.trace = spans.begin(call.id, continues);
    if (continues !== undefined) call.parentSpanId = continues.spanId;
    return;
  }
  call.trace = parent.trace;
  call.parentSpanId = spans.activeSpanId?.(parent.trace.id) ?? parent.id;
}

function spanOf(call: Call, shape: SpanShape, outcome: { readonly code: string; readonly endedMs: number; readonly isError: boolean }): RecordedSpan {
  const { details, id, links, parentSpanId: parentId, startedAtMs: startedMs, trace } = call;
  const span = new RecordedSpan(call.shape ?? shape, trace as Trace, { parentId, startedMs, id });
  span.endedMs = outcome.endedMs;
  span.code = outcome.code;
  span.isError = outcome.isError;
  if (links === undefined) span.details = details;
  else span.details = { ...details, links: [...links, ...(details?.links ?? [])] };
  return span;
}
