/**
 * A call to an operation that is answered elsewhere. On this side it gets what the called side cannot give it: an end,
 * when its caller's deadline passes or its caller goes away, a span of its own kind, and a place in the graph of calls. Everything else (identity,
 * rules, validation, replay) is done once, where the operation is.
 */
import type { Operation } from "../contract/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import type { SpanRecorder, SpanShape } from "../telemetry/index.ts";
import { type CallGraph, isAgainst } from "./call-graph.ts";
import { operationAttributes, slowMsOf } from "./call-shape.ts";
import type { Call } from "./call.ts";
import { deadline } from "./deadline.ts";
import type { Carrier } from "./ports.ts";
import { joinTrace, spanOf } from "./record.ts";
import { compile, type Handler, type Stage } from "./stage.ts";

export interface DepartOptions {
  readonly carrier: Carrier;
  readonly clock: Clock;
  readonly spans?: SpanRecorder | undefined;
  /** Left out, nobody asks who uses what. */
  readonly graph?: CallGraph | undefined;
}

export function depart(operation: Operation, { carrier, clock, graph, spans }: DepartOptions): Handler {
  return compile([watch({ clock, graph, spans }), deadline({ clock })], operation, (call) => carrier.carry(call));
}

function watch({ clock, graph, spans }: Omit<DepartOptions, "carrier">): Stage {
  return {
    name: "watch",
    compile(operation, next) {
      const shape: SpanShape = { name: operation.id, kind: "client", attributes: operationAttributes(operation), slowMs: slowMsOf(operation) };

      function ended(call: Call, code: string, isError: boolean): void {
        if (call.parent !== undefined) graph?.edge(call.parent.graphNode, operation.id).observe(isError, clock.elapsedMs() - call.startedAtMs);
        const { trace } = call;
        if (trace !== undefined && trace.owner.isOn) trace.owner.add(spanOf(call, shape, { code, endedMs: clock.elapsedMs(), isError }));
      }

      return async (call) => {
        if (spans !== undefined) joinTrace(call, spans);
        try {
          const answer = await next(call);
          ended(call, "ok", false);
          return answer;
        } catch (thrown) {
          const fault = Fault.from(thrown);
          fault.operation ??= operation.id;
          ended(call, fault.publicCode, isAgainst(fault));
          throw fault;
        }
      };
    },
  };
}
