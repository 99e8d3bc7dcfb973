/**
 * Steps at work: each attempt runs through the stages of every call, and what the workflow keeps of it travels with the
 * COMMIT of its effects.
 *
 *     record ─► deadline ─► transaction ─► keep ─► the code of the step
 */
import { hash } from "node:crypto";
import { command, contract, type Operation, operationsOf } from "../contract/index.ts";
import { compile, deadline, type Handler, record } from "../calls/index.ts";
import { DatabaseError, type ServiceData } from "../data/index.ts";
import { GivenUp } from "../events/index.ts";
import { type Clock, DeclaredFault, Fault } from "../kernel/index.ts";
import type { LogWriter, Metrics } from "../telemetry/index.ts";
import { type Attempt, isTurnLost, type RunAttempt, TurnLost } from "../workflows/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";
import { StepCall, StepContext } from "./step-context.ts";
import { platformCaller } from "./subscription.ts";

export interface StepRunnerParts {
  readonly environment: ServiceEnvironment;
  readonly data: ServiceData;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: LogWriter;
}

/** @param workflow  Its name: steps are counted and timed under it. */
export function createStepRunner(workflow: string, parts: StepRunnerParts): RunAttempt {
  const { clock, data, environment, log, metrics } = parts;
  const operation = stepOperation(environment.service, workflow);
  const stages = [record({ metrics, log, clock, bugs: "leave to others", privacy: environment.privacy }), deadline({ clock }), data.transaction];
  const run: Handler = compile(stages, operation, async (call) => {
    const { step } = call as StepCall;
    const work = data.workOf(call);
    const result: unknown = await (step.work as (context: StepContext) => unknown)(new StepContext(call as StepCall, environment));
    for (const statement of step.keep(result)) work.atCommit(statement);
  });
  return async (attempt) => {
    const call = toCall(attempt, { clock, environment, operation });
    const cancel = (): void => call.cancel(Fault.from(attempt.signal.reason));
    attempt.signal.addEventListener("abort", cancel, { once: true });
    try {
      await run(call);
    } catch (thrown) {
      const failure = causeOf(thrown);
      if (failure instanceof DatabaseError && isTurnLost(failure)) throw new TurnLost("another process has brought the run further", { cause: failure });
      log.warn("an attempt at a step failed", { run: attempt.run.id, step: attempt.name, attempt: attempt.attempt, error: failure });
      throw failure;
    } finally {
      attempt.signal.removeEventListener("abort", cancel);
    }
  };
}

/** Failures that one more attempt would not change. */
export function isFinalFailure(thrown: unknown): boolean {
  return thrown instanceof GivenUp || thrown instanceof DeclaredFault;
}

function toCall(attempt: Attempt, { clock, environment, operation }: { readonly clock: Clock; readonly environment: ServiceEnvironment; readonly operation: Operation }): StepCall {
  const { deadlineMs, place, run } = attempt;
  const start = {
    operation,
    id: environment.ids(),
    startedAtMs: clock.elapsedMs(),
    input: undefined,
    caller: platformCaller,
    from: environment.service,
    idempotencyKey: hash("sha256", JSON.stringify([environment.service, run.id, place]), "base64url"),
    timeoutMs: deadlineMs,
    trace: run.trace ?? undefined,
  };
  return new StepCall(start, attempt);
}

/** An operation that nobody can call: it gives steps their name and their transaction. A step says itself how long it may take. */
function stepOperation(service: string, workflow: string): Operation {
  const made = contract(service, { step: command({ access: "signed-in", deadline: "1d" }) });
  const [operation] = operationsOf(made) as readonly [Operation];
  return Object.freeze({ ...operation, id: `${service}.${workflow}`, name: workflow });
}

/** What was thrown, where the record of calls has made a bug of it. */
function causeOf(thrown: unknown): unknown {
  return thrown instanceof Fault && thrown.code === "internal" && thrown.cause !== undefined ? thrown.cause : thrown;
}
