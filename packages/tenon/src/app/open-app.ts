/**
 * The composition root: an app and its configuration become running parts. Everything standard is put together here,
 * in the open; no other room knows more than its own.
 */
import { operationsOf } from "../contract/index.ts";
import {
  admit,
  type AnswerStore,
  compile,
  ConcurrencyLimit,
  deadline,
  Directory,
  type Handler,
  MemoryAnswers,
  record,
  replay,
  type Stage,
  validate,
} from "../calls/index.ts";
import type { ServiceData } from "../data/index.ts";
import type { Broker } from "../events/index.ts";
import { handle } from "../handlers/index.ts";
import { type Clock, createIdSource, type IdSource, type Part, type Random } from "../kernel/index.ts";
import { RestFace, type HttpHandler } from "../rest/index.ts";
import type { AnyHandler, App } from "../service/index.ts";
import { type LogWriter, type Metrics, type Privacy, SpanRecorder, type TelemetrySink } from "../telemetry/index.ts";
import { authorize, authorizeCaller, identify, limit, type TokenVerifier } from "../trust/index.ts";
import type { Config } from "./config.ts";
import type { OpenedData } from "./open-data.ts";
import type { AppObjectives } from "./open-objectives.ts";
import { Readiness } from "./readiness.ts";
import { AppPrivacy } from "./service-privacy.ts";
import { standardPages } from "./standard-pages.ts";

export interface OpenAppOptions {
  readonly config: Config;
  /** Settings of services, by service name. */
  readonly serviceConfigs: ReadonlyMap<string, unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogWriter;
  /** Of this app alone. */
  readonly metrics: Metrics;
  readonly verifier: TokenVerifier | undefined;
  /** The database, opened; `undefined` for an app without tables. */
  readonly data: OpenedData | undefined;
  /** What events go over, where it is not the database. */
  readonly broker?: Broker | undefined;
  /** How long requests wait before they are seen, in ms, where the host can tell. */
  readonly queueDelayMs?: () => number;
  /** Who takes spans. Left out, none is recorded, and log lines still name their traces. */
  readonly telemetry?: TelemetrySink | readonly TelemetrySink[] | undefined;
}

/** An app whose operations can be called. */
export interface OpenApp {
  readonly app: App;
  readonly metrics: Metrics;
  readonly spans: SpanRecorder;
  readonly ids: IdSource;
  readonly directory: Directory;
  /** What `/health/ready` says. */
  readonly readiness: Readiness;
  readonly http: HttpHandler;
  /** In the order in which they are started; stopped in reverse. */
  readonly parts: readonly Part[];
  /** Those of them that move and deliver events. */
  readonly eventParts: readonly Part[];
  /** What counts objectives; missing where nothing is promised. Its parts are started by whoever runs the app. */
  readonly objectives: AppObjectives | undefined;
  /** Those that fire schedules, to be started after them. Left out in tests, which fire by themselves. */
  readonly tickers: readonly Part[];
  /** Puts a run of a schedule into the inbox. @throws {RangeError} the service has no such schedule. */
  fire(service: string, schedule: string, run: { readonly scheduledAtMs: number; readonly missed: number }): Promise<void>;
  /** Resolves when every event was delivered, with all that follows from it. For tests. */
  readonly settled: () => Promise<void>;
}

/** How many calls are let in before anything has been learned: what one core answers without queueing for long. */
const initialConcurrency = 64;
const minConcurrency = 8;

/** First answers that a service without a database keeps in memory. */
const memoryAnswersMax = 10_000;

