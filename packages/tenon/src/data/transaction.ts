/**
 * The stage that makes a command one transaction: everything that the handler and the stages inside of this one did is
 * kept together when they return, or not at all.
 *
 * An attempt that lost against another transaction (serialization failure, deadlock, a repeat of the same command that
 * was faster) is undone and run again from its start, after a short random wait, while the deadline allows.
 */
import { type Call, type Handler, isPromise, type Stage } from "../calls/index.ts";
import type { Operation } from "../contract/index.ts";
import { type Clock, Fault, type Random } from "../kernel/index.ts";
import { isAnswerRace } from "./answers.ts";
import { isRepeatable } from "./failures.ts";
import { DatabaseError } from "./ports.ts";
import type { ServiceParts } from "./reader.ts";
import { Work } from "./work.ts";

export interface TransactionOptions extends ServiceParts {
  readonly clock: Clock;
  readonly random: Random;
  /** How often one call is tried. Default 8: whoever loses so often competes for one row with a crowd, and more tries make it worse. */
  readonly attemptsMax?: number;
  /** Called whenever something was kept. */
  readonly onKept?: () => void;
}

/** Waits grow from here to there, in ms, and are drawn at random below. */
const waitBaseMs = 5;
const waitCapMs = 250;

export function transaction(options: TransactionOptions): Stage {
  const { clock, random } = options;
  const attemptsMax = options.attemptsMax ?? 8;

  /** How long to wait before another attempt; `undefined` when there is none. */
  function waitBefore(call: Call, attempt: number): number | undefined {
    if (call.canceled !== undefined || attempt >= attemptsMax) return undefined;
    const waitMs = random() * Math.min(waitCapMs, waitBaseMs * 2 ** attempt);
    return clock.elapsedMs() + waitMs < call.deadlineAtMs ? waitMs : undefined;
  }

  async function finish(call: Call, work: Work, result: unknown): Promise<unknown> {
    const value = await result;
    const { isUntouched } = work;
    await work.commit();
    if (!isUntouched) options.onKept?.();
    return value;
  }

  async function repeat(call: Call, next: Handler, first: Promise<unknown>, input: unknown): Promise<unknown> {
    let attempting = first;
    for (let attempt = 1; ; attempt++) {
      const work = call.work as Work;
      try {
        return await attempting;
      } catch (thrown) {
        await work.rollback();
        const lost = lossOf(thrown, work);
        if (lost === undefined) throw thrown;
        const waitMs = waitBefore(call, attempt);
        if (waitMs === undefined) throw tooContended(call, lost);
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      }
      call.input = input; // a stage or handler may have put something else there
      call.measured = undefined; // what the lost attempt measured has not happened
      const again = new Work(call, options);
      call.work = again;
      attempting = finish(call, again, start(next, call));
    }
  }

  return {
    name: "transaction",
    compile(operation: Operation, next: Handler): Handler {
      if (operation.kind !== "command") return next;
      return (call) => {
        const { input } = call;
        const work = new Work(call, options);
        call.work = work;
        let result: unknown;
        try {
          result = next(call);
        } catch (thrown) {
          if (work.isUntouched) throw thrown;
          result = Promise.reject(thrown);
        }
        // Neither waited for anything nor left anything to commit: no promise is made for it.
        if (!isPromise(result) && work.isUntouched) return result;
        return repeat(call, next, finish(call, work, result), input);
      };
    },
  };
}

/** A handler that throws before it returns a promise has still only failed. */
async function start(next: Handler, call: Call): Promise<unknown> {
  return next(call);
}

/** The reason to try again: what was thrown, or what spoiled the transaction, whatever the handler made of that. */
function lossOf(thrown: unknown, work: Work): DatabaseError | undefined {
  for (const error of [thrown, work.failure]) {
    if (error instanceof DatabaseError && (isRepeatable(error) || isAnswerRace(error))) return error;
  }
  return undefined;
}

function tooContended(call: Call, cause: DatabaseError): Fault {
  if (call.canceled !== undefined) return call.canceled;
  return new Fault("overloaded", "too many others change the same rows at this moment", { cause, facts: { sqlState: cause.sqlState }, retryAfterS: 1 });
}
