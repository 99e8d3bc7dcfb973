/**
 * What services do without being asked, put together: their subscriptions, triggers and workflows, and the events that go
 * between them. All of it needs a database, so an app without one does not load this file, nor the rooms behind it.
 */
import { compile, type Stage } from "../calls/index.ts";
import type { ServiceData } from "../data/index.ts";
import { type Consumer, LagWatch, type WebhookSignature } from "../events/index.ts";
import type { ServiceEnvironment } from "../handlers/index.ts";
import type { Part } from "../kernel/index.ts";
import { createChangeConsumer, createProgram, createScheduleConsumer, createSubscriptionConsumer, createWorkflowConsumers, handleWebhook, openTriggers, type ReactionAudit, webhookOperation } from "../reactions/index.ts";
import type { WebhookRoute } from "../rest/index.ts";
import type { App, Service, WebhookTrigger } from "../service/index.ts";
import type { LogWriter, Privacy, SpanRecorder } from "../telemetry/index.ts";
import { AppEvents, type EventsOptions } from "./open-events.ts";

export interface ReactionsOptions extends Omit<EventsOptions, "schedules"> {
  readonly log: LogWriter;
  readonly spans: SpanRecorder;
  /** Settings of services, by service name. */
  readonly serviceConfigs: ReadonlyMap<string, unknown>;
}

export interface AttachOptions {
  readonly environment: ServiceEnvironment;
  readonly data: ServiceData;
  /** What every call of the service passes. */
  readonly stages: readonly Stage[];
  /** What its reactions pass besides; left out where nothing of the service is on record. */
  readonly audit?: ReactionAudit | undefined;
}

/** Of one service. */
export interface ServiceReactions extends Pick<ServiceEnvironment, "emitter" | "runs" | "seals"> {
  /** Makes its reactions ready to run, in the environment that its other handlers have. Once. */
  attach(options: AttachOptions): void;
}

/** @throws {ContractMistakes} a trigger cannot work, with everything that is wrong with any. */
export function openReactions(app: App, options: ReactionsOptions): AppReactions {
  const { schedules, signatures } = openTriggers(app, options.serviceConfigs);
  return new AppReactions(new AppEvents(app, { ...options, schedules }), { ...options, signatures });
}

interface ReactionsParts extends ReactionsOptions {
  readonly signatures: ReadonlyMap<WebhookTrigger, WebhookSignature>;
}

export class AppReactions {
  readonly events: AppEvents;
  /** Of the services that were attached. */
  readonly webhooks: WebhookRoute[] = [];
  readonly #parts: ReactionsParts;
  readonly #consumers = new Map<string, readonly Consumer[]>();

  constructor(events: AppEvents, parts: ReactionsParts) {
    this.events = events;
    this.#parts = parts;
  }

  of(service: Service, privacy: Privacy): ServiceReactions {
    const { clock, log, metrics, random, spans } = this.#parts;
    const programs = new Map(service.workflows.map((workflow) => [workflow.name, createProgram(workflow, { service: service.name, log, privacy, seals: this.events.seals })]));
    const workflows = programs.size === 0 ? undefined : this.events.workflowsOf(service, programs);
    return {
      emitter: this.events.emitterOf(service),
      runs: workflows?.runs,
      seals: this.events.seals,
      attach: ({ audit, data, environment, stages }) => {
        const parts = { audit, environment, data, metrics, spans, clock, log };
        this.#consumers.set(service.name, [
          ...service.subscriptions.map((subscription) => createSubscriptionConsumer(subscription, parts)),
          ...service.triggers.filter((trigger) => trigger.kind === "onChange").map((trigger) => createChangeConsumer(trigger, { ...parts, tables: service.tables, vault: this.#parts.vault })),
          ...service.triggers.filter((trigger) => trigger.kind === "every").map((trigger) => createScheduleConsumer(trigger, parts)),
          ...(workflows === undefined ? [] : service.workflows.flatMap((workflow) => createWorkflowConsumers(workflow, { ...parts, ...workflows, programs, random }))),
        ]);
        if (service.triggers.some(({ kind }) => kind === "onChange")) data.onKept(() => this.events.wakes.wake(`inbox ${service.name}`));
        this.#attachWebhooks(service, { data, environment, stages });
      },
    };
  }

  /** Those that move and deliver events, when every service is attached. In the order in which they are started. */
  parts(): readonly Part[] {
    const { clock, database, log, metrics } = this.#parts;
    const subscriptions = new Map([...this.#consumers].map(([service, consumers]) => [service, consumers.map(({ name }) => name)]));
    new LagWatch({ database, subscriptions, clock, log }).register(metrics);
    return this.events.parts(this.#consumers);
  }

  #attachWebhooks(service: Service, { data, environment, stages }: AttachOptions): void {
    for (const trigger of service.triggers.filter((each) => each.kind === "webhook")) {
      const operation = webhookOperation(service.name, trigger);
      const handler = handleWebhook(trigger, { environment, data, signature: this.#parts.signatures.get(trigger) as WebhookSignature });
      this.webhooks.push({ path: trigger.path, bodyMaxBytes: trigger.bodyMaxBytes, operation, handler: compile(stages, operation, handler) });
    }
  }
}
