/** The log that a team's code gets: its lines carry where they were said, and show nothing that is classified. */
import type { Log, LogFields, LogLevel } from "../kernel/index.ts";
import type { LogWriter, TraceIds } from "./log-writer.ts";
import type { Knower, Privacy } from "./privacy.ts";
import { toShownFields, toShownText } from "./shown-value.ts";

export interface LogSource {
  /** Whose level counts. */
  readonly service: string;
  readonly privacy: Pick<Privacy, "hidingOf">;
  /** Before those of each line. The platform's own: nothing in them is hidden. */
  readonly fields: LogFields;
  readonly knower: Knower;
  readonly traceIds: TraceIds;
}

/** Where lines go: a {@link LogWriter}. */
export type LineWriter = Pick<LogWriter, "isOn" | "say">;

export class ServiceLog implements Log {
  readonly #writer: LineWriter;
  readonly #source: LogSource;

  constructor(writer: LineWriter, source: LogSource) {
    this.#writer = writer;
    this.#source = source;
  }

  debug(message: string, fields?: LogFields): void {
    this.#say("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#say("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#say("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#say("error", message, fields);
  }

  #say(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { fields: own, knower, privacy, service, traceIds } = this.#source;
    if (!this.#writer.isOn(level, service)) return;
    const hiding = privacy.hidingOf(knower);
    this.#writer.say(level, { message: toShownText(message, hiding), fields: { ...own, ...toShownFields(fields, hiding) }, traceIds });
  }
}
