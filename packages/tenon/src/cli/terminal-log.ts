/** The log of a command that does its work and ends: warnings and errors are said to the person, the rest is kept quiet. */
import type { Log, LogFields } from "../kernel/index.ts";
import type { Terminal } from "./terminal.ts";

export function terminalLog(terminal: Terminal): Log {
  const quiet = (): void => undefined;
  return {
    debug: quiet,
    info: quiet,
    warn: (message, fields) => terminal.warn(withFields(message, fields)),
    error: (message, fields) => terminal.warn(withFields(message, fields)),
  };
}

function withFields(message: string, fields: LogFields = {}): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${value instanceof Error ? value.message : String(value)}`);
  return facts.length === 0 ? message : `${message} (${facts.join(", ")})`;
}
