/**
 * Steps at work: each attempt runs through the stages of every call, and what the workflow keeps of it travels with the
 * COMMIT of its effects.
 *
 *     record ─► deadline ─► audit outcome ─► transaction ─► audit command ─► keep ─► the code of the step
 */
import { hash } from "node:crypto";
import { type Caller, command, contract, type Operation, operationsOf } from "../contract/index.ts";
import { compile, deadline, type Handler, record } from "../calls/index.ts";
import { DatabaseError, type ServiceData, type Statement } from "../data/index.ts";
import { GivenUp } from "../events/index.ts";
import { type Clock, DeclaredFault, Fault } from "../kernel/index.ts";
import { type LogWriter, type Metrics, parseTraceText, type SpanRecorder, type SpanShape } from "../telemetry/index.ts";
import { type Attempt, isTurnLost, type RunAttempt, TurnLost, workflowLimits } from "../workflows/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";
import { actingAs, reactionShape } from "./delivery-span.ts";
import { StepCall, StepContext } from "./step-context.ts";
import type { ReactionAudit } from "./subscription.ts";
import { systemCaller } from "../trust/index.ts";

export interface StepRunnerParts {
  /** Left out: the service is not on record. */
  readonly audit?: ReactionAudit | undefined;
  readonly environment: ServiceEnvironment;
  readonly data: ServiceData;
  readonly metrics: Metrics;
  readonly spans: SpanRecorder;
  readonly clock: Clock;
  readonly log: LogWriter;
}

/** @param workflow  Its name: steps are counted and timed under it. */
export function createStepRunner(workflow: string, parts: StepRunnerParts): RunAttempt {
  const { audit, clock, data, environment, log, metrics, spans } = parts;
  const operation = stepOperation(environment.service, workflow);
  const caller = systemCaller(environment.service, workflow, environment.grants);
  const shape = reactionShape(actingAs({ name: `step of ${workflow}`, kind: "internal", attributes: { "tenon.workflow": workflow } }, caller), operation);
  const stages = [record({ metrics, log, clock, spans, graph: environment.graph, kind: "step", bugs: "leave to others", privacy: environment.privacy }), deadline({ clock }), ...(audit === undefined ? [] : [audit.outcome]), data.transaction, ...(audit === undefined ? [] : [audit.command])];
  const run: Handler = compile(stages, operation, async (call) => {
    const { step } = call as StepCall;
    const work = data.workOf(call);
    const result: unknown = await (step.work as (context: StepContext) => unknown)(new StepContext(call as StepCall, environment));
    const effects = { persons: call.touched?.subjects(workflowLimits.personsMax) ?? [], run: (statement: Statement) => work.run(statement) };
    for (const statement of await step.keep(result, effects)) work.atCommit(statement);
  });
  const meterOf = stepMeters(`${environment.service}.${workflow}`, metrics);
  return async (attempt) => {
    const call = toCall(attempt, { caller, clock, environment, operation, shape });
    const cancel = (): void => call.cancel(Fault.from(attempt.signal.reason));
    attempt.signal.addEventListener("abort", cancel, { once: true });
    try {
      await run(call);
      meterOf(attempt.name)("ok", clock.elapsedMs() - call.startedAtMs);
    } catch (thrown) {
      const failure = causeOf(thrown);
      if (failure instanceof DatabaseError && isTurnLost(failure)) throw new TurnLost("another process has brought the run further", { cause: failure });
      meterOf(attempt.name)(Fault.from(thrown).publicCode, clock.elapsedMs() - call.startedAtMs);
      log.warn("an attempt at a step failed", { run: attempt.run.id, step: attempt.name, attempt: attempt.attempt, error: failure });
      throw failure;
    } finally {
      attempt.signal.removeEventListener("abort", cancel);
    }
  };
}

/** Attempts at each step, beside those of all steps of its workflow that `record` counts. Names come from code, and the registry bounds them. */
function stepMeters(workflow: string, metrics: Metrics): (step: string) => (code: string, ms: number) => void {
  const attempts = metrics.counter({ name: "tenon_step_attempts", help: "Attempts at steps of workflows that ended.", labels: ["workflow", "step", "code"] });
  const durations = metrics.histogram({ name: "tenon_step_duration_seconds", help: "How long attempts at steps of workflows took.", unit: "seconds", labels: ["workflow", "step"] });
  return (name) => (code, ms) => {
    const step = name.replace(/#\d+$/, ""); // a step in a loop is one step
    attempts.with(workflow, step, code).add();
    durations.with(workflow, step).observe(ms / 1000);
  };
}

/** Failures that one more attempt would not change. */
export function isFinalFailure(thrown: unknown): boolean {
  return thrown instanceof GivenUp || thrown instanceof DeclaredFault;
}

interface StepCallParts {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly environment: ServiceEnvironment;
  readonly operation: Operation;
  readonly shape: SpanShape;
}

function toCall(attempt: Attempt, { caller, clock, environment, operation, shape }: StepCallParts): StepCall {
  const { deadlineMs, name, place, run } = attempt;
  const start = {
    operation,
    id: environment.ids(),
    startedAtMs: clock.elapsedMs(),
    input: undefined,
    caller,
    from: environment.service,
    idempotencyKey: hash("sha256", JSON.stringify([environment.service, run.id, place]), "base64url"),
    timeoutMs: deadlineMs,
    continues: parseTraceText(run.trace),
    shape,
  };
  const call = new StepCall(start, attempt);
  call.details = { name: `${attempt.kind} ${name}`, attributes: { "tenon.run": run.id, "tenon.step": name, "tenon.attempt": attempt.attempt } };
  return call;
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
