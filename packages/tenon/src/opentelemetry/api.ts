/** The package, loaded at first use: an app that writes no spans of its own need not have it. */
import { Fault } from "../kernel/index.ts";

export type Api = typeof import("@opentelemetry/api");

/** @throws {Fault} `unimplemented` when the package is not installed. */
export async function loadApi(): Promise<Api> {
  try {
    return await import("@opentelemetry/api");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw error;
    throw new Fault("unimplemented", "OTEL_API=on needs a package: npm install @opentelemetry/api", { cause: error });
  }
}
