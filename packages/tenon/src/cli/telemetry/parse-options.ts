/** Times, sizes and levels as a person writes them after an option. */
import { parseDuration } from "../../kernel/index.ts";
import { parsePoint } from "../events/targets.ts";
import { CommandProblem } from "../problem.ts";

/** Ms since 1970 of a time, or of how long ago. @throws {CommandProblem} */
export function parseTime(option: string, text: string, nowMs: number): number {
  // A number alone is no time here, as a position would be elsewhere.
  const point = /^\d+$/.test(text) ? undefined : parsePoint(option, text, nowMs);
  if (point !== undefined && "time" in point) return point.time.getTime();
  throw new CommandProblem(`${option} ${text} is no point in time`, { remedy: "how long ago (90s, 15m, 2h), or a time (2026-11-24T08:00:00Z)", exitCode: 2 });
}

/** In ms. @throws {CommandProblem} */
export function parseLength(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new CommandProblem(`${option} ${text} is not a length of time`, { remedy: "a number and a unit: 200ms, 1.5s, 15m, 48h", exitCode: 2 });
}

const unitBytes: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** In bytes. @throws {CommandProblem} */
export function parseSize(option: string, text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)(k|m|g)i?b?$/i.exec(text) ?? [];
  if (number !== undefined) return Math.round(Number(number) * (unitBytes[unit.toLowerCase()] ?? 1));
  throw new CommandProblem(`${option} ${text} is not a size`, { remedy: "a number and a unit: 512MB, 2GB", exitCode: 2 });
}

/** One of several words. @throws {CommandProblem} */
export function parseWord<W extends string>(option: string, text: string, words: readonly W[]): W {
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  throw new CommandProblem(`${option} ${text} is not known`, { remedy: `there are ${words.join(", ")}`, exitCode: 2 });
}

/** `name=value`. @throws {CommandProblem} */
export function parsePair(option: string, text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0 && !text.slice(0, at).includes('"')) return [text.slice(0, at), text.slice(at + 1)];
  throw new CommandProblem(`${option} ${text} has no name and value`, { remedy: `${option} http.route=/orders`, exitCode: 2 });
}
