/**
 * Surrounds every call: counts it, times it, writes its one log line, and makes sure that what leaves is a Fault, and that
 * no text of it, nor of what is behind it, holds what the contract classes. What is a bug is logged here, whole, and
 * nowhere else.
 */
import type { Operation } from "../contract/index.ts";
import { type Clock, DeclaredFault, Fault, type FaultCode, faultTable, type LogLevel } from "../kernel/index.ts";
import { describeError, type LogWriter, type Metrics, noPrivacy, type Privacy } from "../telemetry/index.ts";
import type { Call } from "./call.ts";
import { type Handler, isPromise, type Stage } from "./stage.ts";

export interface RecordOptions {
  readonly metrics: Metrics;
  readonly log: LogWriter;
  readonly clock: Clock;
  /** Who tells of a bug, with its stack. Default `log`: it is told here. */
  readonly bugs?: "log" | "leave to others";
  /** What failures of the service may not quote. Default: nothing is classified. */
  readonly privacy?: Pick<Privacy, "clean">;
}

/** The platform's own words, and where there are many there is no time to lose. */
const ownWords: ReadonlySet<FaultCode> = new Set(["overloaded", "rate_limited", "canceled"]);

export function record(options: RecordOptions): Stage {
  const { metrics, log, clock, bugs = "log", privacy = noPrivacy } = options;

  return {
    name: "record",
    compile(operation: Operation, next: Handler): Handler {
      const meter = metrics.operation(operation.id);

      function ended(call: Call, code: string, level: LogLevel): void {
        const ms = (call.endedAtMs ?? clock.elapsedMs()) - call.startedAtMs;
        meter.observe(code, ms);
        log.call(level, { operation: operation.id, service: operation.service, code, id: call.id, ms, traceIds: call.traceIds });
      }

      function failed(call: Call, thrown: unknown): Fault {
        const given = Fault.from(thrown);
        const fault = isOwnWords(operation, given) ? given : privacy.clean(given, call);
        fault.operation ??= operation.id;
        const { atFault } = faultTable[fault.code];
        ended(call, fault.publicCode, atFault === "caller" ? "info" : "warn");
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
        let result: unknown;
        try {
          result = next(call);
        } catch (thrown) {
          throw failed(call, thrown);
        }
        if (!isPromise(result)) {
          ended(call, "ok", "info");
          return result;
        }
        return result.then(
          (value) => {
            ended(call, "ok", "info");
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

/** Whether there is nothing in a failure that did not come from the platform or the contract. */
function isOwnWords(operation: Operation, fault: Fault): boolean {
  if (fault.cause !== undefined || fault.details.length > 0) return false;
  if (fault instanceof DeclaredFault) return fault.message === (operation.errors[fault.reason]?.message ?? fault.reason);
  return ownWords.has(fault.code);
}
