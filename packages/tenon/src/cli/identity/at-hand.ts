/** The identities of an app, for commands: its configuration, its services, and where their certificates come from. */
import type { Config } from "../../app/index.ts";
import type { IdPattern } from "../../identity/index.ts";
import type { App } from "../../service/index.ts";
import { enterApp } from "../app-location.ts";
import { configLayers } from "../config-layers.ts";
import { loadApp } from "../load-app.ts";
import { CommandProblem } from "../problem.ts";

export interface IdentitiesAtHand {
  readonly app: App;
  readonly config: Config;
  readonly pattern: IdPattern;
  /** Of the authority for development. */
  readonly authorityDirectory: string;
  readonly revokedFile: string;
}

/** @param path  Where the app is. */
export async function findIdentities(path: string | undefined): Promise<IdentitiesAtHand> {
  const location = enterApp(path);
  const app = await loadApp(location.file);
  const { authorityDirectoryOf, idPatternTextOf, parseConfig, revokedFileOf } = await import("../../app/index.ts");
  const { IdPattern } = await import("../../identity/index.ts");
  const { config } = parseConfig(configLayers(location.home));
  return { app, config, pattern: new IdPattern(idPatternTextOf(app, config)), authorityDirectory: authorityDirectoryOf(config), revokedFile: revokedFileOf(config) };
}

export function assertService({ app }: IdentitiesAtHand, name: string): void {
  const names = app.services.map((service) => service.name);
  if (!names.includes(name)) throw new CommandProblem(`${app.name} has no service "${name}"`, { remedy: `its services are ${names.join(", ")}`, exitCode: 2 });
}
