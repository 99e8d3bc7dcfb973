/**
 * Incidents of an app at work: the graph of its calls, what it is compared with, and where incidents are kept. Loaded by apps
 * that promise something, and by no others.
 */
import { hash } from "node:crypto";
import { CallGraph } from "../calls/index.ts";
import type { Database } from "../data/index.ts";
import { type Change, DatabaseGraph, DatabaseIncidents, type GraphStore, IncidentKeeper, type IncidentStore, MemoryIncidents, type SettingsMark, type WatchedService } from "../incidents/index.ts";
import { type Clock, type Log, type Random, randomHex64 } from "../kernel/index.ts";
import type { ObjectiveKeeper } from "../objectives/index.ts";
import { type App, hasData, type Service } from "../service/index.ts";
import { type Config, type ConfigLayer, lookUp, settings } from "./config.ts";
import type { AppObjectives } from "./open-objectives.ts";

export interface IncidentsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly database: Database | undefined;
  readonly objectives: AppObjectives;
}

export interface AppIncidents {
  readonly graph: CallGraph;
  readonly keeper: IncidentKeeper;
  readonly store: IncidentStore;
}

export async function openIncidents(app: App, options: IncidentsOptions): Promise<AppIncidents> {
  const { clock, config, database, log, objectives, random } = options;
  const graph = new CallGraph(clock);
  const store = database === undefined ? new MemoryIncidents() : await openIncidentStore(app, database);
  const keeper = new IncidentKeeper({
    app: app.name,
    store,
    graph,
    graphStore: database === undefined ? undefined : await openGraphStore(app, database),
    services: () =>
      app.services.flatMap(({ name: service }) => {
        const own = objectives.keeperOf(service);
        return own === undefined ? [] : [watchedService(service, own, objectives)];
      }),
    lookBackMs: config.incidentsLookBackH * 3_600_000,
    closeAfterMs: config.incidentsCloseAfterH * 3_600_000,
    clock,
    random,
    log,
  });
  return { graph, keeper, store };
}

function watchedService(service: string, own: ObjectiveKeeper, objectives: AppObjectives): WatchedService {
  return {
    service,
    isWatching: own.isWatching,
    alerts: own.alerts,
    row: (target, windowMs) => own.row(target, windowMs),
    lag(target) {
      const known = own.target(target);
      return known?.indicator !== "lag" || known.limitMs === undefined ? undefined : { limitMs: known.limitMs, waitsIn: objectives.waitsIn(target) };
    },
  };
}

/** Where the incidents are, so that what is usual outlives the process as they do. */
async function openGraphStore(app: App, database: Database): Promise<GraphStore | undefined> {
  const home = app.services.find(hasData);
  if (home === undefined) return undefined;
  const { withSession } = await import("../data/index.ts");
  return new DatabaseGraph((mode, task) => withSession(database, { service: home.name, mode, purpose: "watch" }, task));
}

/** In the schema of the app's first service that has one; in memory where none has. */
export async function openIncidentStore(app: App, database: Database): Promise<IncidentStore> {
  const owners = app.services.filter(hasData);
  const [home] = owners;
  if (home === undefined) return new MemoryIncidents();
  const { withSession } = await import("../data/index.ts");
  return new DatabaseIncidents({
    withSession: (mode, task) => withSession(database, { service: home.name, mode, purpose: "watch" }, task),
    async migrations(fromMs, untilMs) {
      const found: Change[] = [];
      for (const owner of owners) found.push(...(await migrationsOf(owner, database, [fromMs, untilMs])));
      return found;
    },
  });
}

async function migrationsOf({ name: service }: Service, database: Database, [fromMs, untilMs]: readonly [number, number]): Promise<readonly Change[]> {
  const { withSession } = await import("../data/index.ts");
  const text = "select name, applied_at from tenon_migrations where applied_at between $1 and $2 order by applied_at, name";
  const { rows } = await withSession(database, { service, mode: "read", purpose: "watch" }, (session) => session.query(text, [new Date(fromMs), new Date(untilMs)]));
  return rows.map((row) => ({ atMs: Date.parse(row["applied_at"] as string), kind: "migration", text: `migration ${service}/${String(row["name"])}` }));
}

/** Of each process by itself: another instance has others, and that is no change. */
const ofProcess: ReadonlySet<string> = new Set(["PORT", "HOST", "TENON_DIRECTORY", "TENON_RELEASE", "OTEL_SERVICE_INSTANCE_ID"]);
/** Of 65 536 values of a secret one has the same digest: too many to find it by, too few to miss that it changed. */
const digestDigits = 4;

/** What is set, with the settings of the services; defaults are not. */
export function settingsMarkOf(layers: readonly ConfigLayer[], serviceSettings: readonly string[], random: Random): (salt: string | undefined) => SettingsMark {
  const names = [...new Set([...Object.values(settings).map(({ env }) => env), ...serviceSettings])].filter((name) => !ofProcess.has(name));
  return (known) => {
    const salt = known ?? randomHex64(random);
    const digests = names.flatMap((name): readonly (readonly [string, string])[] => {
      const text = lookUp(layers, name)?.text;
      return text === undefined ? [] : [[name, hash("sha256", `${salt} ${name} ${text}`, "hex").slice(0, digestDigits)]];
    });
    return { salt, digests: Object.fromEntries(digests) };
  };
}

/** What the app runs as: TENON_RELEASE, or `service.version` among OTEL_RESOURCE_ATTRIBUTES. */
export function releaseOf({ otelResourceAttributes, release }: Config): string {
  if (release !== "") return release;
  return otelResourceAttributes.find((each) => each.startsWith("service.version="))?.slice("service.version=".length) ?? "";
}
