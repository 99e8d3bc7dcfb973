/**
 * Log lines: one JSON object a line, or readable text on a terminal. Lines gather in memory and leave in one write,
 * every 50 ms or 64 KiB, off the path of the call; `flush` writes what is left, and the app calls it last of all.
 *
 * A process that is killed loses at most the lines of the last 50 ms.
 *
 * Each line is a record as well, for whoever takes records: those leave with the lines. What the platform says is written
 * as it is; what a team's code says comes through a {@link ServiceLog}, which hides what is classified.
 */
import type { Clock, Log, LogFields, LogLevel, Timer } from "../kernel/index.ts";
import { openly, toShownFields } from "./shown-value.ts";
import type { LogRecord, TelemetrySink } from "./signals.ts";

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** How long a line may wait in memory: short enough to follow a log live, long enough to gather hundreds of lines. */
const flushAfterMs = 50;
/** Gathered text that is written at once: what a pipe of Linux holds. */
const flushAtChars = 64 * 1024;
/** Gathered records that are handed over at once: what one request of an exporter usually carries. */
const flushAtRecords = 512;

export type LogFormat = "json" | "text";

export interface LogWriterOptions {
  /** Takes whole lines. Must keep their order. */
  readonly write: (lines: string) => void;
  readonly clock: Clock;
  /** Lines below are dropped. Default `info`. */
  readonly level?: LogLevel;
  /** Other levels than that, by the name of a service. */
  readonly levels?: ReadonlyMap<string, LogLevel>;
  readonly format?: LogFormat;
  readonly color?: "on" | "off";
  /** Who takes the lines as records too. */
  readonly sinks?: readonly Pick<TelemetrySink, "logs">[];
}

/** Of the span in which something was said; empty outside of any. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
}

export const noTraceIds: TraceIds = Object.freeze({ traceId: "", spanId: "" });

/** A line whose fields are ready to be written: see {@link toShownFields}. */
export interface ReadyLine {
  readonly message: string;
  readonly fields: LogFields;
  readonly traceIds: TraceIds;
}

/** How a call ended. `operation`, `code` and `id` are the platform's own words and need no escaping. */
export interface CallLine {
  readonly operation: string;
  readonly service: string;
  readonly code: string;
  readonly id: string;
  readonly ms: number;
  readonly traceIds: TraceIds;
}

export class LogWriter implements Log {
  readonly #write: (lines: string) => void;
  readonly #clock: Clock;
  readonly #format: LogFormat;
  readonly #color: boolean;
  readonly #sinks: Pick<TelemetrySink, "logs">[];
  #rank: number;
  #ranks: ReadonlyMap<string, number>;
  #pending = "";
  #records: LogRecord[] = [];
  #recordsDropped = 0;
  #timer: Timer | undefined = undefined;
  #timeMs = Number.NaN;
  #timeText = "";
  #startText = "";
  /** By operation and code. */
  readonly #middles = new Map<string, Map<string, Middle>>();

  constructor(options: LogWriterOptions) {
    this.#write = options.write;
    this.#clock = options.clock;
    this.#format = options.format ?? "json";
    this.#color = options.color === "on";
    this.#sinks = [...(options.sinks ?? [])];
    this.#rank = rank[options.level ?? "info"];
    this.#ranks = toRanks(options.levels);
  }

  /** From now on; for one that itself logs. */
  addSink(sink: Pick<TelemetrySink, "logs">): void {
    this.#sinks.push(sink);
  }

  /** Changes the levels while running: of all services, and of those that have another one. */
  setLevel(level: LogLevel, levels?: ReadonlyMap<string, LogLevel>): void {
    this.#rank = rank[level];
    this.#ranks = toRanks(levels);
  }

