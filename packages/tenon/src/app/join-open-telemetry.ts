/** Whether the platform stands behind `@opentelemetry/api` in this process. The room for it is loaded only where it does. */
import { readFileSync } from "node:fs";
import type { Log, Part } from "../kernel/index.ts";
import type { SpanRecorder } from "../telemetry/index.ts";
import type { Config } from "./config.ts";

/** @throws {Fault} `unimplemented`: the package is to be used and is not installed. */
export async function joinOpenTelemetry({ openTelemetryApi }: Pick<Config, "openTelemetryApi">, { log, spans }: { readonly log: Log; readonly spans: SpanRecorder }): Promise<readonly Part[]> {
  if (openTelemetryApi === "off" || (openTelemetryApi === "auto" && !dependsOnApi("package.json"))) return [];
  const { openOpenTelemetry } = await import("../opentelemetry/index.ts");
  const joined = await openOpenTelemetry(spans, log);
  return [{ name: "opentelemetry", start: () => undefined, stop: () => joined.close() }];
}

/** Whoever begins spans, or uses what does, has the package among its own dependencies: instrumentations ask for it as a peer. */
function dependsOnApi(path: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(path, "utf8")) as { readonly dependencies?: Readonly<Record<string, string>> } | null;
    return manifest?.dependencies?.["@opentelemetry/api"] !== undefined;
  } catch {
    return false; // a program without a package.json, or with one that npm would refuse too
  }
}
