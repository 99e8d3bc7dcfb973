/**
 * Steps of runbooks, run beside the app: its services are loaded and their operations answer here, and no part is started, so
 * nothing is delivered, relayed or probed by this process. What a step emits leaves by the app that runs.
 */
import type { Database, ServiceData } from "../data/index.ts";
import type { Clock, Random } from "../kernel/index.ts";
import type { StepOutcome, StepRun } from "../reactions/index.ts";
import { type App, hasData, type Service } from "../service/index.ts";
import { type LogWriter, Metrics } from "../telemetry/index.ts";
import type { Config } from "./config.ts";
import { openApp } from "./open-app.ts";

export interface StepRunnerOptions {
  readonly config: Config;
  /** Settings of services, by service name. */
  readonly serviceConfigs: ReadonlyMap<string, unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogWriter;
  readonly database: Database;
}

export interface StepRunner {
  run(service: Service, run: StepRun): Promise<StepOutcome>;
  /** By the step's own `dryRun`. */
  dryRun(service: Service, run: StepRun): Promise<StepOutcome>;
}

export async function openStepRunner(app: App, options: StepRunnerOptions): Promise<StepRunner> {
  const { clock, config, database, random } = options;
  const { openServiceData } = await import("../data/index.ts");
  const { dryRunStep, runStep } = await import("../reactions/index.ts");
  const services = new Map<string, ServiceData>();
  const answersKeepMs = config.idempotencyKeepH * 3_600_000;
  for (const { name, tables } of app.services.filter(hasData)) services.set(name, await openServiceData({ database, service: name, tables, clock, random, answersKeepMs }));
  const data = { database, services, parts: [], close: async () => undefined };
  const { environments } = await openApp(app, { ...options, metrics: new Metrics({ clock }), verifier: undefined, data });
  const environmentOf = ({ name }: Service) => {
    const environment = environments.get(name);
    if (environment === undefined) throw new RangeError(`${name} is no service of ${app.name}`);
    return environment;
  };
  return {
    run: (service, run) => runStep(environmentOf(service), run),
    dryRun: (service, run) => dryRunStep(environmentOf(service), run),
  };
}
