/**
 * The composition root: an app and its configuration become running parts. Everything standard is put together here,
 * in the open; no other room knows more than its own.
 */
import { operationsOf } from "../contract/index.ts";
import {
  admit,
  type AnswerStore,
  type CallGraph,
  type Carrier,
  compile,
  ConcurrencyLimit,
  deadline,
  depart,
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
import { handle, type ServiceEnvironment } from "../handlers/index.ts";
import { type Clock, createIdSource, type IdSource, type Part, type Random } from "../kernel/index.ts";
import { RestFace, type HttpHandler, type RestOptions } from "../rest/index.ts";
import type { AnyHandler, App } from "../service/index.ts";
import { type LogWriter, type Metrics, type Privacy, SpanRecorder, type TelemetrySink } from "../telemetry/index.ts";
import { addressOfCaller, authorize, authorizeCaller, identify, keyTarget, limit, limitInput, type LimitStore, MemoryLimits, slowGuesses, type TokenVerifier } from "../trust/index.ts";
import type { Config } from "./config.ts";
import type { AppAudit, AuditStages } from "./open-audit.ts";
import type { CallerIdentity } from "./open-identity.ts";
import type { OpenedData } from "./open-data.ts";
import type { AppIncidents } from "./open-incidents.ts";
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
  /** How callers are known, besides by tokens. */
  readonly identity?: CallerIdentity;
  /** The database, opened; `undefined` for an app without tables. */
  readonly data: OpenedData | undefined;
  /** Who puts calls on record; `undefined` where nothing has to be. */
  readonly audit?: AppAudit | undefined;
  /** What events go over, where it is not the database. */
  readonly broker?: Broker | undefined;
  /** Who counts calls for rate limits. Default: this process. */
  readonly limits?: LimitStore | undefined;
  /** What objectives and incidents go by, where it is another clock: a drill lets hours pass in minutes. Durations of calls are not affected. */
  readonly objectivesClock?: Clock | undefined;
  /** How long requests wait before they are seen, in ms, where the host can tell. */
  readonly queueDelayMs?: () => number;
  /** The whole app, where other services of it run in other processes, and who brings calls there. */
  readonly elsewhere?: { readonly app: App; readonly carrier: Carrier } | undefined;
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
  /** What handlers of a service are given, by its name. */
  readonly environments: ReadonlyMap<string, ServiceEnvironment>;
  /** In the order in which they are started; stopped in reverse. */
  readonly parts: readonly Part[];
  /** Those of them that move and deliver events. */
  readonly eventParts: readonly Part[];
  /** What counts objectives; missing where nothing is promised. Its parts are started by whoever runs the app. */
  readonly objectives: AppObjectives | undefined;
  /** What keeps incidents; missing where nothing is promised. Its part is started by whoever runs the app. */
  readonly incidents: AppIncidents | undefined;
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

/**
 * @param app  With the services that run in this process.
 * @throws {ContractMistakes} a trigger cannot work, with everything that is wrong with any.
 */
export async function openApp(app: App, options: OpenAppOptions): Promise<OpenApp> {
  const { clock, config, data, log, metrics, random } = options;
  const ids = createIdSource(random);
  const spans = openSpans(options, ids);
  const directory = new Directory();
  const readiness = new Readiness();
  const concurrency = new ConcurrencyLimit({ min: minConcurrency, max: config.concurrencyMax, initial: Math.min(initialConcurrency, config.concurrencyMax) });
  metrics.watch({ name: "tenon_calls_underway", help: "Calls under way.", type: "gauge" }, () => [{ value: concurrency.underway }]);
  metrics.watch({ name: "tenon_concurrency_limit", help: "Calls that may be under way at once.", type: "gauge" }, () => [{ value: concurrency.limit }]);

  const objectives = await openPromises(app, { ...options, ids, directory, spans });
  const incidents = objectives === undefined ? undefined : await (await import("./open-incidents.ts")).openIncidents(app, { ...options, clock: options.objectivesClock ?? clock, database: data?.database, objectives });
  const graph = incidents?.graph;

  const appPrivacy = new AppPrivacy(options.elsewhere?.app ?? app, options);
  // Loaded only with a database: an app without one starts sooner for it.
  const reactions = data === undefined ? undefined : (await import("./open-reactions.ts")).openReactions(app, { ...options, database: data.database, vault: data.vault, spans, graph, everywhere: options.elsewhere?.app ?? app });
  const subjectRequests = await openRights(options.elsewhere?.app ?? app, options);
  const guesses = slowGuesses({ clock, targetOf: keyTarget });
  const limits = options.limits ?? new MemoryLimits({ clock });
  const environments = new Map<string, ServiceEnvironment>();
  for (const service of app.services) {
    const serviceData = data?.services.get(service.name);
    const privacy = appPrivacy.of(service);
    const audit = serviceData === undefined ? undefined : options.audit?.stagesOf(service, serviceData);
    const stages = standardStages(options, { spans, concurrency, graph, guesses, limits, objectives, privacy, serviceData, audit });
    const own = serviceData === undefined ? undefined : reactions?.of(service, privacy);
    const environment = { service: service.name, privacy, data: serviceData, emitter: own?.emitter, runs: own?.runs, seals: own?.seals, subjectRequests, grants: app.grants, directory, clock, ids, log, metrics, graph, get config() { return options.serviceConfigs.get(service.name); } };
    environments.set(service.name, environment);
    for (const operation of operationsOf(service.contract)) {
      const handler = service.handlers[operation.name] as AnyHandler;
      directory.register(operation, compile(stages, operation, handle(operation, handler, environment)));
    }
    if (serviceData !== undefined) own?.attach({ environment, data: serviceData, stages, audit: options.audit?.reactionStagesOf(service, serviceData) });
  }

  registerElsewhere(app, { ...options, directory, graph, spans });

  const eventParts = reactions?.parts() ?? [];
  const tickers = reactions?.events.tickers() ?? [];

  const face = new RestFace({
    contracts: app.services.map((service) => service.contract),
    operationsOf,
    handlerOf: (operation) => directory.find(operation.id) as Handler,
    pages: standardPages({ app, metrics, readiness, database: data?.database }),
    ...throughHttp(app, options.identity),
    webhooks: reactions?.webhooks ?? [],
    addressOf: addressOfCaller({ trusted: config.trustedProxies, header: config.proxyHeader }),
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
    environments,
    parts: [...(data?.parts ?? []), ...(options.audit?.parts ?? []), ...eventParts, ...tickers],
    eventParts,
    objectives,
    incidents,
    tickers,
    settled: async () => reactions?.events.settled(),
    fire: async (service, schedule, run) => reactions?.events.fire(service, schedule, run),
  };
}

/** What serves the rights of persons, where the app has operations for them. */
async function openRights(app: App, { audit, clock, data }: OpenAppOptions): Promise<ServiceEnvironment["subjectRequests"]> {
  if (app.subjectRights === undefined || data?.vault === undefined) return undefined;
  return (await import("./open-subject-desk.ts")).openSubjectRequests(app, { clock, database: data.database, vault: data.vault, trailOf: (service) => audit?.trailOf(service) });
}

/** What services of this process call and another one answers. */
function registerElsewhere(app: App, { clock, directory, elsewhere, graph, spans }: OpenAppOptions & { readonly directory: Directory; readonly graph: CallGraph | undefined; readonly spans: SpanRecorder }): void {
  if (elsewhere === undefined) return;
  for (const { contract } of elsewhere.app.services.filter((service) => !app.services.includes(service))) {
    for (const operation of operationsOf(contract)) directory.registerElsewhere(operation, depart(operation, { carrier: elsewhere.carrier, clock, graph, spans }));
  }
}

/** What is answered besides operations, and what of a request tells who calls. */
function throughHttp(app: App, identity: CallerIdentity = {}): Pick<RestOptions, "mounts" | "publicOrigin" | "sessionCookie"> {
  const { mounts = [], publicOrigin, sessionCookie } = identity;
  return { mounts: [...app.mounts, ...mounts], publicOrigin, sessionCookie };
}

/** What counts objectives; nothing of it is loaded where nothing is promised. */
async function openPromises(app: App, options: OpenAppOptions & { readonly ids: IdSource; readonly directory: Directory; readonly spans: SpanRecorder }): Promise<AppObjectives | undefined> {
  if (!isPromising(app)) return undefined;
  const { AppObjectives } = await import("./open-objectives.ts");
  const objectives = await AppObjectives.open(app, { ...options, clock: options.objectivesClock ?? options.clock, database: options.data?.database });
  options.spans.wantsAll = objectives.wantsTraces;
  objectives.watch(options.metrics);
  return objectives;
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

interface StageParts {
  readonly spans: SpanRecorder;
  readonly concurrency: ConcurrencyLimit;
  readonly graph: CallGraph | undefined;
  /** Bad tokens are counted over all services: whoever guesses tries them all. */
  readonly guesses: Stage;
  readonly limits: LimitStore;
  readonly objectives: AppObjectives | undefined;
  readonly privacy: Privacy;
  readonly serviceData: ServiceData | undefined;
  readonly audit: AuditStages | undefined;
}

/**
 * What every call passes, outermost first. Each stage leaves itself out where an operation does not need it.
 *
 * `transaction` stands around `replay`, because the first answer is stored in the command's own transaction; it is
 * opened at first use, so a replayed answer never opens it.
 */
function standardStages(
  options: OpenAppOptions,
  parts: StageParts,
): readonly Stage[] {
  const { clock, config, identity, log, metrics, random, verifier } = options;
  const { audit, concurrency, graph, guesses, limits: store, objectives, privacy, serviceData, spans } = parts;
  const answers: AnswerStore =
    serviceData?.answers ?? new MemoryAnswers({ keepMs: config.idempotencyKeepH * 3_600_000, max: memoryAnswersMax, nowMs: () => clock.nowMs() });
  return [
    record({ metrics, log, clock, spans, objectives: objectives?.meters, graph, privacy }),
    admit({ limit: concurrency, clock, random, ...(objectives === undefined ? {} : { isPressed: objectives.isPressed }), ...(options.queueDelayMs === undefined ? {} : { queueDelayMs: options.queueDelayMs }) }),
    deadline({ clock }),
    ...(audit === undefined ? [] : [audit.outcome]),
    guesses,
    identify({ verifier, keys: identity?.keys, sessions: identity?.sessions, possession: identity?.possession, clock }),
    authorizeCaller(),
    limit({ clock, store }),
    validate,
    limitInput({ clock, store }),
    authorize({ relations: serviceData?.relations }),
    ...(serviceData === undefined ? [] : [serviceData.transaction]),
    replay({ answers }),
    ...(audit === undefined ? [] : [audit.command]),
  ];
}

