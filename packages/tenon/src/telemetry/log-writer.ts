/**
 * Log lines: one JSON object a line, or readable text on a terminal. Lines gather in memory and leave in one write,
 * every 50 ms or 64 KiB, off the path of the call; `flush` writes what is left, and the app calls it last of all.
 *
 * A process that is killed loses at most the lines of the last 50 ms.
 */
import type { Clock, Log, LogFields, LogLevel, Timer } from "../kernel/index.ts";

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** How long a line may wait in memory: short enough to follow a log live, long enough to gather hundreds of lines. */
const flushAfterMs = 50;
/** Gathered text that is written at once: what a pipe of Linux holds. */
const flushAtChars = 64 * 1024;

export type LogFormat = "json" | "text";

export interface LogWriterOptions {
  /** Takes whole lines. Must keep their order. */
  readonly write: (lines: string) => void;
  readonly clock: Clock;
  /** Lines below are dropped. Default `info`. */
  readonly level?: LogLevel;
  readonly format?: LogFormat;
  readonly color?: "on" | "off";
}

/** Facts whose values need no escaping, joined by the caller: the fast path of the one line per call. */
export class LogWriter implements Log {
  readonly #write: (lines: string) => void;
  readonly #clock: Clock;
  readonly #format: LogFormat;
  readonly #color: boolean;
  #rank: number;
  #pending = "";
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
    this.#rank = rank[options.level ?? "info"];
  }

  /** Changes the level while running. */
  setLevel(level: LogLevel): void {
    this.#rank = rank[level];
  }

  isOn(level: LogLevel): boolean {
    return rank[level] >= this.#rank;
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

  /**
   * One line for a call that ended. All of its words are the platform's own and need no escaping.
   *
   * @param line.trace  Identifier of the trace; the call's own identifier is then that of its span.
   */
  call(level: LogLevel, line: { readonly operation: string; readonly code: string; readonly id: string; readonly ms: number; readonly trace?: string | undefined }): void {
    if (rank[level] < this.#rank) return;
    const { code, id, ms, operation, trace } = line;
    if (this.#format === "json") {
      const ofTrace = trace === undefined ? "" : `","trace":"${trace}","span":"${id}`;
      this.#append(`${this.#start()}${this.#middle(level, operation, code)}${msText(ms)}${id}${ofTrace}"}\n`);
    } else {
      this.#append(this.#text(level, `${operation} ${code} ${ms.toFixed(1)} ms`, trace === undefined ? { call: id } : { call: id, trace }));
    }
  }

  /** A log that adds the same fields to every line. */
  with(fields: LogFields): Log {
    return {
      debug: (message, more) => this.#log("debug", message, { ...fields, ...more }),
      info: (message, more) => this.#log("info", message, { ...fields, ...more }),
      warn: (message, more) => this.#log("warn", message, { ...fields, ...more }),
      error: (message, more) => this.#log("error", message, { ...fields, ...more }),
    };
  }

  /** Writes what is still in memory. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#pending === "") return;
    const lines = this.#pending;
    this.#pending = "";
    this.#write(lines);
  }

  #log(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (rank[level] < this.#rank) return;
    if (this.#format === "text") {
      this.#append(this.#text(level, message, fields));
      return;
    }
    const entry: Record<string, unknown> = { time: this.#time(), level, message };
    for (const [name, value] of Object.entries(fields)) entry[name] = toLoggable(value);
    this.#append(`${JSON.stringify(entry)}\n`);
  }

  #text(level: LogLevel, message: string, fields: LogFields): string {
    const mark = { debug: "·", info: " ", warn: "!", error: "✗" }[level];
    const parts = Object.entries(fields).filter(([name]) => name !== "error").map(([name, value]) => `${name}=${String(value)}`);
    const facts = parts.length === 0 ? "" : `  ${this.#dim(parts.join(" "))}`;
    const error = fields["error"] === undefined ? "" : `\n${describeError(fields["error"])}`;
    return `${this.#dim(this.#time().slice(11, 23))} ${mark} ${message}${facts}${error}\n`;
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

function toLoggable(value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  if (typeof value === "bigint") return value.toString();
  return value;
}

/** An error with its stack and every cause behind it. */
function describeError(error: unknown): string {
  const parts: string[] = [];
  let at: unknown = error;
  for (let depth = 0; depth < 8 && at !== undefined; depth += 1) {
    parts.push(at instanceof Error ? (at.stack ?? `${at.name}: ${at.message}`) : (JSON.stringify(at) ?? typeof at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join("\ncaused by: ");
}
