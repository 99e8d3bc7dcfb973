/** Steps of runbooks in tests: run as `tenon incident step` runs them, for an incident that the test makes up. */
import { type AnyContract, describe } from "../contract/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";
import { dryRunStep, runStep, type StepOutcome } from "../reactions/index.ts";
import { type App, type IncidentInfo, stepsNamed, stepsOf } from "../service/index.ts";

export interface TestStepOptions {
  /** What the step takes. */
  readonly input?: unknown;
  /** `dry run` asks the step's own `dryRun`. Default `run`. */
  readonly as?: "run" | "dry run";
  /** The service whose runbook it is, where that is one beside the tested one. */
  readonly service?: AnyContract;
  /** What the step sees of the incident. */
  readonly incident?: Partial<IncidentInfo>;
}

export type TestStepOutcome = StepOutcome;

const incident: IncidentInfo = { id: "00000000", title: "a test", onset: "2026-01-01T00:00:00.000Z", subjects: [], suspect: undefined };

/** @throws {RangeError} there is no such step, or it has no dry run of its own. */
export async function runTestStep(app: App, environments: ReadonlyMap<string, ServiceEnvironment>, asked: TestStepOptions & { readonly tested: string; readonly name: string }): Promise<TestStepOutcome> {
  const name = asked.service === undefined ? asked.tested : describe(asked.service).name;
  const environment = environments.get(name);
  const [only, ...more] = stepsNamed(stepsOf(app.services.filter((each) => each.name === name)), asked.name);
  if (environment === undefined || only === undefined || more.length > 0) throw new RangeError(`${name} has ${only === undefined ? "no" : "more than one"} step "${asked.name}": name it as "runbook/step"`);
  const run = { runbook: only.runbook, step: only.step, input: asked.input, incident: { ...incident, ...asked.incident } };
  if (asked.as !== "dry run") return runStep(environment, run);
  if (only.step.dryRun === undefined) throw new RangeError(`the step "${asked.name}" has no dry run of its own`);
  return dryRunStep(environment, run);
}
