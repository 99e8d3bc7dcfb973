/**
 * `tenon start`: the app as it runs in production.
 *
 * TENON_MODE is `production` unless something says otherwise: no development issuer, no migrations by themselves. On
 * SIGTERM or SIGINT, calls under way may finish (DRAIN_MS), then everything is closed in order and the process ends
 * with 0. A second signal ends it at once, with 128 and the signal's number.
 */
import { constants } from "node:os";
import type { ConfigLayer, StartedApp } from "../../app/index.ts";
import type { App } from "../../service/index.ts";
import { enterApp } from "../app-location.ts";
import { appOperand, type CommandSpec } from "../command.ts";
import { configLayers } from "../config-layers.ts";
import { loadApp } from "../load-app.ts";
import { showPath } from "../source-place.ts";
import type { Terminal } from "../terminal.ts";

interface StartOptions {
  readonly only?: string;
  readonly migrate?: true;
  readonly seed?: true;
  readonly json?: true;
}

type Signal = "SIGTERM" | "SIGINT";

/**
 * A signal that follows another within this time is the same one: a terminal sends Ctrl-C to the whole group, and npm
 * passes on what it got itself.
 */
const sameSignalMs = 300;

export const startCommand: CommandSpec<StartOptions> = {
  name: "start",
  operands: appOperand,
  summary: "run the app as in production",
  description: [
    'Runs the app as in production: TENON_MODE is "production" unless the environment or .env says otherwise, so',
    "tokens come from OIDC_ISSUER, and pending migrations are refused. SIGTERM or Ctrl-C lets calls finish and ends",
    "with 0; a second one ends at once. SIGUSR2 changes the levels of the log: to those in .tenon/log-levels, or to",
    "debug and back.",
  ].join(" "),
  options: [
    { flags: "--only <services>", about: "run these services of the app, with commas between; SERVICES_URL says where the others are" },
    { flags: "--migrate", about: "apply pending migrations before the first call" },
    { flags: "--seed", about: "fill empty databases with the services' example data" },
  ],
  examples: [
    ["tenon start", "after tenon migrate, in production"],
    ["TENON_MODE=development tenon start --migrate --seed", "everything embedded, for a look"],
    ["tenon start --only orders,payments", "two services of the app; the others run in other processes"],
    ["tenon start --json", "log lines as JSON, also on a terminal"],
  ],
  async run({ operands, options, terminal }) {
    const location = enterApp(operands[0]);
    const app = await loadApp(location.file);
    const layers = layersOf(location.home, options);
    const ending = new Ending(terminal);
    const { startApp } = await import("../../app/index.ts");
    const started = await startApp(app, {
      layers,
      output: { isTerminal: process.stdout.isTTY, hasColors: process.stdout.isTTY && process.stdout.hasColors() },
      ...(options.migrate === true ? { migrate: "always" as const } : {}),
      seed: options.seed === true ? "yes" : "no",
    });
    dieLoudly(started);
    switchLevelsBySignal(started);
    await warnOfEmbeddedDatabase(app, started, terminal);
    await ending.asked;
    await started.stop();
    return undefined;
  },
};

function layersOf(home: string, options: StartOptions): readonly ConfigLayer[] {
  return [
    ...(options.json === true ? [{ name: "--json", values: { LOG_FORMAT: "json" } }] : []),
    ...(options.only === undefined ? [] : [{ name: "--only", values: { SERVICES_ONLY: options.only } }]),
    ...configLayers(home),
    { name: "tenon start", values: { TENON_MODE: "production" } },
  ];
}

/** Waits for the first signal, and makes the second one final. */
class Ending {
  readonly #terminal: Terminal;
  readonly #asked = Promise.withResolvers<void>();
  #askedAtMs: number | undefined = undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => this.#on(signal));
  }

  /** Resolves when the app is to stop. A signal that came during the start counts. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  #on(signal: Signal): void {
    const nowMs = performance.now();
    if (this.#askedAtMs === undefined) {
      this.#askedAtMs = nowMs;
      this.#terminal.say(`${signal}: calls under way may finish; once more ends at once`);
      this.#asked.resolve();
    } else if (nowMs - this.#askedAtMs > sameSignalMs) {
      process.exit(128 + constants.signals[signal]);
    }
  }
}

/** A bug outside of every call leaves the process in a state that nobody knows: it says so and ends. */
function dieLoudly(started: StartedApp): void {
  const die = (error: unknown): void => {
    started.log.error("a bug outside of every call ended the process", { error });
    started.flushNow();
    process.exit(1);
  };
  process.on("uncaughtException", die);
  process.on("unhandledRejection", die);
}

/** Windows has no such signal. */
function switchLevelsBySignal(started: StartedApp): void {
  if (process.platform !== "win32") process.on("SIGUSR2", () => void started.switchLevels());
}

/** In production the app's own log says so. */
async function warnOfEmbeddedDatabase(app: App, { config }: StartedApp, terminal: Terminal): Promise<void> {
  const { appHere, needsData } = await import("../../app/index.ts");
  const isEmbedded = config.databaseUrl === "" || config.databaseUrl.startsWith("pglite:");
  if (!isEmbedded || config.mode === "production" || !needsData(appHere(app, config))) return;
  const where = config.databaseUrl === "" ? showPath(`${config.dataDirectory}/database`) : config.databaseUrl;
  terminal.warn(`the embedded database (${where}) is for development and tests: it runs one transaction at a time, and a loss of power may cost the last ones; DATABASE_URL names a real one`);
}
