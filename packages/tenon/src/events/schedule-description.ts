/** A schedule in words, for logs and pages. What has no short words is shown as the pattern that was written. */
import { formatDuration } from "../kernel/index.ts";
import type { ScheduleTime } from "./schedule.ts";

const unitNames: Readonly<Record<string, string>> = { ms: "millisecond", s: "second", m: "minute", h: "hour", d: "day", y: "year" };
const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** `every 15 minutes`; `every day at 03:00 (Europe/Berlin)`; `Monday to Friday at 09:00 and 17:00 (UTC)`. */
export function describeSchedule(schedule: ScheduleTime): string {
  if (schedule.kind === "every") return everySo(schedule.everyMs);
  const { pattern, clock } = schedule;
  return `${patternInWords(pattern.text) ?? `at the times of "${pattern.text}"`} (${clock.timeZone})`;
}

function everySo(everyMs: number): string {
  const [, count = "", unit = ""] = /^(\d+)(\w+)$/.exec(formatDuration(everyMs)) ?? [];
  return count === "1" ? `every ${unitNames[unit]}` : `every ${count} ${unitNames[unit]}s`;
}

function patternInWords(text: string): string | undefined {
  const parts = text.split(" ");
  const [seconds, ...fields] = parts.length === 6 ? parts : ["0", ...parts];
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  if (seconds !== "0" || month !== "*") return undefined;
  const days = daysInWords(day, weekday);
  const stream = hour === "*" ? streamInWords(minute) : undefined;
  if (stream !== undefined) return days === "every day" ? stream : undefined;
  const times = timesInWords(minute, hour);
  return days === undefined || times === undefined ? undefined : `${days} at ${times}`;
}

function streamInWords(minute: string): string | undefined {
  const [, step] = /^\*\/(\d+)$/.exec(minute) ?? [];
  if (minute === "*" || step === "1") return "every minute";
  if (step !== undefined) return 60 % Number(step) === 0 ? `every ${step} minutes` : undefined; // */7 is uneven at the hour
  if (!/^\d+$/.test(minute)) return undefined;
  return Number(minute) === 0 ? "every hour, on the hour" : `every hour, at minute ${Number(minute)}`;
}

function timesInWords(minute: string, hour: string): string | undefined {
  if (!/^\d+$/.test(minute) || !/^\d+(?:,\d+)*$/.test(hour)) return undefined;
  return listed(hour.split(",").map((hour) => `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`));
}

function daysInWords(day: string, weekday: string): string | undefined {
  if (day === "*" && weekday === "*") return "every day";
  if (weekday === "*" && /^\d+$/.test(day)) return `on day ${Number(day)} of every month`;
  if (weekday === "*" && day === "L") return "on the last day of every month";
  if (day !== "*") return undefined;
  const [, from = "", to = ""] = /^(\w+)-(\w+)$/.exec(weekday) ?? [];
  const [first, last] = [dayName(from), dayName(to)];
  if (first !== undefined && last !== undefined) return `${first} to ${last}`;
  const names = weekday.split(",").map(dayName);
  return names.includes(undefined) ? undefined : `every ${listed(names as readonly string[])}`;
}

/** Of `1` as of `MON`. */
function dayName(text: string): string | undefined {
  if (/^[0-7]$/.test(text)) return dayNames[Number(text)];
  return dayNames.find((name) => name.slice(0, 3).toUpperCase() === text);
}

/** `a`; `a and b`; `a, b and c`. */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
