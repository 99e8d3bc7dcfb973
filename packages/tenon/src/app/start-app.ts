/** Starts an app as a process runs it: configuration in, a listening server out, and an orderly end. */
import type { Log, LogLevel, Part } from "../kernel/index.ts";
import { HttpServer, LineOutput, LoopDelay, ProcessWatch } from "../node/index.ts";
import type { HttpHandler } from "../rest/index.ts";
import type { App } from "../service/index.ts";
import { LogWriter, Metrics, type TelemetrySink } from "../telemetry/index.ts";
import type { TokenVerifier } from "../trust/index.ts";
import { type Config, ConfigError, type ConfigLayer, parseConfig } from "./config.ts";
import { LevelSwitch } from "./level-switch.ts";
import { levelsByService } from "./log-levels.ts";
import { openApp, type OpenApp } from "./open-app.ts";
import { openBroker } from "./open-broker.ts";
import { joinOpenTelemetry } from "./join-open-telemetry.ts";
import { openAppExporter } from "./open-exporter.ts";
import { type MigrateWhen, needsData, openData } from "./open-data.ts";
import { parseServiceConfigs } from "./service-config.ts";
import { systemClock } from "./system.ts";

export interface StartOptions {
  readonly layers: readonly ConfigLayer[];
  /** Where the log goes, and whether that is a terminal that shows colors. `fd`: a file descriptor, default 1, standard output. */
  readonly output?: { readonly isTerminal: boolean; readonly hasColors: boolean; readonly fd?: number };
  /** Default: `always` in development, `never` in production, where `tenon migrate` runs first. */
  readonly migrate?: MigrateWhen;
  /** Fill empty databases with the services' seeds. */
  readonly seed?: "yes" | "no";
  /** Who takes spans and what the log says, besides those that the configuration names. */
  readonly telemetry?: TelemetrySink | readonly TelemetrySink[];
}

export interface StartedApp {
  readonly open: OpenApp;
  readonly config: Config;
  readonly port: number;
  readonly url: string;
  readonly log: Log;
  /** Lets calls finish, closes everything in reverse order. Idempotent. */
  stop(): Promise<void>;
  /** Writes the log lines that wait, blocking: the last words of a process that dies by a bug. */
  flushNow(): void;
  /**
   * Goes on to the next levels of the log: those in the file `log-levels` in TENON_DIRECTORY, where there is one; else
   * `debug` for everything, and back to what is configured. What it did is a line of the log.
   */
  switchLevels(): Promise<void>;
}

/**
 * @throws {ConfigError} everything that is wrong with the configuration.
 * @throws {Fault} `unavailable`: the port is taken, or the database is out of reach.
 */
export async function startApp(app: App, options: StartOptions): Promise<StartedApp> {
  const startedMs = systemClock.elapsedMs();
  const { config } = parseConfig(options.layers);
  const serviceConfigs = await parseServiceConfigs(app.services, options.layers);
  const levels = levelsByService(config.logLevels);
  assertServices(app, levels);
  const output = new LineOutput(options.output?.fd ?? 1);
  const log = createLog(config, { levels, options, output });
  const levelSwitch = new LevelSwitch({ log, directory: config.dataDirectory, configured: { level: config.logLevel, levels } });
  const parts: Part[] = [];

  async function stopParts(): Promise<void> {
    for (const part of parts.toReversed()) await part.stop();
    log.flush();
    await output.flush();
  }

  try {
    const metrics = new Metrics({ clock: systemClock, log, seriesMax: config.metricsSeriesMax });
    const exporter = await openAppExporter(app.name, config, {
      clock: systemClock,
      random: Math.random,
      log,
      metrics: () => [...metrics.collect(), ...(exporter?.families() ?? [])],
      refresh: () => metrics.refresh(),
    });
    if (exporter !== undefined) parts.push(exporter); // first in, last out: what stops before has something to say
    const sinks = [options.telemetry ?? [], exporter ?? []].flat();
    for (const sink of sinks) log.addSink(sink);
    const verifier = await openVerifier(app, config, log);
    const data = needsData(app)
      ? await openData(app, { config, clock: systemClock, random: Math.random, log, metrics, migrate: options.migrate ?? (config.mode === "production" ? "never" : "always"), seed: options.seed ?? "no" })
      : undefined;
    if (data !== undefined) parts.push(...data.parts);
    const broker = await openBroker(config, log);
    const loopDelay = new LoopDelay(systemClock);
    const open = await openApp(app, { config, serviceConfigs: serviceConfigs.values, clock: systemClock, random: Math.random, log, metrics, verifier, data, broker, queueDelayMs: loopDelay.delayMs, telemetry: sinks });
    parts.push(...(await joinOpenTelemetry(config, { spans: open.spans, log })));
    const server = createServer(config, { handler: open.http, log, loopDelay });
    watchHost(metrics, { config, log, output, server });
    const spans: Part = { name: "spans", start: () => undefined, stop: () => open.spans.flush() };
    // Counts are taken until the last call has ended, and kept before the database closes.
    parts.push(new ProcessWatch({ metrics, clock: systemClock }), spans, ...(open.objectives?.parts ?? []), ...open.eventParts, ...open.tickers, server, ...(open.objectives?.probes ?? []));
    for (const part of parts) await part.start();

    const url = `http://${config.host === "" ? "localhost" : config.host}:${server.port}`;
    log.info(`${app.name} is listening on ${url}`, { services: app.services.map((service) => service.name).join(","), startMs: Math.round(systemClock.elapsedMs() - startedMs) });
    let stopping: Promise<void> | undefined;
    return {
      open,
      config,
      port: server.port,
      url,
      log,
      stop() {
        open.readiness.isReady = false;
        stopping ??= stopParts();
        return stopping;
      },
      flushNow() {
        log.flush();
        output.flushNow();
      },
      switchLevels: () => levelSwitch.next(),
    };
  } catch (error) {
    await stopParts();
    throw error;
  }
}

