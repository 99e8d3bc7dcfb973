/**
 * Surrounds every call: counts it, times it, writes its one log line, records its span, and makes sure that what leaves is
 * a Fault, and that no text of it, nor of what is behind it, holds what the contract classes. What is a bug is logged here,
 * whole, and nowhere else.
 */
import type { Operation } from "../contract/index.ts";
import { type Clock, DeclaredFault, Fault, type FaultCode, faultTable, type LogLevel } from "../kernel/index.ts";
import { describeError, type LogWriter, type Metrics, noPrivacy, type Privacy, RecordedSpan, type SpanRecorder, type SpanShape, type Trace } from "../telemetry/index.ts";
import { isGivenWay } from "./admit.ts";
import type { CallGraph } from "./call-graph.ts";
import type { Call } from "./call.ts";
import { internalShape, slowMsOf } from "./call-shape.ts";
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
  /** Where it is counted which operation calls which. Left out: nowhere. */
  readonly graph?: CallGraph | undefined;
  /** Left out: calls are in no trace. */
  readonly spans?: SpanRecorder | undefined;
  /** Who tells of a bug, with its stack. Default `log`: it is told here. */
  readonly bugs?: "log" | "leave to others";
  /** What failures of the service may not quote. Default: nothing is classified. */
  readonly privacy?: Pick<Privacy, "clean">;
}

/** The platform's own words, and where there are many there is no time to lose. */
const ownWords: ReadonlySet<FaultCode> = new Set(["overloaded", "rate_limited", "canceled"]);

export function record(options: RecordOptions): Stage {
  const { graph, metrics, log, clock, objectives, spans, bugs = "log", kind, privacy = noPrivacy } = options;

  return {
    name: "record",
    compile(operation: Operation, next: Handler): Handler {
      const meter = metrics.operation(operation.id, kind ?? operation.kind);
      const shape = internalShape(operation);
      // A workflow may have the name of an operation.
      const node = kind === "step" ? `${operation.id} (workflow)` : operation.id;
      const uses = graph?.into(node, slowMsOf(operation));
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
        meter.observe(code, ms, span?.trace.isKept === true ? span : undefined); // an exemplar names a trace that is there
        call.isRecorded = true;
        if (call.measured !== undefined) for (const { labels, metric, value } of call.measured) metrics.measure(metric, value, labels);
        if (outcome !== "not counted") (call.isProbe ? probeJudge : judge)?.observe(outcome, ms);
        uses?.observe(call, { code, isBad: outcome === "service", ms });
        log.call(level, call, { code, ms });
      }

      function failed(call: Call, thrown: unknown): Fault {
        const given = Fault.from(thrown);
        const fault = isOwnWords(operation, given) ? given : privacy.clean(given, call);
        fault.operation ??= operation.id;
        const { atFault } = faultTable[fault.code];
        ended(call, fault.publicCode, atFault === "caller" ? "info" : "warn", isGivenWay(fault) ? "not counted" : atFault === "caller" ? "caller" : "service");
        if (fault.code === "internal" && bugs === "log") tell("error", "a call failed by a bug", { call, error: fault.cause ?? fault });
        else if (fault.cause !== undefined) tell("debug", "why a call failed", { call, code: fault.code, error: fault.cause });
        return fault;
      }

      /** The errors are clean by now. */
      function tell(level: LogLevel, message: string, { call, code, error }: { readonly call: Call; readonly code?: string; readonly error: unknown }): void {
        if (!log.isOn(level, operation.service)) return;
        log.say(level, { message, fields: { operation: operation.id, call: call.id, ...(code === undefined ? {} : { code }), error: describeError(error) }, traceIds: call.traceIds });
      }

      return (call) => {
        if (spans !== undefined) joinTrace(call, spans);
        call.graph = graph;
        call.graphNode = node;
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
export function joinTrace(call: Call, spans: SpanRecorder): void {
  const { continues, parent } = call;
  if (parent?.trace === undefined) {
    call.trace = spans.begin(call.id, continues);
    if (continues !== undefined) call.parentSpanId = continues.spanId;
    return;
  }
  call.trace = parent.trace;
  call.parentSpanId = spans.activeSpanId?.(parent.trace.id) ?? parent.id;
}

/** The span of a call that has ended. */
export function spanOf(call: Call, shape: SpanShape, outcome: { readonly code: string; readonly endedMs: number; readonly isError: boolean }): RecordedSpan {
  const { details, id, links, parentSpanId: parentId, startedAtMs: startedMs, trace } = call;
  const span = new RecordedSpan(call.shape ?? shape, trace as Trace, { parentId, startedMs, id });
  span.endedMs = outcome.endedMs;
  span.code = outcome.code;
  span.isError = outcome.isError;
  if (links === undefined) span.details = details;
  else span.details = { ...details, links: [...links, ...(details?.links ?? [])] };
  return span;
}

/** Whether there is nothing in a failure that did not come from the platform or the contract. */
function isOwnWords(operation: Operation, fault: Fault): boolean {
  if (fault.cause !== undefined || fault.details.length > 0) return false;
  if (fault instanceof DeclaredFault) return fault.message === (operation.errors[fault.reason]?.message ?? fault.reason);
  return ownWords.has(fault.code);
}
