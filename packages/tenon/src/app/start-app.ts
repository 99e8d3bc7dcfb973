/** Starts an app as a process runs it: configuration in, a listening server out, and an orderly end. */
import type { Log, LogLevel, Part } from "../kernel/index.ts";
import { LineOutput } from "../node/index.ts";
import type { App } from "../service/index.ts";
import { LogWriter } from "../telemetry/index.ts";
import { type Config, ConfigError, parseConfig } from "./config.ts";
import { LevelSwitch } from "./level-switch.ts";
import { levelsByService } from "./log-levels.ts";
import type { OpenApp } from "./open-app.ts";
import { openParts } from "./open-parts.ts";
import { appHere } from "./placement.ts";
import { Secrets } from "./secrets.ts";
import { parseServiceConfigs } from "./service-config.ts";
import type { StartOptions } from "./start-options.ts";
import { systemClock } from "./system.ts";

export interface StartedApp {
  readonly open: OpenApp;
  readonly config: Config;
  readonly port: number;
  readonly url: string;
  /** Where other services call, over mutual TLS; missing where all services run in this process. */
  readonly servicesPort: number | undefined;
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
  const secrets = await Secrets.open(options.layers, systemClock);
  const { config } = parseConfig(secrets.layers);
  const here = appHere(app, config);
  const serviceConfigs = await parseServiceConfigs(here.services, secrets.layers);
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
    const { door, open, server } = await openParts(app, { ...options, config, secrets, serviceConfigs, here, log, output, parts });
    for (const part of parts) await part.start();

    const url = `http://${config.host === "" ? "localhost" : config.host}:${server.port}`;
    log.info(`${app.name} is listening on ${url}`, { services: here.services.map((service) => service.name).join(","), ...(door === undefined ? {} : { servicesPort: door.port }), startMs: Math.round(systemClock.elapsedMs() - startedMs) });
    let stopping: Promise<void> | undefined;
    return {
      open,
      config,
      port: server.port,
      url,
      servicesPort: door?.port,
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
    write: output,
    clock: systemClock,
    level: config.logLevel,
    levels,
    format: isText ? "text" : "json",
    color: terminal?.hasColors === true ? "on" : "off",
  });
}
