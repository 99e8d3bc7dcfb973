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
import { type LogWriter, Metrics, type Privacy } from "../telemetry/index.ts";
import { authorize, authorizeCaller, identify, limit, type TokenVerifier } from "../trust/index.ts";
import type { Config } from "./config.ts";
import type { OpenedData } from "./open-data.ts";
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
  readonly verifier: TokenVerifier | undefined;
  /** The database, opened; `undefined` for an app without tables. */
  readonly data: OpenedData | undefined;
  /** What events go over, where it is not the database. */
  readonly broker?: Broker | undefined;
  /** How long requests wait before they are seen, in ms, where the host can tell. */
  readonly queueDelayMs?: () => number;
}

/** An app whose operations can be called. */
export interface OpenApp {
  readonly app: App;
  readonly metrics: Metrics;
  readonly ids: IdSource;
  readonly directory: Directory;
  /** What `/health/ready` says. */
  readonly readiness: Readiness;
  readonly http: HttpHandler;
  /** In the order in which they are started; stopped in reverse. */
  readonly parts: readonly Part[];
  /** Those of them that move and deliver events. */
  readonly eventParts: readonly Part[];
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
  const { clock, config, data, log, random } = options;
  const metrics = new Metrics();
  const ids = createIdSource(random);
  const directory = new Directory();
  const readiness = new Readiness();
  const concurrency = new ConcurrencyLimit({ min: minConcurrency, max: config.concurrencyMax, initial: Math.min(initialConcurrency, config.concurrencyMax) });
  metrics.gauge({ name: "tenon_calls_underway", help: "Calls under way.", read: () => concurrency.underway });
  metrics.gauge({ name: "tenon_concurrency_limit", help: "Calls that may be under way at once.", read: () => concurrency.limit });

  const appPrivacy = new AppPrivacy(app, options);
  // Loaded only with a database: an app without one starts sooner for it.
  const reactions = data === undefined ? undefined : (await import("./open-reactions.ts")).openReactions(app, { ...options, database: data.database, metrics });
  for (const service of app.services) {
    const serviceData = data?.services.get(service.name);
    const privacy = appPrivacy.of(service);
    const stages = standardStages(options, { metrics, concurrency, privacy, serviceData });
    const own = serviceData === undefined ? undefined : reactions?.of(service, privacy);
    const environment = { service: service.name, privacy, data: serviceData, emitter: own?.emitter, runs: own?.runs, directory, clock, ids, log, config: options.serviceConfigs.get(service.name) };
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
    ids,
    directory,
    readiness,
    http: face.answer,
    parts: [...(data?.parts ?? []), ...eventParts, ...tickers],
    eventParts,
    tickers,
    settled: async () => reactions?.events.settled(),
    fire: async (service, schedule, run) => reactions?.events.fire(service, schedule, run),
  };
}

/**
 * What every call passes, outermost first. Each stage leaves itself out where an operation does not need it.
 *
 * `transaction` stands around `replay`, because the first answer is stored in the command's own transaction; it is
 * opened at first use, so a replayed answer never opens it.
 */
function standardStages(
  options: OpenAppOptions,
  parts: { readonly metrics: Metrics; readonly concurrency: ConcurrencyLimit; readonly privacy: Privacy; readonly serviceData: ServiceData | undefined },
): readonly Stage[] {
  const { clock, config, log, random, verifier } = options;
  const { concurrency, metrics, privacy, serviceData } = parts;
  const answers: AnswerStore =
    serviceData?.answers ?? new MemoryAnswers({ keepMs: config.idempotencyKeepH * 3_600_000, max: memoryAnswersMax, nowMs: () => clock.nowMs() });
  return [
    record({ metrics, log, clock, privacy }),
    admit({ limit: concurrency, clock, random, ...(options.queueDelayMs === undefined ? {} : { queueDelayMs: options.queueDelayMs }) }),
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

