/**
 * Gives every call an end: the contract's deadline, the caller's own where it is shorter, and for a part of another
 * call what is left of that. When it passes, the answer leaves; a handler that ignores `signal` runs on, but nobody
 * waits for it and its transaction is not committed.
 *
 * The time runs from when the request was first seen. A call that answers without waiting costs no timer.
 */
import type { Operation } from "../contract/index.ts";
import { type Clock, Fault } from "../kernel/index.ts";
import type { Call } from "./call.ts";
import { type Handler, isPromise, type Stage } from "./stage.ts";

export function deadline(options: { readonly clock: Clock }): Stage {
  const { clock } = options;

  function tooLate(call: Call): Fault {
    const budgetMs = Math.round(call.deadlineAtMs - call.startedAtMs);
    return new Fault("deadline_exceeded", `${call.operation.id} took longer than ${budgetMs} ms`);
  }

  function race(call: Call, result: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const leftMs = Math.max(0, call.deadlineAtMs - clock.elapsedMs());
      const timer = clock.after(leftMs, () => call.cancel(tooLate(call)));
      call.onCancel((fault) => {
        timer.cancel(); // quick calls would otherwise pile up timers for the whole budget
        reject(fault);
      });
      result.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (thrown: unknown) => {
          timer.cancel();
          reject(thrown);
        },
      );
    });
  }

  return {
    name: "deadline",
    compile(operation: Operation, next: Handler): Handler {
      return (call) => {
        const budgetMs = call.timeoutMs === undefined ? operation.deadlineMs : Math.min(call.timeoutMs, operation.deadlineMs);
        const ownMs = call.startedAtMs + budgetMs;
        call.deadlineAtMs = call.parent === undefined ? ownMs : Math.min(ownMs, call.parent.deadlineAtMs);
        if (call.parent !== undefined) call.parent.onCancel((fault) => call.cancel(fault));
        if (call.canceled !== undefined) throw call.canceled;
        // A call that has just come, and whose time is the contract's own, has all of it: no look at the clock.
        const mayBeLate = call.parent !== undefined || call.timeoutMs !== undefined;
        if (mayBeLate && clock.elapsedMs() >= call.deadlineAtMs) throw tooLate(call);
        const result = next(call);
        return isPromise(result) ? race(call, result) : result;
      };
    },
  };
}
