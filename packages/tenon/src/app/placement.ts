/** Which services of an app run in this process. */
import type { App } from "../service/index.ts";
import { ConfigError } from "./config.ts";
import type { PlacementConfig } from "./placement-settings.ts";

/**
 * The app with the services that run here; the app itself where all of them do.
 *
 * @throws {ConfigError} a setting names a service that the app does not have.
 */
export function appHere(app: App, { serviceUrls, servicesOnly }: PlacementConfig): App {
  const known = new Set(app.services.map(({ name }) => name));
  const problems: string[] = [];
  for (const [env, names] of [["SERVICES_ONLY", servicesOnly], ["SERVICE_URLS", serviceUrls.map((pair) => pair.slice(0, pair.indexOf("=")))]] as const) {
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) problems.push(`${env} names ${unknown.join(", ")}, and the services of this app are ${[...known].join(", ")}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  if (servicesOnly.length === 0) return app;
  return { ...app, services: app.services.filter(({ name }) => servicesOnly.includes(name)) };
}
