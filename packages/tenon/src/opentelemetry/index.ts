/** The platform as what stands behind `@opentelemetry/api`: spans of users and of instrumentations join the trace of the call under way. */
export { additionLimits } from "./span-additions.ts";
export { type OpenTelemetry, openOpenTelemetry } from "./open-telemetry.ts";
