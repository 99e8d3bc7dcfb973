/**
 * Runs a step of a runbook, or says what it would do.
 *
 *     record ─► deadline ─► validate ─► transaction ─► the step's `run`       effects are kept together, or not at all
 *     record ─► deadline ─► validate ─► the step's `dryRun`                   may only read
 *     deadline ─► validate ─► transaction ─► observe ─► `run`                 a step without one: rolled back, its changes shown
 */
import { Call, compile, deadline, record, type Stage, validate } from "../calls/index.ts";
import { command, contract, type Operation, operationsOf, query } from "../contract/index.ts";
import { failureText } from "../events/index.ts";
import { Context, type ServiceEnvironment } from "../handlers/index.ts";
import { type Clock, DeclaredFault, Fault } from "../kernel/index.ts";
import type { App, IncidentInfo, Runbook, RunbookStep, Service } from "../service/index.ts";
import { type Grants, systemCaller } from "../trust/index.ts";
import { type TrialOptions, trialParts } from "./open-trial.ts";
import { type Trial, tryCall } from "./trial.ts";

export interface StepRun {
  readonly runbook: Runbook;
  readonly step: RunbookStep;
  readonly input: unknown;
  readonly incident: IncidentInfo;
}

/** How a step went. */
export type StepOutcome = { readonly outcome: "done"; readonly result: unknown } | { readonly outcome: "failed"; readonly error: string };

/** Does it. Never rejects: what failed has changed nothing in the service's database. */
export async function runStep(environment: ServiceEnvironment, run: StepRun): Promise<StepOutcome> {
  const { data } = environment;
  return attempt(environment, run, { kind: "command", handler: run.step.run, stages: data === undefined ? [] : [data.transaction] });
}

/** Says what it would do, by its own word. Only for a step that has one. */
export async function dryRunStep(environment: ServiceEnvironment, run: StepRun): Promise<StepOutcome> {
  return attempt(environment, run, { kind: "query", handler: run.step.dryRun as RunbookStep["run"], stages: [] });
}

/** Says what it would change in the service's database, by trying. */
export async function tryStep(app: App, service: Service, run: StepRun, options: TrialOptions): Promise<Trial> {
  const parts = trialParts(app, service, options);
  const operation = stepOperation(service.name, run, "command");
  const call = createCall(operation, run, { clock: parts.clock, id: parts.ids(), service: service.name, grants: app.grants });
  return tryCall(call, { first: () => validate, handle: (call, environment) => (run.step.run as (context: StepContext) => unknown)(new StepContext(call, environment, run.incident)) }, parts);
}

interface Way {
  readonly kind: "command" | "query";
  readonly handler: RunbookStep["run"];
  readonly stages: readonly Stage[];
}

async function attempt(environment: ServiceEnvironment, run: StepRun, { handler, kind, stages }: Way): Promise<StepOutcome> {
  const { clock, grants, ids, log, metrics, privacy, service } = environment;
  const operation = stepOperation(service, run, kind);
  const call = createCall(operation, run, { clock, id: ids(), service, grants });
  const all = [record({ metrics, log, clock, kind: "runbook step", bugs: "leave to others", privacy }), deadline({ clock }), validate, ...stages];
  const handle = compile(all, operation, (each) => (handler as (context: StepContext) => unknown)(new StepContext(each, environment, run.incident)));
  try {
    return { outcome: "done", result: await handle(call) };
  } catch (thrown) {
    return { outcome: "failed", error: failureText(causeOf(thrown)) };
  }
}

/** What was thrown, where the record of calls has made a bug of it. Texts are clean by now. */
function causeOf(thrown: unknown): unknown {
  const isWrapped = thrown instanceof Fault && !(thrown instanceof DeclaredFault) && thrown.code === "internal" && thrown.cause !== undefined;
  return isWrapped ? thrown.cause : thrown;
}

/** An operation that nobody can call: it gives a step its name, its input and its deadline. */
function stepOperation(service: string, { runbook, step }: StepRun, kind: Way["kind"]): Operation {
  const input = step.input === undefined ? {} : { input: step.input };
  const spec = { access: "signed-in", deadline: step.deadline, ...input } as const;
  const made = contract(service, { step: kind === "command" ? command(spec) : query(spec) });
  const [operation] = operationsOf(made) as readonly [Operation];
  return Object.freeze({ ...operation, id: `${service}.${runbook.name}.${step.name}`, name: step.name });
}

interface Acting {
  readonly clock: Clock;
  readonly id: string;
  readonly service: string;
  readonly grants: Grants | undefined;
}

/** A runbook is a principal of its own, as a subscription is. */
function createCall(operation: Operation, { input, runbook }: StepRun, { clock, grants, id, service }: Acting): Call {
  return new Call({ operation, id, startedAtMs: clock.elapsedMs(), input: input === undefined && operation.input !== undefined ? {} : input, caller: systemCaller(service, runbook.name, grants), from: service });
}

class StepContext extends Context {
  readonly incident: IncidentInfo;

  constructor(call: Call, environment: ServiceEnvironment, incident: IncidentInfo) {
    super(call, environment, Object.freeze({}));
    this.incident = incident;
  }
}