/** @throws {ContractMistakes} a trigger cannot work, with everything that is wrong with any. */
export async function openApp(app: App, options: OpenAppOptions): Promise<OpenApp> {
  const { clock, config, data, log, metrics, random } = options;
  const ids = createIdSource(random);
  const spans = openSpans(options, ids);
  const directory = new Directory();
  const readiness = new Readiness();
  const concurrency = new ConcurrencyLimit({ min: minConcurrency, max: config.concurrencyMax, initial: Math.min(initialConcurrency, config.concurrencyMax) });
  metrics.watch({ name: "tenon_calls_underway", help: "Calls under way.", type: "gauge" }, () => [{ value: concurrency.underway }]);
  metrics.watch({ name: "tenon_concurrency_limit", help: "Calls that may be under way at once.", type: "gauge" }, () => [{ value: concurrency.limit }]);

  const objectives = isPromising(app) ? await (await import("./open-objectives.ts")).AppObjectives.open(app, { ...options, ids, directory, database: data?.database }) : undefined;
  if (objectives !== undefined) {
    const spec = { name: "tenon_alert_notifications_failed", help: "Notifications of alerts that a receiver did not take, in spite of repeats.", type: "counter" } as const;
    metrics.watch(spec, () => [{ value: objectives.failures }]);
  }

  const appPrivacy = new AppPrivacy(app, options);
  // Loaded only with a database: an app without one starts sooner for it.
  const reactions = data === undefined ? undefined : (await import("./open-reactions.ts")).openReactions(app, { ...options, database: data.database, spans });
  for (const service of app.services) {
    const serviceData = data?.services.get(service.name);
    const privacy = appPrivacy.of(service);
    const stages = standardStages(options, { spans, concurrency, objectives, privacy, serviceData });
    const own = serviceData === undefined ? undefined : reactions?.of(service, privacy);
    const environment = { service: service.name, privacy, data: serviceData, emitter: own?.emitter, runs: own?.runs, directory, clock, ids, log, metrics, config: options.serviceConfigs.get(service.name) };
    for (const operation of operationsOf(service.contract)) {
      const handler = service.handlers[operation.name] as AnyHandler;
      directory.register(operation, compile(stages, operation, handle(operation, handler, environment)));
    }
    if (serviceData !== undefined) own?.attach({ environment, data: serviceData, stages });
  }

  const eventParts = reactions?.parts() ?? [];
  const tickers = reactions?.events.tickers() ?? [];

  const face = new RestFace({
    contracts: app.services.map((service) => service.contract),
    operationsOf,
    handlerOf: (operation) => directory.find(operation.id) as Handler,
    pages: standardPages({ app, metrics, readiness, database: data?.database }),
    mounts: app.mounts,
    webhooks: reactions?.webhooks ?? [],
    corsOrigins: config.corsOrigins,
    bodyMaxBytes: config.bodyMaxBytes,
    clock,
    ids,
    log,
  });
  return {
    app,
    metrics,
    spans,
    ids,
    directory,
    readiness,
    http: face.answer,
    parts: [...(data?.parts ?? []), ...eventParts, ...tickers],
    eventParts,
    objectives,
    tickers,
    settled: async () => reactions?.events.settled(),
    fire: async (service, schedule, run) => reactions?.events.fire(service, schedule, run),
  };
}

/** Whether any operation or subscription has an objective. */
function isPromising(app: App): boolean {
  return app.services.some(({ contract, subscriptions }) => operationsOf(contract).some(({ objective }) => objective !== undefined) || subscriptions.some(({ options }) => options.objective !== undefined));
}

function openSpans({ clock, config, metrics, random, telemetry = [] }: OpenAppOptions, ids: IdSource): SpanRecorder {
  const spans = new SpanRecorder({ clock, random, ids, sampling: { sampler: config.tracesSampler, ratio: config.tracesSamplerArg } });
  for (const sink of [telemetry].flat()) spans.addSink(sink);
  metrics.watch({ name: "tenon_spans_pending", help: "Spans that wait to be handed on.", type: "gauge" }, () => [{ value: spans.pending }]);
  metrics.watch({ name: "tenon_spans_held", help: "Spans of traces that are not sampled, held in case that one fails.", type: "gauge" }, () => [{ value: spans.held }]);
  metrics.watch({ name: "tenon_spans_dropped", help: "Spans for which there was no room.", type: "counter" }, () => [{ value: spans.dropped }]);
  return spans;
}

/**
 * What every call passes, outermost first. Each stage leaves itself out where an operation does not need it.
 *
 * `transaction` stands around `replay`, because the first answer is stored in the command's own transaction; it is
 * opened at first use, so a replayed answer never opens it.
 */
function standardStages(
  options: OpenAppOptions,
  parts: { readonly spans: SpanRecorder; readonly concurrency: ConcurrencyLimit; readonly objectives: AppObjectives | undefined; readonly privacy: Privacy; readonly serviceData: ServiceData | undefined },
): readonly Stage[] {
  const { clock, config, log, metrics, random, verifier } = options;
  const { concurrency, objectives, privacy, serviceData, spans } = parts;
  const answers: AnswerStore =
    serviceData?.answers ?? new MemoryAnswers({ keepMs: config.idempotencyKeepH * 3_600_000, max: memoryAnswersMax, nowMs: () => clock.nowMs() });
  return [
    record({ metrics, log, clock, spans, objectives: objectives?.meters, privacy }),
    admit({ limit: concurrency, clock, random, ...(objectives === undefined ? {} : { isPressed: objectives.isPressed }), ...(options.queueDelayMs === undefined ? {} : { queueDelayMs: options.queueDelayMs }) }),
    deadline({ clock }),
    identify({ verifier, clock }),
    authorizeCaller(),
    limit({ clock }),
    validate,
    authorize(),
    ...(serviceData === undefined ? [] : [serviceData.transaction]),
    replay({ answers }),
  ];
}

