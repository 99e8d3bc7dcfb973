/** How the objectives of an app are doing, as its database has it: what all instances have counted, up to the last look. */
import type { Alert, Reading, Target } from "../../objectives/index.ts";
import { type App, hasData, type Service } from "../../service/index.ts";
import { enterApp } from "../app-location.ts";
import { type Operator, type OperatorOptions, withOperator } from "../events/operator.ts";
import { findService } from "../events/targets.ts";
import { loadApp } from "../load-app.ts";
import { CommandProblem } from "../problem.ts";
import type { Terminal } from "../terminal.ts";

export interface StatusOptions extends OperatorOptions {
  readonly service?: string;
}

export interface ObjectiveStatus {
  readonly target: Target;
  /** Missing where the service has no database: its counts are in the memory of its processes. */
  readonly reading: Reading | undefined;
  /** Those that are not quiet. */
  readonly alerts: readonly Alert[];
  readonly isSilenced: boolean;
}

export interface AppStatus {
  readonly app: App;
  readonly objectives: readonly ObjectiveStatus[];
}

/** @throws {CommandProblem} there is no such service, or nothing is promised. */
export async function readStatus(options: StatusOptions, terminal: Terminal): Promise<AppStatus> {
  const app = await loadApp(enterApp(options.app).file);
  const { targetsOf } = await import("../../objectives/index.ts");
  const services = options.service === undefined ? app.services : [findService(app.services, options.service)];
  const promising = services.filter((service) => targetsOf(service).length > 0);
  if (promising.length === 0) throw new CommandProblem(`${options.service ?? app.name} promises nothing`, { remedy: "give an operation an objective: objective: { availability: 99.9, latency: { p99: \"250ms\" } }" });
  const kept = promising.filter(hasData);
  const found = kept.length === 0 ? new Map<string, readonly ObjectiveStatus[]>() : await withOperator(options, terminal, (operator) => readServices(kept, operator));
  const unknown = (service: Service): readonly ObjectiveStatus[] => targetsOf(service).map((target) => ({ target, reading: undefined, alerts: [], isSilenced: false }));
  return { app, objectives: promising.flatMap((service) => found.get(service.name) ?? unknown(service)) };
}

async function readServices(services: readonly Service[], { database }: Operator): Promise<Map<string, readonly ObjectiveStatus[]>> {
  const { systemClock } = await import("../../app/index.ts");
  const nowMs = systemClock.nowMs();
  const found = new Map<string, readonly ObjectiveStatus[]>();
  for (const service of services) found.set(service.name, await readService(service, database, nowMs));
  return found;
}

async function readService(service: Service, database: Operator["database"], nowMs: number): Promise<readonly ObjectiveStatus[]> {
  const { BucketRing, isSilenced, keptMs, readTarget, targetsOf } = await import("../../objectives/index.ts");
  const store = await openStore(database, service.name);
  const rings = new Map(targetsOf(service).map(({ id }) => [id, new BucketRing()]));
  for (const { atMs, bucketS, target, ...counts } of await store.counts(nowMs - keptMs)) rings.get(target)?.set(bucketS, atMs, counts);
  const alerts = await store.alerts();
  const silences = await store.silences(nowMs);
  return targetsOf(service).map((target) => {
    const own = alerts.filter((alert) => alert.target === target.id);
    return { target, reading: readTarget(target, rings.get(target.id) ?? new BucketRing(), nowMs), alerts: own, isSilenced: own.some((alert) => isSilenced(alert, silences, nowMs)) };
  });
}

/** What is kept of a service's objectives. */
export async function openStore(database: Operator["database"], service: string): Promise<InstanceType<typeof import("../../objectives/index.ts").DatabaseObjectives>> {
  const { withSession } = await import("../../data/index.ts");
  const { DatabaseObjectives } = await import("../../objectives/index.ts");
  return new DatabaseObjectives((mode, task) => withSession(database, { service, mode }, task));
}

/** Why a release is to wait, in words; empty where it need not. By what is counted, so that no old alert holds anybody. */
export function dangersOf({ objectives }: AppStatus, badMin: number): readonly string[] {
  return objectives.flatMap(({ reading, target }) => {
    if (reading === undefined) return [];
    const page = reading.rules.find(({ isMet, rule }) => isMet && rule.severity === "page");
    const isSpent = reading.budgetLeft <= 0 && reading.counts.bad >= badMin;
    return [
      ...(page === undefined ? [] : [`${target.id}: its budget burns ${Number(page.long.toPrecision(3))} times as fast as it may`]),
      ...(isSpent ? [`${target.id}: its error budget is spent (${percentText(reading.budgetLeft)} left)`] : []),
    ];
  });
}

/** `12.3 %`, rounded down, so that nothing looks better than it is. */
export function percentText(part: number): string {
  return `${Math.floor(part * 1_000) / 10} %`;
}
