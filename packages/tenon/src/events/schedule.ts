/**
 * When a schedule is due: pure arithmetic on instants, so that every instance of an app comes to the same answer and a
 * restart shifts nothing. Who runs what is due, and where the last run is remembered, is not decided here.
 *
 * A duration (`"15m"`) is due at every multiple of it since 1970-01-01T00:00Z. A cron pattern is due when the clock of
 * its time zone shows a time that fits it, which leaves two days a year to be decided:
 *
 * - A pattern that names hours (`30 2 * * *`, `*\/15 2 * * *`, `0 *\/2 * * *`) means times of the day, and each has one
 *   run. A time that the clock leaves out in spring is due at the first instant after the gap; several that are left
 *   out together are one run, as is one that fits that instant itself. A time that the clock shows twice in autumn is
 *   due when it is shown first.
 * - A pattern that leaves the hour open (`*\/15 * * * *`, `0 * * * *`, `30 0-23 * * *`) means the stream of time, and is
 *   due whenever the clock shows a time that fits: in the repeated hour again, and nothing for an hour that never was.
 *   So every quarter of an hour, as it really passes, has its run. Where clocks move by half an hour (Lord Howe),
 *   `0 * * * *` waits for an hour and a half twice a year.
 *
 * The next instant of a pattern takes 10 to 30 µs, near a change of clocks 100 µs; of one that leaves the hour open and
 * waits for a day years ahead, 1 ms a year.
 */
import { MistakeList } from "../contract/index.ts";
import { type Duration, parseDuration } from "../kernel/index.ts";
import { type CronPattern, parseCron } from "./cron-pattern.ts";
import { WallClock } from "./wall-clock.ts";

/** Times by the clock of a place. */
export interface CronSpec {
  /** Minute, hour, day of the month, month, day of the week; seconds may stand before. `"0 3 * * MON-FRI"`. */
  readonly cron: string;
  /** IANA name, `"Europe/Berlin"`. Default `"UTC"`. */
  readonly timeZone?: string;
}

/** How a team says when: every so often, or at times by the clock. */
export type ScheduleSpec = Duration | CronSpec;

/** A schedule that was found to be right. Made by {@link parseSchedule}. */
export type ScheduleTime =
  | { readonly kind: "every"; readonly everyMs: number }
  | { readonly kind: "cron"; readonly pattern: CronPattern; readonly clock: WallClock };

/** Below this a schedule is a loop: what it starts, and the note of it in the database, take longer than the pause, in ms. */
const everyMinMs = 1_000;
/** Above this a duration is a slip of the pen, in ms. */
const everyMaxMs = 10 * 365 * 86_400_000;

/** @throws {ContractMistakes} with every problem and its remedy. */
export function parseSchedule(spec: ScheduleSpec): ScheduleTime {
  const mistakes = new MistakeList("the schedule");
  const schedule = typeof spec === "object" && spec !== null ? parseCronSpec(spec, mistakes) : parseEvery(spec, mistakes);
  mistakes.assertNone();
  return schedule as ScheduleTime; // whoever returns `undefined` has added a mistake
}

function parseEvery(text: unknown, mistakes: MistakeList): ScheduleTime | undefined {
  const everyMs = typeof text === "string" ? parseDuration(text) : undefined;
  const given = JSON.stringify(text);
  if (everyMs === undefined) {
    const isCron = typeof text === "string" && text.trim().includes(" ");
    mistakes.add("every", `${given} is not a duration`, isCron ? `write { cron: ${given} } if it is a cron pattern` : 'write a number and a unit, such as "15m", or { cron: "0 3 * * *" }');
    return undefined;
  }
  if (everyMs < everyMinMs) mistakes.add("every", `${given} is below one second`, 'write "1s" or longer; what has to be faster is a loop of the service itself');
  if (everyMs > everyMaxMs) mistakes.add("every", `${given} is above ten years`, 'write a shorter duration, or a date: { cron: "0 3 1 1 *" }');
  return { kind: "every", everyMs };
}

