/** The export of telemetry, where the configuration names a collector. Its room is loaded only then. */
import { readFile } from "node:fs/promises";
import { createUuidSource } from "../kernel/index.ts";
import type { Exporter, ExporterOptions } from "../otlp/index.ts";
import type { Config } from "./config.ts";
import { toExporterSettings } from "./export-settings.ts";

/**
 * Connects to nothing yet: a collector that is away makes telemetry be dropped, and keeps no app from starting.
 *
 * @param appName  `service.name`, where the operator says nothing else.
 * @throws {Fault} `invalid_argument`: a certificate or key cannot be read.
 */
export async function openAppExporter(appName: string, config: Config, options: ExporterOptions): Promise<Exporter | undefined> {
  const settings = toExporterSettings(config);
  if (settings === undefined) return undefined;
  const { createResource, openExporter } = await import("../otlp/index.ts");
  const service = { name: appName, instanceId: createUuidSource(options.clock, options.random)(), version: await appVersion() };
  return openExporter({ ...settings, resource: createResource(service, settings.resource) }, options);
}

/** What the app's own manifest says, in the directory that settings are relative to; empty where it says nothing. */
async function appVersion(): Promise<string> {
  try {
    const manifest = JSON.parse(await readFile("package.json", "utf8")) as { readonly version?: unknown } | null;
    return typeof manifest?.version === "string" ? manifest.version : "";
  } catch {
    return ""; // an app may run without one, from a bundle
  }
}
