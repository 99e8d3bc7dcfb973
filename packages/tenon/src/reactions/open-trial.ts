/**
 * Dry runs of an app's subscriptions: what a handler needs, put together so that nothing of what it does is kept. No part
 * is started: nothing is relayed or delivered.
 */
import { eventsOf, operationsOf } from "../contract/index.ts";
import { createRehearsal, type Database } from "../data/index.ts";
import { type EventRecord, TrialEmitter, Wakes } from "../events/index.ts";
import { type Clock, createIdSource, createUuidSource, type Random } from "../kernel/index.ts";
import { EventSeals, type Vault } from "../privacy/index.ts";
import type { App, Service, Subscription } from "../service/index.ts";
import { type LogWriter, Metrics, type Privacy } from "../telemetry/index.ts";
import { RunStore } from "../workflows/index.ts";
import { TrialRuns } from "./service-runs.ts";
import { type Trial, type TrialParts, trySubscription } from "./trial.ts";
import { createProgram } from "./workflow-program.ts";

export interface TrialOptions {
  readonly database: Database;
  /** Where anything of the app is encrypted. */
  readonly vault?: Vault | undefined;
  /** Settings of services, by service name. */
  readonly serviceConfigs: ReadonlyMap<string, unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogWriter;
  /** Of the service. */
  readonly privacy: Pick<Privacy, "hidingOf" | "clean">;
  /** The longest that one try may take, in ms. */
  readonly timeoutMs: number;
}

/** Tries events of one subscription together, as one batch. */
export type TryEvents = (events: readonly EventRecord[]) => Promise<Trial>;

export function openTrial(app: App, target: { readonly service: Service; readonly subscription: Subscription }, options: TrialOptions): TryEvents {
  const parts = trialParts(app, target.service, options);
  return (events) => trySubscription(target.subscription, events, parts);
}

/** What a dry run of anything of a service needs. */
export function trialParts(app: App, service: Service, { clock, database, log, privacy, random, serviceConfigs, timeoutMs, vault }: TrialOptions): TrialParts {
  const rehearsal = createRehearsal(database);
  const uuids = createUuidSource(clock, random);
  const programs = new Map(service.workflows.map((workflow) => [workflow.name, createProgram(workflow, { service: service.name, log, privacy })]));
  const store = new RunStore(rehearsal, service.name);
  const emitter = new TrialEmitter({
    service: service.name,
    events: eventsOf(service.contract),
    uuids,
    clock,
    wakes: new Wakes(),
    locks: "not needed",
  });
  return {
    service: service.name,
    tables: service.tables,
    vault,
    seals: vault === undefined ? undefined : new EventSeals({ vault, database }),
    database: rehearsal,
    emitter,
    runs: programs.size === 0 ? undefined : new TrialRuns({ store, programs, uuids, wake: () => undefined, clock, random }),
    operations: new Set(app.services.flatMap((each) => operationsOf(each.contract).map(({ id }) => id))),
    config: serviceConfigs.get(service.name),
    clock,
    random,
    ids: createIdSource(random),
    log,
    metrics: new Metrics({ clock }), // of its own, since nothing of a try is counted
    privacy,
    timeoutMs,
  };
}