function parseCronSpec(spec: CronSpec, mistakes: MistakeList): ScheduleTime | undefined {
  for (const name of Object.keys(spec).filter((name) => name !== "cron" && name !== "timeZone")) {
    mistakes.add(name, "a schedule has no such field", 'write { cron: "0 3 * * *", timeZone: "Europe/Berlin" }');
  }
  const pattern = parseCron(spec.cron, mistakes.at("cron"));
  const clock = parseTimeZone(spec.timeZone ?? "UTC", mistakes);
  return pattern === undefined || clock === undefined ? undefined : { kind: "cron", pattern, clock };
}

function parseTimeZone(timeZone: unknown, mistakes: MistakeList): WallClock | undefined {
  try {
    return new WallClock(timeZone as string); // what is not text is refused as well
  } catch {
    const asked = String(timeZone).toLowerCase().replaceAll(" ", "_");
    const meant = Intl.supportedValuesOf("timeZone").find((name) => asked !== "" && name.toLowerCase().endsWith(`/${asked}`));
    mistakes.add("timeZone", `${JSON.stringify(timeZone)} is not a time zone`, `write its IANA name: "${meant ?? "Europe/Berlin"}"`);
    return undefined;
  }
}

/**
 * The first instant after `instantMs` at which the schedule is due.
 *
 * @param instantMs  From 1970 to 9990.
 * @returns          Whole milliseconds, above `instantMs`.
 * @throws {RangeError} for an instant that is not a number, or after which the calendar ends: a bug here.
 */
export function nextAfter(schedule: ScheduleTime, instantMs: number): number {
  if (!Number.isFinite(instantMs)) throw new RangeError(`an instant is a number of milliseconds, got ${instantMs}`);
  const fromMs = Math.floor(instantMs);
  if (schedule.kind === "every") return (Math.floor(fromMs / schedule.everyMs) + 1) * schedule.everyMs;
  const { pattern, clock } = schedule;
  const nextMs = pattern.isEveryHour ? nextShown(pattern, clock, fromMs) : nextFirstShown(pattern, clock, fromMs);
  if (nextMs === undefined) throw new RangeError(`"${pattern.text}" has no instant after ${instantMs}`);
  return nextMs;
}

/** Times of the day: a time is over once the clock has shown it or a later one, however often it comes again. */
function nextFirstShown(pattern: CronPattern, clock: WallClock, fromMs: number): number | undefined {
  const localMs = pattern.nextLocalMs(clock.latestShownMs(fromMs));
  return localMs === undefined ? undefined : clock.firstInstantMs(localMs);
}

/** The stream of time: stretch by stretch between two changes of the clock, within which it runs evenly. */
function nextShown(pattern: CronPattern, clock: WallClock, fromMs: number): number | undefined {
  let afterMs = fromMs;
  for (;;) {
    const offsetMs = clock.offsetMs(afterMs + 1);
    const localMs = pattern.nextLocalMs(afterMs + offsetMs);
    if (localMs === undefined) return undefined;
    const changeMs = clock.nextChangeMs(afterMs + 1, localMs - offsetMs);
    if (changeMs === undefined) return localMs - offsetMs;
    afterMs = changeMs - 1; // the instant of the change itself may fit
  }
}

/**
 * What becomes of instants that passed while nobody looked, because everything was down or the clock was put forward.
 *
 * - `once`: all of them are one run.
 * - `skip`: they are left out; the next run is the next regular one.
 * - `all`: each is a run.
 */
export type MissedPolicy = "once" | "skip" | "all";

export interface DueQuestion {
  /** The answer to the last question, as {@link DueInstants.lastMs}; for a new schedule, the instant from which it holds. */
  readonly lastMs: number;
  readonly nowMs: number;
  /** Default `once`. */
  readonly missed?: MissedPolicy;
  /** With `all`, how many instants one answer holds. Default 100: their runs are noted in one transaction. */
  readonly max?: number;
  /** With `skip`, how late a run may start and still be regular, in ms. Default 60,000: a restart takes less. */
  readonly graceMs?: number;
}

