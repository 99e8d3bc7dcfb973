/**
 * What the clock of a zone shows, minute by minute, and what a schedule means by it, found without any cleverness: the
 * measure for the arithmetic of schedules. It shares no code with it, not even the way to ask `Intl`.
 */

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** What a wall shows. `localMs` orders what is shown by the calendar. */
export interface Shown {
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly weekday: number;
  readonly localMs: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** By zone and instant: many looks are at the same days. */
const known = new Map<string, Shown>();

export function shownAt(timeZone: string, instantMs: number): Shown {
  const key = `${timeZone} ${instantMs}`;
  const found = known.get(key) ?? askShown(timeZone, instantMs);
  known.set(key, found);
  return found;
}

function askShown(timeZone: string, instantMs: number): Shown {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const fields = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" } as const;
    format = new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...fields });
    formats.set(timeZone, format);
  }
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = format.format(instantMs).split(/\D+/).map(Number);
  return shown(Date.UTC(year, month - 1, day, hour, minute, second));
}

function shown(localMs: number): Shown {
  const date = new Date(localMs);
  return {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay(),
    localMs,
  };
}

/** The instants, to the minute, from which on the clock is another's; looked for hour by hour, then minute by minute. */
export function changesOf(timeZone: string, fromMs: number, toMs: number): readonly number[] {
  const changes: number[] = [];
  const offset = (instantMs: number): number => shownAt(timeZone, instantMs).localMs - instantMs;
  for (let hour = fromMs; hour < toMs; hour += hourMs) {
    if (offset(hour) === offset(hour + hourMs)) continue;
    let minute = hour + minuteMs;
    while (offset(minute) === offset(hour)) minute += minuteMs;
    changes.push(minute);
  }
  return changes;
}

/** A pattern as text, and what fits it. */
export interface KnownPattern {
  readonly text: string;
  readonly fits: (shown: Shown) => boolean;
  readonly isEveryHour: boolean;
}

/** Every instant in (fromMs, toMs] at which the pattern is due, by looking at each minute. */
export function dueByLooking(pattern: KnownPattern, timeZone: string, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): readonly number[] {
  const due: number[] = [];
  // Two days earlier, so that what has been shown before is known.
  const startMs = Math.floor(fromMs / minuteMs) * minuteMs - 2 * dayMs;
  let latestMs = shownAt(timeZone, startMs).localMs;
  for (let instantMs = startMs + minuteMs; instantMs <= toMs; instantMs += minuteMs) {
    const now = shownAt(timeZone, instantMs);
    let isDue = pattern.isEveryHour && pattern.fits(now);
    for (let localMs = latestMs + minuteMs; localMs <= now.localMs; localMs += minuteMs) {
      if (!pattern.isEveryHour && pattern.fits(shown(localMs))) isDue = true;
    }
    latestMs = Math.max(latestMs, now.localMs);
    if (isDue && instantMs > fromMs) due.push(instantMs);
  }
  return due;
}
