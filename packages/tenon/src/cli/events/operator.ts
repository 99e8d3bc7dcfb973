/**
 * What the commands about events work with: the app, and its database opened directly, whether or not the app runs. What
 * stands in the way is told in a person's words.
 */
import type { Config } from "../../app/index.ts";
import type { Database } from "../../data/index.ts";
import type { Route } from "../../events/index.ts";
import { type App, hasData, type Service } from "../../service/index.ts";
import { type AppLocation, enterApp } from "../app-location.ts";
import { readAppMigrations } from "../app-migrations.ts";
import { wholeLayers } from "../config-layers.ts";
import { loadApp } from "../load-app.ts";
import { CommandProblem } from "../problem.ts";
import { showPath } from "../source-place.ts";
import { terminalLog } from "../terminal-log.ts";
import type { Terminal } from "../terminal.ts";

export interface Operator {
  readonly app: App;
  readonly location: AppLocation;
  readonly database: Database;
  readonly routes: readonly Route[];
  /** The services with a database: those that can have events or deliveries. */
  readonly owners: readonly Service[];
  readonly terminal: Terminal;
}

export interface OperatorOptions {
  readonly app?: string;
}

/** Opens, works, closes. @throws {CommandProblem} */
export async function withOperator<T>(options: OperatorOptions, terminal: Terminal, work: (operator: Operator) => Promise<T>): Promise<T> {
  const location = enterApp(options.app);
  const app = await loadApp(location.file);
  const owners = app.services.filter(hasData);
  if (owners.length === 0) throw new CommandProblem(`no service of ${app.name} has a database, so there are no events`, { remedy: "a service with migrations has one: docs/data.md" });
  const { openDatabase, parseConfig } = await import("../../app/index.ts");
  const { routesOf } = await import("../../reactions/index.ts");
  const { config } = parseConfig(await wholeLayers(location.home));
  let database: Database | undefined;
  try {
    database = await openDatabase(config, terminalLog(terminal));
    await assertMigrated(app, database);
    return await work({ app, location, database, routes: routesOf(app), owners, terminal });
  } catch (thrown) {
    throw explain(thrown, config);
  } finally {
    await database?.close();
  }
}

/** Of the app, and of the platform itself: an app that was last migrated by an older Tenon lacks tables. */
async function assertMigrated(app: App, database: Database): Promise<void> {
  const { pendingMigrations } = await import("../../data/index.ts");
  const pending = await pendingMigrations(database, await readAppMigrations(app));
  if (pending.length > 0) throw behind(pending.map(({ name, service }) => `${service}/${name}`).join(", "));
}

function behind(what: string): CommandProblem {
  return new CommandProblem(`the database is behind: ${what}`, { remedy: "tenon migrate applies what is pending" });
}

/** A table, a column, a schema or a role that migrations make. */
const missingStates = new Set(["42P01", "42703", "3F000", "42704", "22023"]);

function explain(thrown: unknown, config: Config): unknown {
  if (!(thrown instanceof Error) || thrown instanceof CommandProblem) return thrown;
  if (thrown.name === "DatabaseError" && "sqlState" in thrown && missingStates.has(String(thrown.sqlState))) return behind(thrown.message);
  if (thrown.name === "Fault" && "code" in thrown && thrown.code === "unavailable") return explainUnavailable(thrown, config);
  return thrown;
}

function explainUnavailable(thrown: Error & { readonly facts?: Readonly<Record<string, string | number>> }, config: Config): CommandProblem {
  const holder = thrown.facts?.["process"];
  if (holder !== undefined) {
    return new CommandProblem(`the embedded database is in use by process ${holder}, which is probably tenon dev: ${showPath(String(thrown.facts?.["directory"]))}`, {
      remedy: "stop it, and run this again: the embedded database belongs to one process at a time\nor give the app a PostgreSQL (DATABASE_URL), which both can use at once",
      cause: thrown,
    });
  }
  const reason = thrown.cause instanceof Error ? `: ${thrown.cause.message}` : "";
  const where = config.databaseUrl === "" ? "the embedded database" : `DATABASE_URL (${thrown.facts?.["database"] ?? "not shown"})`;
  return new CommandProblem(`${thrown.message}${reason}`, { remedy: `check that ${where} is there and can be reached from here; tenon config shows where the setting comes from`, cause: thrown });
}
