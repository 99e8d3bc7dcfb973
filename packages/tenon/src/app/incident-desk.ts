/** Incidents and runbooks of an app for who works on them from outside: nothing of either is loaded until somebody does. */
import type { Database } from "../data/index.ts";
import type { IncidentStore } from "../incidents/index.ts";
import type { StepRunner, StepRunnerOptions } from "./open-runbooks.ts";
import type { App } from "../service/index.ts";

export async function incidentStoreOf(app: App, database: Database): Promise<IncidentStore> {
  return (await import("./open-incidents.ts")).openIncidentStore(app, database);
}

export async function openSteps(app: App, options: StepRunnerOptions): Promise<StepRunner> {
  return (await import("./open-runbooks.ts")).openStepRunner(app, options);
}
