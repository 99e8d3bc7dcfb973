/** How code says something to whoever runs it. The writer is the telemetry room's; here is only the shape. */

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts beside a message: scalars, or an error under `error`. Never personal data. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
