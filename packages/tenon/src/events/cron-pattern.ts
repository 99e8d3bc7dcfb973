/**
 * Cron patterns as times on a clock, without a zone: which time comes next. Five fields, or six with seconds first.
 *
 * The library reads patterns and searches the calendar, in UTC, where no clock is ever changed; the zone is added by
 * `schedule.ts`. Its own way with daylight saving is left aside, since it goes by how a pattern is written: of
 * `*\/15 2 * * *` it would run nothing on the day without that hour, and everything twice on the day with two.
 */
import { Cron, CronPattern as ParsedPattern } from "croner";
import type { MistakesAt } from "../contract/index.ts";

interface Field {
  readonly name: string;
  readonly allowed: string;
}

const second: Field = { name: "a second", allowed: "0 to 59" };
const fields: readonly Field[] = [
  { name: "a minute", allowed: "0 to 59" },
  { name: "an hour", allowed: "0 to 23" },
  { name: "a day of the month", allowed: "1 to 31, or L for the last" },
  { name: "a month", allowed: "1 to 12, or JAN to DEC" },
  { name: "a day of the week", allowed: "0 to 7, both 0 and 7 being Sunday, or SUN to SAT" },
];

/** What other schedulers know as a nickname, in fields. */
const nicknames: ReadonlyMap<string, string> = new Map([
  ["@YEARLY", "0 0 1 1 *"],
  ["@ANNUALLY", "0 0 1 1 *"],
  ["@MONTHLY", "0 0 1 * *"],
  ["@WEEKLY", "0 0 * * 0"],
  ["@DAILY", "0 0 * * *"],
  ["@MIDNIGHT", "0 0 * * *"],
  ["@HOURLY", "0 * * * *"],
]);

const options = { mode: "5-or-6-parts", utcOffset: 0 } as const;
/** From here a pattern is searched for the first time that fits it: any instant would do, and the present is not known here. */
const searchedFrom = new Date(Date.UTC(2000, 0, 1) - 1);

export class CronPattern {
  /** The fields, one space between them, in capitals. */
  readonly text: string;
  /** Whether it fits in every hour of a day that it fits at all: the stream of time, rather than times of the day. */
  readonly isEveryHour: boolean;
  readonly #cron: Cron;

  /** Use {@link parseCron}. @throws {Error} of the library when the text is not a pattern. */
  constructor(text: string) {
    this.text = text;
    this.#cron = new Cron(text, options);
    this.isEveryHour = new ParsedPattern(text, undefined, options).hour.every((fits) => fits === 1);
  }

  /** The first time after `localMs` that fits, or `undefined` when there is none until the year 9999. */
  nextLocalMs(localMs: number): number | undefined {
    return this.#cron.nextRun(new Date(localMs))?.getTime();
  }
}

/** The pattern of a text, or `undefined` after everything that is wrong with it has been added to `mistakes`. */
export function parseCron(given: unknown, mistakes: MistakesAt): CronPattern | undefined {
  const text = typeof given === "string" ? given.trim().replaceAll(/\s+/g, " ").toUpperCase() : "";
  const parts = text.split(" ");
  if (parts.length !== 5 && parts.length !== 6) {
    const remedy = nicknames.get(text) ?? "0 3 * * *";
    mistakes.add(`${JSON.stringify(given)} is not a cron pattern of five fields, or of six with seconds first`, `write minute, hour, day of the month, month, day of the week: "${remedy}"`);
    return undefined;
  }
  const wrong = (parts.length === 6 ? [second, ...fields] : fields).filter((field, index) => {
    const isRight = isPattern(parts.map((part, other) => (other === index ? part : "*")).join(" "));
    if (!isRight) mistakes.add(`"${parts[index]}" is not ${field.name}`, `write ${field.allowed}; lists are 1,3, ranges 1-5, steps */2 and 1-5/2`);
    return !isRight;
  });
  return wrong.length === 0 ? parseWhole(text, mistakes) : undefined;
}

function isPattern(text: string): boolean {
  try {
    return new ParsedPattern(text, undefined, options).pattern !== "";
  } catch {
    return false; // `parseCron` says what is wrong in words of its own
  }
}

/** All fields are right by themselves. */
function parseWhole(text: string, mistakes: MistakesAt): CronPattern | undefined {
  const pattern = new CronPattern(text);
  if (pattern.nextLocalMs(searchedFrom.getTime()) !== undefined) return pattern;
  mistakes.add(`"${text}" never comes: no such day is in the calendar`, "write a day that the month has; L is the last day of any month");
  return undefined;
}
