/**
 * Sheds load before work is done. A call that finds no place is answered at once with `overloaded` and `retry-after`;
 * nothing of it has been read or checked by then, so refusing stays cheap when it matters.
 *
 * A call that is part of another one in the same process was admitted with it: refusing it half-way would waste the
 * work already done.
 */
import type { Operation, Priority } from "../contract/index.ts";
import { type Clock, Fault, type Random } from "../kernel/index.ts";
import type { Call } from "./call.ts";
import { Baseline, type ConcurrencyLimit } from "./concurrency-limit.ts";
import { type Handler, isPromise, type Stage } from "./stage.ts";

export interface AdmitOptions {
  readonly limit: ConcurrencyLimit;
  readonly clock: Clock;
  readonly random: Random;
  /** How long requests now wait before they are even seen, in ms; above `queueMaxMs` calls are refused. */
  readonly queueDelayMs?: () => number;
  /** Default 40: beyond it the process is behind, and taking more only makes everybody late. */
  readonly queueMaxMs?: number;
  /** Whether calls of low priority are to give way, by service: its error budget is spent, or a page fires. */
  readonly isPressed?: (service: string) => boolean;
}

/** Part of the limit up to which calls find a place: those of low priority are the first to find none, those of high the last. */
const shareOf: Readonly<Record<Priority, number>> = { low: 0.75, normal: 1, high: 1.1 };

/** Pressure lasts for minutes: who gives way is told to come back in half a minute to a minute, drawn, in s. */
const giveWayS = 30;

/** Whether a call was refused for the sake of others by a budget policy. What is given up on purpose uses up no budget. */
export function isGivenWay(fault: Fault): boolean {
  return fault.facts["gaveWay"] === "yes";
}

export function admit(options: AdmitOptions): Stage {
  const { limit, clock, random, isPressed, queueDelayMs, queueMaxMs = 40 } = options;

  function refuse(operation: Operation): Fault {
    // Between 1 and 3 s, drawn: callers that were refused together must not come back together.
    const retryAfterS = 1 + Math.floor(random() * 3);
    return new Fault("overloaded", `${operation.service} is too busy; try again in ${retryAfterS} s`, {
      retryAfterS,
      facts: { limit: limit.limit, underway: limit.underway },
    });
  }

  function giveWay(operation: Operation): Fault {
    const retryAfterS = giveWayS + Math.floor(random() * giveWayS);
    return new Fault("overloaded", `${operation.service} keeps its strength for other calls at present; try again in ${retryAfterS} s`, { retryAfterS, facts: { gaveWay: "yes" } });
  }

  return {
    name: "admit",
    compile(operation: Operation, next: Handler): Handler {
      const baseline = new Baseline();
      const share = shareOf[operation.priority];
      const isLow = operation.priority === "low" && isPressed !== undefined;

      function learn(call: Call): void {
        const nowMs = clock.elapsedMs();
        call.endedAtMs = nowMs;
        limit.release(baseline, nowMs - call.startedAtMs, nowMs);
      }

      return (call) => {
        if (call.parent !== undefined) return next(call);
        if (queueDelayMs !== undefined && queueDelayMs() > queueMaxMs) throw refuse(operation);
        if (isLow && isPressed(operation.service)) throw giveWay(operation);
        if (!limit.tryAcquire(share)) throw refuse(operation);
        let result: unknown;
        try {
          result = next(call);
        } catch (thrown) {
          limit.forget();
          throw thrown;
        }
        if (!isPromise(result)) {
          learn(call);
          return result;
        }
        return result.then(
          (value) => {
            learn(call);
            return value;
          },
          (thrown: unknown) => {
            // A late answer is the clearest sign of overload; a refusal says nothing about how long work takes.
            if (thrown instanceof Fault && thrown.code === "deadline_exceeded") learn(call);
            else limit.forget();
            throw thrown;
          },
        );
      };
    },
  };
}
