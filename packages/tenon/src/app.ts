/** Running an app from a program of one's own, instead of from the command line. */
export { ConfigError, type ConfigLayer, startApp, type StartedApp, type StartOptions } from "./app/index.ts";
export type { Span, TelemetrySink } from "./telemetry/index.ts";
