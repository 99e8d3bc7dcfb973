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
import { LineBuffer } from "./line-buffer.ts";
import { openly, toShownFields } from "./shown-value.ts";
import type { LogRecord, TelemetrySink } from "./signals.ts";

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** How long a line may wait in memory: short enough to follow a log live, long enough to gather hundreds of lines. */
const flushAfterMs = 50;
/** Gathered bytes that are written at once: what a pipe of Linux holds. */
const flushAtBytes = 64 * 1024;
/** Gathered records that are handed over at once: what one request of an exporter usually carries. */
const flushAtRecords = 512;

export type LogFormat = "json" | "text";

/** Takes whole lines in UTF-8, which are its own then. Must keep their order. */
export interface LineSink {
  bytes(lines: Uint8Array): void;
}

export interface LogWriterOptions {
  /** Takes whole lines, as text or as bytes. Must keep their order. */
  readonly write: ((lines: string) => void) | LineSink;
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

/** A call that ended, as far as its line is concerned. Identifiers are the platform's own and need no escaping. */
export interface LoggedCall {
  readonly id: string;
  readonly operation: { readonly id: string; readonly service: string };
  /** In which its span is, whose identifier is the call's. */
  readonly trace: { readonly id: string } | undefined;
  readonly traceIds: TraceIds;
}

export class LogWriter implements Log {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  readonly #format: LogFormat;
  readonly #color: boolean;
  readonly #sinks: Pick<TelemetrySink, "logs">[];
  #rank: number;
  #ranks: ReadonlyMap<string, number>;
  readonly #pending = new LineBuffer();
  #records: LogRecord[] = [];
  #recordsDropped = 0;
  #timer: Timer | undefined = undefined;
  #timeS = Number.NaN;
  #timeText = "";
  #timeMs = Number.NaN;
  #start = "";
  /** By operation and code. */
  readonly #middles = new Map<string, Map<string, Middle>>();

  constructor(options: LogWriterOptions) {
    const { write } = options;
    this.#sink = typeof write === "function" ? { bytes: (lines) => write(decoder.decode(lines)) } : write;
    this.#clock = options.clock;
    this.#format = options.format ?? "json";
    this.#color = options.color === "on";
    this.#sinks = (options.sinks ?? []).filter((sink) => sink.logs !== undefined);
    this.#rank = rank[options.level ?? "info"];
    this.#ranks = toRanks(options.levels);
  }

  /** From now on; for one that itself logs. */
  addSink(sink: Pick<TelemetrySink, "logs">): void {
    if (sink.logs !== undefined) this.#sinks.push(sink);
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

  /** One line for a call that ended, after `ms`, with `code`: `ok` or that of a fault. */
  call(level: LogLevel, call: LoggedCall, { code, ms }: { readonly code: string; readonly ms: number }): void {
    const { id, operation, trace } = call;
    if (!this.isOn(level, operation.service)) return;
    if (this.#sinks.length > 0) this.#keep(level, { message: "call", fields: { operation: operation.id, code, ms: Math.round(ms * 1_000) / 1_000, call: id }, traceIds: call.traceIds });
    if (this.#format === "text") {
      this.#say(this.#text(level, { message: `${operation.id} ${code} ${ms.toFixed(1)} ms`, fields: { call: id }, traceIds: call.traceIds }));
      return;
    }
    const line = this.#pending;
    this.#keepTime();
    line.ascii(this.#start);
    line.raw(this.#middle(level, operation.id, code));
    writeMs(line, ms);
    line.ascii(id);
    if (trace !== undefined) {
      line.raw(parts.trace);
      line.ascii(trace.id);
      line.raw(parts.span);
      line.ascii(id);
    }
    line.raw(parts.end);
    this.#appended();
  }

  /** A line that is ready, and above its level. */
  say(level: LogLevel, line: ReadyLine): void {
    if (this.#sinks.length > 0) this.#keep(level, line);
    this.#say(this.#format === "text" ? this.#text(level, line) : this.#json(level, line));
  }

  /** Writes what is still in memory. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#handOver();
    if (this.#pending.length > 0) this.#sink.bytes(this.#pending.take());
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

  #say(line: string): void {
    this.#pending.text(line);
    this.#appended();
  }

  #appended(): void {
    if (this.#pending.length >= flushAtBytes) {
      this.flush();
      return;
    }
    this.#timer ??= this.#clock.after(flushAfterMs, () => {
      this.#timer = undefined;
      this.flush();
    });
  }

  /** ISO 8601 in UTC. */
  #time(): string {
    this.#keepTime();
    return this.#timeText;
  }

  /** The time and the start of a line are kept for a millisecond, a busy process writes a score of lines in each; the day, for a second. */
  #keepTime(): void {
    const nowMs = Math.floor(this.#clock.nowMs());
    if (nowMs === this.#timeMs) return;
    this.#timeMs = nowMs;
    const second = Math.floor(nowMs / 1_000);
    if (second === this.#timeS) this.#timeText = `${this.#timeText.slice(0, -4)}${threeDigits[nowMs - second * 1_000]}Z`;
    else this.#timeText = new Date(nowMs).toISOString();
    this.#timeS = second;
    this.#start = `{"time":"${this.#timeText}"`;
  }

  /** What lines about one operation and one code have in common. The contract bounds how many there are. */
  #middle(level: LogLevel, operation: string, code: string): Uint8Array {
    const ofOperation = this.#middles.get(operation) ?? new Map<string, Middle>();
    const known = ofOperation.get(code);
    if (known !== undefined && known.level === level) return known.bytes;
    const bytes = encoder.encode(`,"level":"${level}","message":"call","operation":"${operation}","code":"${code}","ms":`);
    this.#middles.set(operation, ofOperation.set(code, { level, bytes }));
    return bytes;
  }
}

/** Milliseconds with up to three digits behind the point, and the name of what comes behind them. */
function writeMs(line: LineBuffer, ms: number): void {
  const us = Math.round(ms * 1_000);
  if (us >= 0 && us < maxWhole) {
    line.whole(Math.floor(us / 1_000));
    line.ascii(thousandths[us % 1_000] as string);
  } else line.ascii(String(us / 1_000));
  line.raw(parts.call);
}

/** By look-up: turning a fraction into text costs more than the rest of the line. */
const thousandths: readonly string[] = Array.from({ length: 1_000 }, (_, us) => String(us / 1_000).slice(1));
const threeDigits: readonly string[] = Array.from({ length: 1_000 }, (_, ms) => String(ms).padStart(3, "0"));
/** Up to here whole numbers are exact. */
const maxWhole = 2 ** 53;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const parts = {
  call: encoder.encode(',"call":"'),
  trace: encoder.encode('","trace_id":"'),
  span: encoder.encode('","span_id":"'),
  end: encoder.encode('"}\n'),
};

interface Middle {
  readonly level: LogLevel;
  readonly bytes: Uint8Array;
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
