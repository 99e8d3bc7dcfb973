/**
 * Everything that a process of an app runs, in the order in which it is started; it is stopped in reverse. Read from top to
 * bottom: what stands above is there before what stands below, and still there after it.
 */
import type { Part } from "../kernel/index.ts";
import { HttpServer, type LineOutput, LoopDelay, ProcessWatch } from "../node/index.ts";
import type { App } from "../service/index.ts";
import { type LogWriter, Metrics } from "../telemetry/index.ts";
import type { Config } from "./config.ts";
import { joinOpenTelemetry } from "./join-open-telemetry.ts";
import { openApp, type OpenApp } from "./open-app.ts";
import { openBroker } from "./open-broker.ts";
import { needsData, openData } from "./open-data.ts";
import { openAppExporter } from "./open-exporter.ts";
import { openIdentity } from "./open-identity.ts";
import { openLimits } from "./open-limits.ts";
import type { Secrets } from "./secrets.ts";
import { LiveServiceConfigs, type ServiceConfigs } from "./service-config.ts";
import type { StartOptions } from "./start-options.ts";
import { systemClock } from "./system.ts";

export interface PartsOptions extends Omit<StartOptions, "output"> {
  readonly config: Config;
  /** Settings as they are now, read anew while the app runs. */
  readonly secrets: Secrets;
  readonly serviceConfigs: ServiceConfigs;
  /** The services that run in this process; the app itself where all of them do. */
  readonly here: App;
  readonly log: LogWriter;
  readonly output: LineOutput;
  /** What is opened is added here at once, so that it is closed again where something after it cannot be opened. */
  readonly parts: Part[];
}

export interface OpenedParts {
  readonly open: OpenApp;
  readonly server: HttpServer;
  /** Where other services call; missing where all services run in this process. */
  readonly door: { readonly port: number } | undefined;
}

/** @throws {ConfigError | Fault} something cannot be opened. */
export async function openParts(app: App, options: PartsOptions): Promise<OpenedParts> {
  const { config, here, log, output, parts, secrets, serviceConfigs } = options;
  const metrics = new Metrics({ clock: systemClock, log, seriesMax: config.metricsSeriesMax });
  const outside = { config, clock: systemClock, random: Math.random, log, metrics };

  const exporter = await openAppExporter(app.name, config, { ...outside, metrics: () => [...metrics.collect(), ...(exporter?.families() ?? [])], refresh: () => metrics.refresh() });
  parts.push(...asParts(exporter)); // first in, last out: what stops before has something to say
  const sinks = [options.telemetry ?? [], exporter?.sink ?? []].flat();
  for (const sink of sinks) log.addSink(sink);

  const migrate = options.migrate ?? (config.mode === "production" ? "never" : "always");
  const data = needsData(here) ? await openData(here, { ...outside, databaseUrl: () => secrets.current("DATABASE_URL"), vaultToken: () => secrets.current("VAULT_TOKEN"), migrate, seed: options.seed ?? "no" }) : undefined;
  parts.push(...(data?.parts ?? []));

  const audit = data === undefined || config.audit === "off" ? undefined : await (await import("./open-audit.ts")).openAudit(here, { ...outside, database: data.database, how: "sealed" });
  parts.push(...(audit?.parts ?? []));

  const identity = await openIdentity(app, { config, log, clock: systemClock, database: data?.database, port: () => server.port });
  parts.push(...asParts(identity.part));

  const broker = await openBroker(config, log);
  const limits = await openLimits(app, config, outside);
  const settings = new LiveServiceConfigs(here.services, { secrets, current: serviceConfigs.values, log });
  parts.push(...limits.parts, ...secrets.parts({ everyMs: config.secretsRereadS * 1_000, log }));

  const placement = here === app ? undefined : await (await import("./open-placement.ts")).openPlacement(app, { ...outside, here });
  const elsewhere = placement === undefined ? undefined : { app, carrier: placement.carrier };
  const loopDelay = new LoopDelay(systemClock);
  const open = await openApp(here, { ...outside, serviceConfigs: settings.values, verifier: identity.verifier, identity, data, audit, broker, limits: limits.store, queueDelayMs: loopDelay.delayMs, elsewhere, telemetry: sinks, objectivesClock: options.objectivesClock });
  const door = placement?.openDoor(open);
  parts.push(...(placement?.parts ?? []));
  await noteStart(open, options);

  parts.push(...(await joinOpenTelemetry(config, { spans: open.spans, log })));
  const server: HttpServer = createServer(options, { open, loopDelay });
  watchHost(metrics, { config, log, output, server });
  parts.push(
    new ProcessWatch(outside),
    { name: "spans", start: () => undefined, stop: () => open.spans.flush() },
    ...(open.objectives?.parts ?? []), // they count until the last call has ended, and keep it before the database closes
    ...asParts(open.incidents?.keeper),
    ...open.eventParts,
    ...open.tickers,
    ...asParts(door),
    server,
    ...(open.objectives?.probes ?? []),
  );
  return { open, server, door };
}

function asParts<P extends Part>(part: P | undefined): readonly P[] {
  return part === undefined ? [] : [part];
}

/** A release or a setting that is new is what one looks for first when something goes wrong. */
async function noteStart({ incidents }: OpenApp, { config, layers, serviceConfigs }: PartsOptions): Promise<void> {
  if (incidents === undefined) return;
  const { releaseOf, settingsMarkOf } = await import("./open-incidents.ts");
  await incidents.keeper.noteStart(releaseOf(config), settingsMarkOf(layers, serviceConfigs.lines.map(({ env }) => env), Math.random));
}

function createServer({ config, log }: PartsOptions, { loopDelay, open }: { readonly open: OpenApp; readonly loopDelay: LoopDelay }): HttpServer {
  return new HttpServer({
    handler: open.http,
    clock: systemClock,
    log,
    port: config.port,
    host: config.host === "" ? undefined : config.host,
    drainMs: config.drainMs,
    drainDelayMs: config.drainDelayMs,
    connectionsMax: config.connectionsMax,
    loopDelay,
  });
}

interface Host {
  readonly config: Config;
  readonly log: LogWriter;
  readonly output: LineOutput;
  readonly server: HttpServer;
}

function watchHost(metrics: Metrics, { config, log, output, server }: Host): void {
  metrics.watch({ name: "tenon_http_connections", help: "Open connections of HTTP.", type: "gauge" }, () => [{ value: server.connections }]);
  metrics.watch({ name: "tenon_http_connections_max", help: "Connections there may be.", type: "gauge" }, () => [{ value: config.connectionsMax }]);
  metrics.watch({ name: "tenon_log_lines_dropped", help: "Log lines that nobody got, because nobody read them in time.", type: "counter" }, () => [{ value: output.dropped }]);
  metrics.watch({ name: "tenon_log_records_dropped", help: "Log records that a sink refused.", type: "counter" }, () => [{ value: log.recordsDropped }]);
}