export interface DueInstants {
  /** What is to run now, by the instant at which it was due; oldest first. */
  readonly dueMs: readonly number[];
  /** How many instants went by that have no run of their own. Counted up to 1,000, which then means "or more". */
  readonly missed: number;
  /** What has been dealt with: to be remembered with the runs, and handed in as `lastMs`. Never goes back. */
  readonly lastMs: number;
  /** When to ask again. Not in the future when `all` left more than `max` for the next answer. */
  readonly nextMs: number;
}

const maxDefault = 100;
const graceDefaultMs = 60_000;
/** Each missed instant of a cron pattern has to be found: so many take 10 ms. */
const missedMax = 1_000;

/**
 * Which instants are to run now, and which comes next.
 *
 * Only what lies in (lastMs, nowMs] can be due, so nothing is due twice: after the clock was put back, nothing is until
 * it has passed `lastMs` again. A clock that is put forward is a pause.
 *
 * @throws {RangeError} `max` is not a whole number from 1.
 */
export function dueInstants(schedule: ScheduleTime, question: DueQuestion): DueInstants {
  const { lastMs, nowMs, missed = "once", max = maxDefault, graceMs = graceDefaultMs } = question;
  if (!Number.isSafeInteger(max) || max < 1) throw new RangeError(`max must be a whole number from 1, got ${max}`);
  const firstMs = nextAfter(schedule, lastMs);
  if (firstMs > nowMs) return { dueMs: [], missed: 0, lastMs, nextMs: firstMs };
  if (missed === "all") return eachOf(schedule, { firstMs, nowMs, max });

  const latestMs = latestUpTo(schedule, firstMs, nowMs);
  const earlier = countBetween(schedule, firstMs, latestMs);
  const runs = missed === "once" || nowMs - latestMs <= graceMs;
  return {
    dueMs: runs ? [latestMs] : [],
    missed: Math.min(missedMax, runs ? earlier : earlier + 1),
    lastMs: latestMs,
    nextMs: nextAfter(schedule, latestMs),
  };
}

function eachOf(schedule: ScheduleTime, { firstMs, nowMs, max }: { readonly firstMs: number; readonly nowMs: number; readonly max: number }): DueInstants {
  const dueMs = [firstMs];
  let lastMs = firstMs;
  let nextMs = nextAfter(schedule, lastMs);
  while (nextMs <= nowMs && dueMs.length < max) {
    dueMs.push(nextMs);
    lastMs = nextMs;
    nextMs = nextAfter(schedule, lastMs);
  }
  return { dueMs, missed: 0, lastMs, nextMs };
}

/** The last instant that is not after `nowMs`, `firstMs` being one. Halves what is left, so a year takes 35 steps. */
function latestUpTo(schedule: ScheduleTime, firstMs: number, nowMs: number): number {
  if (schedule.kind === "every") return Math.floor(nowMs / schedule.everyMs) * schedule.everyMs;
  let foundMs = firstMs;
  let emptyFromMs = nowMs; // nothing is due between it and `nowMs`
  while (emptyFromMs - foundMs >= 1_000) { // no two instants are nearer to each other than a second
    const middleMs = Math.floor((foundMs + emptyFromMs) / 2);
    const nextMs = nextAfter(schedule, middleMs);
    if (nextMs <= nowMs) foundMs = nextMs;
    else emptyFromMs = middleMs;
  }
  return foundMs;
}

/** How many instants there are from `firstMs` on and before `endMs`, both being instants. */
function countBetween(schedule: ScheduleTime, firstMs: number, endMs: number): number {
  if (schedule.kind === "every") return (endMs - firstMs) / schedule.everyMs;
  let count = 0;
  for (let instantMs = firstMs; instantMs < endMs && count < missedMax; instantMs = nextAfter(schedule, instantMs)) count += 1;
  return count;
}
