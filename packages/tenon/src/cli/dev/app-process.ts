/**
 * The process in which `tenon dev` runs the app. It does as it is told over its channel, one step at a time (see
 * `messages.ts`), and ends when it is told to, when the app fails, or when whoever tells it is gone.
 *
 * It is started before it is needed and imports the platform while it waits, so that a save costs only what the app
 * itself takes.
 */
import { join } from "node:path";
import type { StartedApp } from "../../app/index.ts";
import type { App } from "../../service/index.ts";
import { configLayers } from "../config-layers.ts";
import { toProblem } from "../explain-error.ts";
import { watchImports } from "../imported-files.ts";
import { loadApp } from "../load-app.ts";
import { CommandProblem } from "../problem.ts";
import { LoadedFiles } from "./loaded-files.ts";
import type { Order, Report } from "./messages.ts";

/**
 * How long calls under way may finish when a file was saved, in ms. Whoever saves is waiting, and a page that keeps
 * its connection open would hold the restart up for the whole of a drain.
 */
const drainMs = 100;

export async function runAppProcess(): Promise<void> {
  const process_ = new AppProcess();
  process_.listen();
  await preload();
}

/** What every app needs: read from disk and compiled while nobody waits for it. */
async function preload(): Promise<void> {
  await import("../../app/index.ts");
  await import("../../data/index.ts");
  await import("../../pglite/index.ts");
  await import("../../otlp/index.ts");
}

class AppProcess {
  readonly #files = new LoadedFiles((files) => this.#report({ kind: "files", files }));
  #app: App | undefined = undefined;
  #warming: Promise<void> | undefined = undefined;
  #started: Promise<StartedApp> | undefined = undefined;

  listen(): void {
    watchImports((file) => this.#files.add(file));
    process.on("message", (order) => void this.#obey(order as Order));
    process.on("disconnect", () => void this.#stop());
    // A terminal sends Ctrl-C to this process too; the other one decides what comes of it.
    process.on("SIGINT", () => undefined);
    process.on("uncaughtException", (error) => this.#fail(error));
    process.on("unhandledRejection", (reason) => this.#fail(reason));
  }

  async #obey(order: Order): Promise<void> {
    try {
      if (order.kind === "warm") {
        await (this.#warming = warm());
      } else if (order.kind === "load") {
        this.#app = await loadApp(order.file);
        this.#files.report();
        this.#report({ kind: "loaded" });
      } else if (order.kind === "open") {
        await this.#warming; // two databases at once would take longer than one after the other
        await this.#open(order);
      } else {
        await this.#stop();
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  async #open({ migrations, settings }: Extract<Order, { kind: "open" }>): Promise<void> {
    const app = this.#app;
    if (app === undefined) return;
    const { needsData } = await import("../../app/index.ts");
    this.#started = migrations === "likely" ? start(app, settings, "always") : startQuickly(app, settings);
    const { config, url } = await this.#started;
    const isEmbedded = needsData(app) && (config.databaseUrl === "" || config.databaseUrl.startsWith("pglite:"));
    this.#report({ kind: "ready", app: app.name, url, services: app.services.length, database: isEmbedded ? "embedded" : "other" });
  }

  async #stop(): Promise<void> {
    try {
      await (await this.#started)?.stop();
    } catch {
      // What went wrong at the start was reported then, and at the end there is nobody left to act on it.
    }
    process.exit(0);
  }

  #fail(thrown: unknown): void {
    this.#files.report();
    const problem = withWayOut(toProblem(thrown));
    if (process.send === undefined || !process.connected) process.exit(1);
    process.send({ kind: "failed", problem: toReported(problem) } satisfies Report, () => void this.#end());
  }

  /** Closes what is open: a database that is left as it is costs the next start its recovery. */
  async #end(): Promise<void> {
    await this.#started?.then((started) => started.stop()).catch(() => undefined);
    process.exit(1);
  }

  #report(report: Report): void {
    if (process.connected) process.send?.(report);
  }
}

type Settings = Readonly<Record<string, string>>;

async function start(app: App, settings: Settings, migrate: "always" | "never"): Promise<StartedApp> {
  const { startApp } = await import("../../app/index.ts");
  return startApp(app, {
    layers: [...configLayers(process.cwd()), { name: "tenon dev", values: { DRAIN_MS: String(drainMs), ...settings } }],
    output: { isTerminal: process.stdout.isTTY, hasColors: process.stdout.isTTY && process.stdout.hasColors() },
    migrate,
    seed: "yes",
  });
}

/** Looking whether anything is pending takes a tenth of the time of migrating with nothing pending. */
async function startQuickly(app: App, settings: Settings): Promise<StartedApp> {
  try {
    return await start(app, settings, "never");
  } catch {
    return start(app, settings, "always"); // a new service brings migrations of its own; what else is wrong will be told again
  }
}

/**
 * Opens an embedded database in memory and drops it. V8 compiles the machine code of PostgreSQL function by function
 * as they are used and keeps it for the whole process, so the app's own database then opens in less than half the time.
 */
async function warm(): Promise<void> {
  const { cacheDirectoryOf, parseConfig } = await import("../../app/index.ts");
  const { openPglite } = await import("../../pglite/index.ts");
  try {
    const { config } = parseConfig(configLayers(process.cwd()));
    const database = await openPglite({ cacheDir: cacheDirectoryOf(config) });
    await database.close();
  } catch {
    // Nothing depends on it: what is wrong will be told when the app is opened.
  }
}

/** An embedded database holds nothing that cannot be made again: in the first days of a service that is the shorter way. */
function withWayOut(problem: CommandProblem): CommandProblem {
  if (!(problem.cause instanceof Error) || problem.cause.name !== "MigrationError") return problem;
  const layers = configLayers(process.cwd());
  const valueOf = (name: string): string => layers.map(({ values }) => values[name]).find((value) => value !== undefined && value !== "") ?? "";
  if (valueOf("DATABASE_URL") !== "") return problem;
  const directory = join(valueOf("TENON_DIRECTORY") || ".tenon", "database");
  const wayOut = `or, if the rows do not matter, start with an empty database: delete ${directory}, and save again`;
  return new CommandProblem(problem.message, { remedy: wayOut, excerpt: problem.excerpt, cause: problem.cause });
}

function toReported({ cause, excerpt, message, remedy }: CommandProblem): Extract<Report, { kind: "failed" }>["problem"] {
  const stack = cause instanceof Error ? cause.stack : undefined;
  return { message, excerpt, ...(remedy === undefined ? {} : { remedy }), ...(stack === undefined ? {} : { stack }) };
}
