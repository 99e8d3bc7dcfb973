/** Words that every room shares. No input, no output, no engine. */
export { backoffMs, type BackoffLimits } from "./backoff.ts";
export type { Clock, Random, Timer } from "./clock.ts";
export { type Duration, type DurationUnit, formatDuration, parseDuration } from "./duration.ts";
export {
  DeclaredFault,
  Fault,
  faultCodeForStatus,
  type FaultCode,
  type FaultDetail,
  type FaultMore,
  type FaultRow,
  faultTable,
} from "./fault.ts";
export { createIdSource, createUuidSource, type IdSource, randomHex64 } from "./id.ts";
export type { Log, LogFields, LogLevel } from "./log.ts";
export type { Part } from "./part.ts";
export { isSafeUrl } from "./safe-url.ts";