  /** @param service  Whose line it would be; left out: the platform's own. */
  isOn(level: LogLevel, service?: string): boolean {
    return rank[level] >= (service === undefined || this.#ranks.size === 0 ? this.#rank : (this.#ranks.get(service) ?? this.#rank));
  }

  /** Records that a sink refused, by throwing. */
  get recordsDropped(): number {
    return this.#recordsDropped;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  /** One line for a call that ended. */
  call(level: LogLevel, line: CallLine): void {
    if (!this.isOn(level, line.service)) return;
    const { code, id, ms, operation, traceIds } = line;
    if (this.#sinks.length > 0) this.#keep(level, { message: "call", fields: { operation, code, ms: Math.round(ms * 1_000) / 1_000, call: id }, traceIds });
    if (this.#format === "json") {
      const trace = traceIds.traceId === "" ? '"}\n' : `","trace_id":"${traceIds.traceId}","span_id":"${traceIds.spanId}"}\n`;
      this.#append(`${this.#start()}${this.#middle(level, operation, code)}${msText(ms)}${id}${trace}`);
    } else {
      this.#append(this.#text(level, { message: `${operation} ${code} ${ms.toFixed(1)} ms`, fields: { call: id }, traceIds }));
    }
  }

  /** A line that is ready, and above its level. */
  say(level: LogLevel, line: ReadyLine): void {
    if (this.#sinks.length > 0) this.#keep(level, line);
    this.#append(this.#format === "text" ? this.#text(level, line) : this.#json(level, line));
  }

  /** Writes what is still in memory. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#handOver();
    if (this.#pending === "") return;
    const lines = this.#pending;
    this.#pending = "";
    this.#write(lines);
  }

  #log(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { service } = fields;
    if (!this.isOn(level, typeof service === "string" ? service : undefined)) return;
    this.say(level, { message, fields: toShownFields(fields, openly), traceIds: noTraceIds });
  }

  #keep(level: LogLevel, { fields, message, traceIds }: ReadyLine): void {
    const { spanId, traceId } = traceIds;
    this.#records.push({ timeMs: this.#clock.nowMs(), level, message, fields, traceId, spanId });
    if (this.#records.length >= flushAtRecords) this.#handOver();
  }

  #handOver(): void {
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    for (const sink of this.#sinks) {
      try {
        sink.logs?.(records);
      } catch {
        this.#recordsDropped += records.length; // a sink must not throw, and what is logged must not fail a call
      }
    }
  }

  #json(level: LogLevel, { fields, message, traceIds }: ReadyLine): string {
    const entry: Record<string, unknown> = { time: this.#time(), level, message };
    // A field does not pass for what the platform says of the line.
    for (const [name, value] of Object.entries(fields)) entry[reserved.has(name) ? `${name}_` : name] = value;
    if (traceIds.traceId !== "") Object.assign(entry, { trace_id: traceIds.traceId, span_id: traceIds.spanId });
    return `${JSON.stringify(entry)}\n`;
  }

  #text(level: LogLevel, { fields, message, traceIds }: ReadyLine): string {
    const mark = { debug: "·", info: " ", warn: "!", error: "✗" }[level];
    const { error, ...rest } = fields;
    const facts = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
    if (traceIds.traceId !== "") facts.push(`trace=${traceIds.traceId}`);
    const shown = facts.length === 0 ? "" : `  ${this.#dim(onOneLine(facts.join(" ")))}`;
    const cause = error === undefined ? "" : `\n${withoutControls(typeof error === "string" ? error : JSON.stringify(error))}`;
    return `${this.#dim(this.#time().slice(11, 23))} ${mark} ${onOneLine(message)}${shown}${cause}\n`;
  }

  #dim(text: string): string {
    return this.#color ? `\u001b[2m${text}\u001b[22m` : text;
  }

  #append(line: string): void {
    this.#pending += line;
    if (this.#pending.length >= flushAtChars) {
      this.flush();
      return;
    }
    this.#timer ??= this.#clock.after(flushAfterMs, () => {
      this.#timer = undefined;
      this.flush();
    });
  }

  /** ISO 8601 in UTC. Kept for a millisecond: a busy process writes a score of lines in each. */
  #time(): string {
    const nowMs = Math.floor(this.#clock.nowMs());
    if (nowMs !== this.#timeMs) this.#keepTime(nowMs);
    return this.#timeText;
  }

  /** A line of JSON up to and with the time. */
  #start(): string {
    const nowMs = Math.floor(this.#clock.nowMs());
    if (nowMs !== this.#timeMs) this.#keepTime(nowMs);
    return this.#startText;
  }

  #keepTime(nowMs: number): void {
    this.#timeMs = nowMs;
    this.#timeText = new Date(nowMs).toISOString();
    this.#startText = `{"time":"${this.#timeText}"`;
  }

  /** What lines about one operation and one code have in common. The contract bounds how many there are. */
  #middle(level: LogLevel, operation: string, code: string): string {
    const ofOperation = this.#middles.get(operation) ?? new Map<string, Middle>();
    const known = ofOperation.get(code);
    if (known !== undefined && known.level === level) return known.text;
    const text = `,"level":"${level}","message":"call","operation":"${operation}","code":"${code}","ms":`;
    this.#middles.set(operation, ofOperation.set(code, { level, text }));
    return text;
  }
}

/** Milliseconds with up to three digits behind the point, and the name of what comes behind them. */
function msText(ms: number): string {
  const us = Math.round(ms * 1000);
  return us >= 0 && us < 1_000_000 ? `${Math.floor(us / 1000)}${thousandths[us % 1000]}` : `${us / 1000}${callName}`;
}

const callName = ',"call":"';
/** By look-up: turning a fraction into text costs more than the rest of the line. */
const thousandths: readonly string[] = Array.from({ length: 1000 }, (_, us) => `${String(us / 1000).slice(1)}${callName}`);

interface Middle {
  readonly level: LogLevel;
  readonly text: string;
}

const reserved: ReadonlySet<string> = new Set(["time", "level", "message", "trace_id", "span_id"]);

function toRanks(levels: ReadonlyMap<string, LogLevel> = new Map()): ReadonlyMap<string, number> {
  return new Map([...levels].map(([service, level]) => [service, rank[level]]));
}

/** Control characters in what somebody sent would move the cursor, color the terminal, or forge a line. */
function withoutControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (char) => (char === "\t" ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`));
}

function onOneLine(text: string): string {
  return withoutControls(text).replaceAll("\n", String.raw`\n`);
}
