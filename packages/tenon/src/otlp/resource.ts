/** Who speaks: the attributes that stand once in every request, for all that it holds. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Attributes } from "../telemetry/index.ts";

export interface ServiceIdentity {
  /** `service.name` */
  readonly name: string;
  /** `service.instance.id`: of this process, another one after each start. */
  readonly instanceId: string;
  /** `service.version`; empty where nobody knows. */
  readonly version: string;
}

/**
 * What the platform knows, with what the operator says on top.
 *
 * Of the process it names what tells processes apart and no more: arguments may hold secrets.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/resource/
 */
export function createResource(service: ServiceIdentity, given: Attributes): Attributes {
  return {
    "service.name": service.name,
    "service.instance.id": service.instanceId,
    ...(service.version === "" ? {} : { "service.version": service.version }),
    "telemetry.sdk.name": "tenon",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.version": ownVersion(),
    "host.name": hostname(),
    "process.pid": process.pid,
    "process.executable.path": process.execPath,
    "process.runtime.name": "nodejs",
    "process.runtime.version": process.versions.node,
    ...given,
  };
}

/** Of the package, wherever it is installed. */
export function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { readonly version: string };
  return manifest.version;
}