interface ServerParts {
  readonly handler: HttpHandler;
  readonly log: Log;
  readonly loopDelay: LoopDelay;
}

function createServer(config: Config, { handler, log, loopDelay }: ServerParts): HttpServer {
  return new HttpServer({
    handler,
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

/** @throws {ConfigError} */
function assertServices(app: App, levels: ReadonlyMap<string, LogLevel>): void {
  const names = new Set(app.services.map(({ name }) => name));
  const unknown = [...levels.keys()].filter((name) => !names.has(name));
  if (unknown.length > 0) throw new ConfigError([`LOG_LEVELS names ${unknown.join(", ")}, and the services of this app are ${[...names].join(", ")}`]);
}

interface LogParts {
  readonly levels: ReadonlyMap<string, LogLevel>;
  readonly options: StartOptions;
  readonly output: LineOutput;
}

function createLog(config: Config, { levels, options, output }: LogParts): LogWriter {
  const { output: terminal } = options;
  const isText = config.logFormat === "text" || (config.logFormat === "auto" && terminal?.isTerminal === true);
  return new LogWriter({
    write: output.write,
    clock: systemClock,
    level: config.logLevel,
    levels,
    format: isText ? "text" : "json",
    color: terminal?.hasColors === true ? "on" : "off",
  });
}

/**
 * Who verifies tokens: the configured issuer, or in development the local one. Loaded only where an operation asks who
 * is calling.
 */
async function openVerifier(app: App, config: Config, log: Log): Promise<TokenVerifier | undefined> {
  const operations = app.services.flatMap((service) => Object.values(service.contract as unknown as Record<string, { readonly access?: unknown }>));
  const needsCaller = operations.some((operation) => operation.access !== undefined && operation.access !== "public");
  if (!needsCaller && config.oidcIssuer === "") return undefined;
  if (config.oidcIssuer !== "") {
    const { openIdVerifier } = await import("../oidc/index.ts");
    return openIdVerifier({
      issuer: config.oidcIssuer,
      audience: config.oidcAudience,
      clock: systemClock,
      ...(config.oidcJwksUrl === "" ? {} : { jwksUrl: config.oidcJwksUrl }),
    });
  }
  if (config.mode === "production") {
    throw new ConfigError(["OIDC_ISSUER is missing: in production tokens come from an issuer of yours (TENON_MODE=development has a local one)"]);
  }
  const { openDevelopmentIssuer } = await import("../oidc/index.ts");
  const issuer = await openDevelopmentIssuer({ directory: config.dataDirectory, clock: systemClock });
  log.debug("tokens of the local development issuer are accepted", { directory: config.dataDirectory });
  return issuer.verifier;
}
