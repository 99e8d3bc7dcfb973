/** Log records as lines. */
import type { StoredLog } from "../../telemetry-store/index.ts";
import type { Terminal } from "../terminal.ts";
import { plainText, timeText } from "./measure-text.ts";

const styles = { debug: "dim", info: "reset", warn: "yellow", error: "red" } as const;

export function logLine({ fields, level, message, service, timeMs, traceId }: StoredLog, terminal: Terminal): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const trace = traceId === "" ? [] : [`trace=${traceId}`];
  const behind = plainText([...facts, ...trace].join(" "));
  const text = plainText(message);
  const styled = level === "info" ? text : terminal.style(styles[level], text);
  return [terminal.style("dim", timeText(timeMs)), level.padEnd(5), plainText(service), styled, ...(behind === "" ? [] : [terminal.style("dim", behind)])].join("  ");
}

/** A record for machines: its time as text, and no empty members. */
export function logData({ fields, level, message, service, spanId, timeMs, traceId }: StoredLog): Readonly<Record<string, unknown>> {
  return { time: timeText(timeMs), level, service, message, fields, trace: traceId === "" ? null : traceId, span: spanId === "" ? null : spanId };
}
