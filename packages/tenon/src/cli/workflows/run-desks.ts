/** What the commands about workflows work with: the app, its database, and a desk for each service that has workflows. */
import type { App } from "../../service/index.ts";
import type { RunDesk } from "../../workflows/index.ts";
import { enterApp } from "../app-location.ts";
import { readAppMigrations } from "../app-migrations.ts";
import { wholeLayers } from "../config-layers.ts";
import { loadApp } from "../load-app.ts";
import { CommandProblem } from "../problem.ts";
import { terminalLog } from "../terminal-log.ts";
import type { Terminal } from "../terminal.ts";

export interface DeskOptions {
  readonly app?: string;
}

export interface RunDesks {
  readonly app: App;
  /** By the name of the service. */
  readonly desks: ReadonlyMap<string, RunDesk>;
}

/** A run that was meant, and where it is. */
export interface FoundRun {
  readonly id: string;
  readonly service: string;
  readonly desk: RunDesk;
}

/** Code is only gone through as far as it is on record, and says nothing there. */
const unheard = { isOn: () => false, say: () => undefined };

/** Opens, works, closes. @throws {CommandProblem} */
export async function withDesks<T>(options: DeskOptions, terminal: Terminal, work: (desks: RunDesks) => Promise<T>): Promise<T> {
  const location = enterApp(options.app);
  const app = await loadApp(location.file);
  const owners = app.services.filter(({ workflows }) => workflows.length > 0);
  if (owners.length === 0) throw new CommandProblem(`no service of ${app.name} has workflows`, { remedy: "a service with `workflows` has some: docs/workflows.md" });
  const { openDatabase, openVaultOf, parseConfig, systemClock } = await import("../../app/index.ts");
  const { RecordSeals } = await import("../../privacy/index.ts");
  const { pendingMigrations } = await import("../../data/index.ts");
  const { createProgram } = await import("../../reactions/index.ts");
  const { noPrivacy } = await import("../../telemetry/index.ts");
  const { RunDesk } = await import("../../workflows/index.ts");
  const { config } = parseConfig(await wholeLayers(location.home));
  const log = terminalLog(terminal);
  const database = await openDatabase(config, log);
  try {
    const pending = await pendingMigrations(database, await readAppMigrations(app));
    if (pending.length > 0) throw new CommandProblem(`the database is behind: ${pending.map(({ name, service }) => `${service}/${name}`).join(", ")}`, { remedy: "tenon migrate applies what is pending" });
    const vault = (await openVaultOf(app, { config, database, clock: systemClock }))?.vault;
    const desks = new Map<string, RunDesk>();
    for (const { name: service, workflows } of owners) {
      const programs = new Map(workflows.map((workflow) => [workflow.name, createProgram(workflow, { service, log: unheard, privacy: noPrivacy })]));
      const seals = vault === undefined ? undefined : new RecordSeals(vault, service);
      desks.set(service, new RunDesk({ database, service, programs, clock: systemClock, random: Math.random, seals }));
    }
    return await work({ app, desks });
  } finally {
    await database.close();
  }
}

/** The one run that is meant. @throws {CommandProblem} there is none, or there are several. */
export async function findRun({ desks }: RunDesks, text: string): Promise<FoundRun> {
  const found: FoundRun[] = [];
  for (const [service, desk] of desks) for (const id of await desk.find(text)) found.push({ id, service, desk });
  const exact = found.filter(({ id }) => id === text);
  const [only] = exact.length === 1 ? exact : found;
  if (only === undefined) throw new CommandProblem(`there is no run ${text}`, { remedy: "tenon workflows list shows the latest; runs are removed RUNS_KEEP_D days after their end" });
  if (exact.length !== 1 && found.length > 1) {
    throw new CommandProblem(`${text} may be one of several runs:\n${found.map(({ id, service }) => `  ${id} of ${service}`).join("\n")}`, { remedy: "write more of it" });
  }
  return only;
}
