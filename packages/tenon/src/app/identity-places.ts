/** The ids of an app's services, and where what they stand on is kept, by the configuration. */
import { join } from "node:path";
import type { App } from "../service/index.ts";
import type { Config } from "./config.ts";

/** The pattern of the ids, with `{service}` left in it. */
export function idPatternTextOf(app: App, { serviceIds }: Pick<Config, "serviceIds">): string {
  return serviceIds.replaceAll("{app}", app.name);
}

/** Where the authority for development keeps its key, and the list of what is revoked. */
export function authorityDirectoryOf({ dataDirectory }: Pick<Config, "dataDirectory">): string {
  return join(dataDirectory, "authority");
}

export function revokedFileOf(config: Pick<Config, "dataDirectory" | "identityRevoked">): string {
  return config.identityRevoked === "" ? join(authorityDirectoryOf(config), "revoked") : config.identityRevoked;
}
