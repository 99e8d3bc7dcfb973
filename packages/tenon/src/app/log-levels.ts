/** Levels of the log: what they are at the start, and how they change while the app runs. */
import type { LogLevel } from "../kernel/index.ts";
import { list, oneOf, SettingProblem } from "./setting.ts";

/** Each `service=level`. */
export type LogLevels = readonly string[];

export const logLevel = oneOf("debug", "info", "warn", "error");

/** @throws {SettingProblem} */
export function logLevels(text: string): LogLevels {
  const pairs = list(text);
  levelsByService(pairs);
  return pairs;
}

/** By the name of the service. @throws {SettingProblem} */
export function levelsByService(pairs: LogLevels): ReadonlyMap<string, LogLevel> {
  return new Map(
    pairs.map((pair) => {
      const [, service, level = ""] = /^([\w-]+)=(\w+)$/.exec(pair) ?? [];
      if (service === undefined) throw new SettingProblem('must be services and their levels: "orders=debug,catalog=warn"');
      return [service, logLevel(level)] as const;
    }),
  );
}

export interface Levels {
  readonly level: LogLevel;
  readonly levels: ReadonlyMap<string, LogLevel>;
}

/**
 * The levels that a text asks for, as an operator writes it into the file `log-levels`: a level for all, levels by
 * service, or both: `debug`, `orders=debug`, `warn,orders=debug`. What it leaves out stays as it was configured.
 *
 * @throws {SettingProblem}
 */
export function parseLevels(text: string, configured: Levels): Levels {
  const words = list(text.replaceAll("\n", ","));
  const pairs = words.filter((word) => word.includes("="));
  const plain = words.filter((word) => !word.includes("="));
  if (plain.length > 1) throw new SettingProblem(`names ${plain.length} levels for all services: ${plain.join(", ")}`);
  return { level: plain[0] === undefined ? configured.level : logLevel(plain[0]), levels: new Map([...configured.levels, ...levelsByService(pairs)]) };
}
