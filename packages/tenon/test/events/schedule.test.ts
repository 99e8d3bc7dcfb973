import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ContractMistakes } from "../../src/contract/index.ts";
import { describeSchedule, type DueQuestion, dueInstants, nextAfter, parseSchedule, type ScheduleSpec, type ScheduleTime } from "../../src/events/index.ts";
import { changesOf, dayMs, dueByLooking, hourMs, type KnownPattern, minuteMs, type Shown, shownAt } from "./wall.ts";

function at(text: string): number {
  const ms = Date.parse(text);
  assert.ok(Number.isFinite(ms), text);
  return ms;
}

/** What the schedule is due at after an instant, as the clock of its zone shows it and in UTC. */
function runsAfter(spec: ScheduleSpec, from: string, count: number): readonly string[] {
  const schedule = parseSchedule(spec);
  const timeZone = typeof spec === "object" ? (spec.timeZone ?? "UTC") : "UTC";
  const runs: string[] = [];
  for (let ms = at(from); runs.length < count; ) {
    ms = nextAfter(schedule, ms);
    runs.push(`${new Date(shownAt(timeZone, ms).localMs).toISOString().slice(0, 16).replace("T", " ")} = ${new Date(ms).toISOString().slice(11, 16)}Z`);
  }
  return runs;
}

function mistakesOf(spec: unknown): readonly string[] {
  try {
    parseSchedule(spec as ScheduleSpec);
    return [];
  } catch (error) {
    assert.ok(error instanceof ContractMistakes);
    return error.mistakes.map(({ at, problem, remedy }) => `${at}: ${problem} → ${remedy}`);
  }
}

describe("a duration", () => {
  test("is due at its multiples since 1970, wherever one starts to count", () => {
    assert.deepEqual(runsAfter("15m", "2026-05-01T10:07:31Z", 3), ["2026-05-01 10:15 = 10:15Z", "2026-05-01 10:30 = 10:30Z", "2026-05-01 10:45 = 10:45Z"]);
    assert.equal(nextAfter(parseSchedule("15m"), at("2026-05-01T10:15:00Z")), at("2026-05-01T10:30:00Z"));
    assert.equal(nextAfter(parseSchedule("1d"), at("2026-05-01T10:15:00Z")), at("2026-05-02T00:00:00Z"));
    assert.equal(nextAfter(parseSchedule("1.5s"), 1_499.5), 1_500);
  });

  test("below a second, above ten years or unreadable is refused with a remedy", () => {
    assert.deepEqual(mistakesOf("999ms"), ['every: "999ms" is below one second → write "1s" or longer; what has to be faster is a loop of the service itself']);
    assert.deepEqual(mistakesOf("0s").length, 1);
    assert.deepEqual(mistakesOf("11y"), ['every: "11y" is above ten years → write a shorter duration, or a date: { cron: "0 3 1 1 *" }']);
    assert.deepEqual(mistakesOf("soon"), ['every: "soon" is not a duration → write a number and a unit, such as "15m", or { cron: "0 3 * * *" }']);
    assert.deepEqual(mistakesOf("0 3 * * *"), ['every: "0 3 * * *" is not a duration → write { cron: "0 3 * * *" } if it is a cron pattern']);
    for (const spec of [undefined, null, 15, [], "", true]) assert.notDeepEqual(mistakesOf(spec), [], String(spec));
    assert.deepEqual(mistakesOf("1s"), []);
    assert.deepEqual(mistakesOf("10y"), []);
  });
});

describe("a cron pattern", () => {
  test("has five fields, or six with seconds; names, ranges, steps and lists", () => {
    assert.deepEqual(runsAfter({ cron: "0 3 * * *" }, "2026-05-01T10:00:00Z", 2), ["2026-05-02 03:00 = 03:00Z", "2026-05-03 03:00 = 03:00Z"]);
    assert.deepEqual(runsAfter({ cron: "30 9-17/4 * jun,jul mon-fri" }, "2026-05-30T12:00:00Z", 4), [
      "2026-06-01 09:30 = 09:30Z", "2026-06-01 13:30 = 13:30Z", "2026-06-01 17:30 = 17:30Z", "2026-06-02 09:30 = 09:30Z",
    ]);
    assert.deepEqual(runsAfter({ cron: "  0  0 L * * " }, "2024-01-31T12:00:00Z", 2), ["2024-02-29 00:00 = 00:00Z", "2024-03-31 00:00 = 00:00Z"]);
    assert.equal(nextAfter(parseSchedule({ cron: "*/20 * * * * *" }), at("2026-05-01T10:00:20Z")), at("2026-05-01T10:00:40Z"));
    assert.equal(nextAfter(parseSchedule({ cron: "0 0 29 2 *" }), at("2096-03-01T00:00:00Z")), at("2104-02-29T00:00:00Z"));
  });

  test("with a day of the month and a day of the week means either", () => {
    assert.deepEqual(runsAfter({ cron: "0 0 13 * FRI" }, "2026-02-01T12:00:00Z", 4), [
      "2026-02-06 00:00 = 00:00Z", "2026-02-13 00:00 = 00:00Z", "2026-02-20 00:00 = 00:00Z", "2026-02-27 00:00 = 00:00Z",
    ]);
  });

  test("that is wrong is told field by field", () => {
    assert.deepEqual(mistakesOf({ cron: "61 24 0 13 8" }), [
      'cron: "61" is not a minute → write 0 to 59; lists are 1,3, ranges 1-5, steps */2 and 1-5/2',
      'cron: "24" is not an hour → write 0 to 23; lists are 1,3, ranges 1-5, steps */2 and 1-5/2',
      'cron: "0" is not a day of the month → write 1 to 31, or L for the last; lists are 1,3, ranges 1-5, steps */2 and 1-5/2',
      'cron: "13" is not a month → write 1 to 12, or JAN to DEC; lists are 1,3, ranges 1-5, steps */2 and 1-5/2',
      'cron: "8" is not a day of the week → write 0 to 7, both 0 and 7 being Sunday, or SUN to SAT; lists are 1,3, ranges 1-5, steps */2 and 1-5/2',
    ]);
    for (const cron of ["60 * * * * *", "5/15 * * * *", "*/0 * * * *", "9-5 * * * *", "a * * * *", "1,,2 * * * *", "* * * JUNI *", "-1 * * * *"]) {
      assert.equal(mistakesOf({ cron }).length, 1, cron);
    }
  });

  test("that has another number of fields, or is a date or a nickname, is refused", () => {
    assert.deepEqual(mistakesOf({ cron: "@daily" }), [
      'cron: "@daily" is not a cron pattern of five fields, or of six with seconds first → write minute, hour, day of the month, month, day of the week: "0 0 * * *"',
    ]);
    for (const cron of ["", "* * * *", "* * * * * * *", "2026-01-01T00:00:00", "@reboot", "constructor", undefined, 5, null]) {
      assert.equal(mistakesOf({ cron }).length, 1, String(cron));
    }
  });

  test("that never comes is refused", () => {
    for (const cron of ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 30 FEB *"]) {
      assert.deepEqual(mistakesOf({ cron }), [`cron: "${cron}" never comes: no such day is in the calendar → write a day that the month has; L is the last day of any month`]);
    }
  });

  test("in a zone that does not exist is refused, with the zone that was meant where it can be guessed", () => {
    assert.deepEqual(mistakesOf({ cron: "0 3 * * *", timeZone: "Mars/Base" }), ['timeZone: "Mars/Base" is not a time zone → write its IANA name: "Europe/Berlin"']);
    assert.deepEqual(mistakesOf({ cron: "0 3 * * *", timeZone: "new york" }), ['timeZone: "new york" is not a time zone → write its IANA name: "America/New_York"']);
    assert.deepEqual(mistakesOf({ cron: "0 3 * * *", timeZone: "" }).length, 1);
    assert.deepEqual(mistakesOf({ cron: "0 3 * * *", timeZone: 2 }).length, 1);
  });

  test("has all its problems told in one go, misspelled fields included", () => {
    const mistakes = mistakesOf({ cron: "61 3 * * *", timezone: "Europe/Berlin", timeZone: "Berlin" });
    assert.deepEqual(mistakes.map((mistake) => mistake.split(" → ")[0]), [
      "timezone: a schedule has no such field", 'cron: "61" is not a minute', 'timeZone: "Berlin" is not a time zone',
    ]);
  });
});

describe("when clocks change, a pattern that names hours", () => {
  test("runs once at the first instant after the gap, where its time is left out", () => {
    assert.deepEqual(runsAfter({ cron: "30 2 * * *", timeZone: "Europe/Berlin" }, "2026-03-28T12:00:00Z", 2), ["2026-03-29 03:00 = 01:00Z", "2026-03-30 02:30 = 00:30Z"]);
    assert.deepEqual(runsAfter({ cron: "0 0 * * *", timeZone: "America/Sao_Paulo" }, "2018-11-03T12:00:00Z", 2), ["2018-11-04 01:00 = 03:00Z", "2018-11-05 00:00 = 02:00Z"]);
    assert.deepEqual(runsAfter({ cron: "15 2 * * *", timeZone: "Australia/Lord_Howe" }, "2026-10-03T00:00:00Z", 2), ["2026-10-04 02:30 = 15:30Z", "2026-10-05 02:15 = 15:15Z"]);
  });

  test("has one run for all that a gap left out, and none beside what fits its end", () => {
    assert.deepEqual(runsAfter({ cron: "*/15 2 * * *", timeZone: "Europe/Berlin" }, "2026-03-28T12:00:00Z", 2), ["2026-03-29 03:00 = 01:00Z", "2026-03-30 02:00 = 00:00Z"]);
    assert.deepEqual(runsAfter({ cron: "0 2,3 * * *", timeZone: "Europe/Berlin" }, "2026-03-28T12:00:00Z", 2), ["2026-03-29 03:00 = 01:00Z", "2026-03-30 02:00 = 00:00Z"]);
    assert.deepEqual(runsAfter({ cron: "0 */2 * * *", timeZone: "Europe/Berlin" }, "2026-03-28T22:30:00Z", 3), ["2026-03-29 00:00 = 23:00Z", "2026-03-29 03:00 = 01:00Z", "2026-03-29 04:00 = 02:00Z"]);
  });

  test("runs at the first occurrence alone, where its time comes twice", () => {
    assert.deepEqual(runsAfter({ cron: "30 2 * * *", timeZone: "Europe/Berlin" }, "2026-10-24T12:00:00Z", 2), ["2026-10-25 02:30 = 00:30Z", "2026-10-26 02:30 = 01:30Z"]);
    assert.deepEqual(runsAfter({ cron: "30 1 * * *", timeZone: "America/New_York" }, "2026-10-31T12:00:00Z", 2), ["2026-11-01 01:30 = 05:30Z", "2026-11-02 01:30 = 06:30Z"]);
    assert.deepEqual(runsAfter({ cron: "45 1 * * *", timeZone: "Australia/Lord_Howe" }, "2026-04-04T12:00:00Z", 2), ["2026-04-05 01:45 = 14:45Z", "2026-04-06 01:45 = 15:15Z"]);
    assert.deepEqual(runsAfter({ cron: "*/30 2 * * *", timeZone: "Europe/Berlin" }, "2026-10-24T12:00:00Z", 3), ["2026-10-25 02:00 = 00:00Z", "2026-10-25 02:30 = 00:30Z", "2026-10-26 02:00 = 01:00Z"]);
  });

  test("runs at the time that follows a repeated hour when it comes, not when the clock was put back", () => {
    assert.deepEqual(runsAfter({ cron: "0 3 * * *", timeZone: "Europe/Berlin" }, "2026-10-24T12:00:00Z", 1), ["2026-10-25 03:00 = 02:00Z"]);
    assert.deepEqual(runsAfter({ cron: "0 3 * * *", timeZone: "Europe/Berlin" }, "2026-10-25T01:30:00Z", 1), ["2026-10-25 03:00 = 02:00Z"]);
  });

  test("does not run again when it is asked from within the second occurrence", () => {
    const schedule = parseSchedule({ cron: "30 2 * * *", timeZone: "Europe/Berlin" });
    for (const from of ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:29:59.999Z", "2026-10-25T01:30:00Z"]) {
      assert.equal(nextAfter(schedule, at(from)), at("2026-10-26T01:30:00Z"), from);
    }
  });
});

describe("when clocks change, a pattern that leaves the hour open", () => {
  test("runs in every real quarter of an hour", () => {
    for (const [timeZone, from] of [["Europe/Berlin", "2026-10-24T20:00:00Z"], ["Europe/Berlin", "2026-03-28T20:00:00Z"], ["Australia/Lord_Howe", "2026-04-04T10:00:00Z"], ["Australia/Lord_Howe", "2026-10-03T10:00:00Z"]] as const) {
      const schedule = parseSchedule({ cron: "*/15 * * * *", timeZone });
      for (let ms = at(from); ms < at(from) + 12 * hourMs; ms += 15 * minuteMs) assert.equal(nextAfter(schedule, ms), ms + 15 * minuteMs);
    }
  });

  test("runs in both passes of a repeated hour, and has nothing for one that never was", () => {
    assert.deepEqual(runsAfter({ cron: "30 * * * *", timeZone: "Europe/Berlin" }, "2026-10-24T23:00:00Z", 4), [
      "2026-10-25 01:30 = 23:30Z", "2026-10-25 02:30 = 00:30Z", "2026-10-25 02:30 = 01:30Z", "2026-10-25 03:30 = 02:30Z",
    ]);
    assert.deepEqual(runsAfter({ cron: "30 * * * *", timeZone: "Europe/Berlin" }, "2026-03-29T00:00:00Z", 2), ["2026-03-29 01:30 = 00:30Z", "2026-03-29 03:30 = 01:30Z"]);
  });

  test("waits for a day years ahead", () => {
    assert.deepEqual(runsAfter({ cron: "0 * 29 2 *", timeZone: "America/New_York" }, "2024-03-01T05:00:00Z", 2), ["2028-02-29 00:00 = 05:00Z", "2028-02-29 01:00 = 06:00Z"]);
  });
});

const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "America/Sao_Paulo"];
const years = { fromMs: at("2018-01-01T00:00:00Z"), toMs: at("2020-01-01T00:00:00Z") }; // São Paulo changed its clocks until 2019
const changes = new Map(zones.map((zone) => [zone, changesOf(zone, years.fromMs, years.toMs)]));

test("the zones of these tests have the changes for which they were chosen", () => {
  assert.deepEqual(zones.map((zone) => changes.get(zone)?.length), [4, 4, 4, 0, 0, 3]);
});

/** A zone and an instant, mostly within two days of a change of its clocks. */
const placeAndTime = fc.constantFrom(...zones).chain((timeZone) => {
  const near = changes.get(timeZone) ?? [];
  const anywhere = fc.integer({ min: years.fromMs, max: years.toMs });
  const around = fc.tuple(fc.constantFrom(...near, years.fromMs), fc.integer({ min: -2 * dayMs, max: dayMs })).map(([change, ms]) => change + ms);
  const toTheMinute = around.map((ms) => Math.floor(ms / minuteMs) * minuteMs);
  const instantMs = near.length === 0 ? anywhere : fc.oneof(around, toTheMinute, fc.constantFrom(...near), fc.constantFrom(...near).map((ms) => ms - 1), anywhere);
  return fc.record({ timeZone: fc.constant(timeZone), instantMs });
});

interface KnownField {
  readonly text: string;
  readonly isAny: boolean;
  readonly fits: (value: number) => boolean;
}

const star: KnownField = { text: "*", isAny: true, fits: () => true };

/** A field of cron: any, a step, a range, a range with a step, a list. */
function field(min: number, max: number): fc.Arbitrary<KnownField> {
  const value = fc.integer({ min, max });
  const step = fc.integer({ min: 2, max: 20 });
  const range = fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const span = max - min + 1;
  return fc.oneof(
    fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map((list) => ({ text: list.join(","), isAny: false, fits: (shown: number) => list.includes(shown) })),
    range.map(([a, b]) => ({ text: `${a}-${b}`, isAny: false, fits: (shown: number) => shown >= a && shown <= b })),
    fc.tuple(range, step).filter(([[a, b], by]) => by <= b - a + 1).map(([[a, b], by]) => ({ text: `${a}-${b}/${by}`, isAny: false, fits: (shown: number) => shown >= a && shown <= b && (shown - a) % by === 0 })),
    step.filter((by) => by <= span).map((by) => ({ text: `*/${by}`, isAny: false, fits: (shown: number) => (shown - min) % by === 0 })),
  );
}

function mostlyAny(rare: fc.Arbitrary<KnownField>, weight = 4): fc.Arbitrary<KnownField> {
  return fc.oneof({ arbitrary: fc.constant(star), weight }, { arbitrary: rare, weight: 1 });
}

const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const namedWeekdays = fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }).map((list) => ({ text: list.map((day) => weekdays[day]).join(","), isAny: false, fits: (shown: number) => list.includes(shown) }));
const atNight = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1 }).map((list) => ({ text: list.join(","), isAny: false, fits: (shown: number) => list.includes(shown) }));
/** Every second day as a step is a star to some and a list to others; lists are lists to all. */
const days = fc.uniqueArray(fc.integer({ min: 1, max: 31 }), { minLength: 1, maxLength: 20 }).map((list) => ({ text: list.join(","), isAny: false, fits: (shown: number) => list.includes(shown) }));

const knownPattern: fc.Arbitrary<KnownPattern> = fc
  .record({ minute: mostlyAny(field(0, 59), 1), hour: mostlyAny(fc.oneof(field(0, 23), atNight), 1), day: mostlyAny(days), month: fc.constant(star), weekday: mostlyAny(namedWeekdays) })
  .map(({ minute, hour, day, month, weekday }) => ({
    text: [minute, hour, day, month, weekday].map(({ text }) => text).join(" "),
    isEveryHour: Array.from({ length: 24 }, (_, value) => value).every((value) => hour.fits(value)),
    fits: (shown: Shown) => {
      const fitsDay = day.isAny || weekday.isAny ? day.fits(shown.day) && weekday.fits(shown.weekday) : day.fits(shown.day) || weekday.fits(shown.weekday);
      return minute.fits(shown.minute) && hour.fits(shown.hour) && fitsDay;
    },
  }));

function instantsOf(schedule: ScheduleTime, fromMs: number, toMs: number): readonly number[] {
  const found: number[] = [];
  for (let ms = nextAfter(schedule, fromMs); ms <= toMs; ms = nextAfter(schedule, ms)) {
    assert.ok(ms > (found.at(-1) ?? fromMs), "strictly increasing");
    found.push(ms);
  }
  return found;
}

test("around changes of clocks, the instants of a pattern are those that looking at every minute finds", () => {
  fc.assert(
    fc.property(knownPattern, placeAndTime, (pattern, { timeZone, instantMs }) => {
      const schedule = parseSchedule({ cron: pattern.text, timeZone });
      const toMs = instantMs + 36 * hourMs;
      assert.deepEqual(instantsOf(schedule, instantMs, toMs), dueByLooking(pattern, timeZone, { fromMs: instantMs, toMs }));
    }),
    { numRuns: 150 },
  );
});

test("the next instant is the same from every instant before it, so instances agree whenever they ask", () => {
  fc.assert(
    fc.property(knownPattern, placeAndTime, fc.double({ min: 0, max: 1, noNaN: true }), (pattern, { timeZone, instantMs }, part) => {
      const schedule = parseSchedule({ cron: pattern.text, timeZone });
      const nextMs = nextAfter(schedule, instantMs);
      const betweenMs = Math.floor(instantMs + part * (nextMs - 1 - instantMs));
      assert.equal(nextAfter(schedule, betweenMs), nextMs);
    }),
    { numRuns: 300 },
  );
});

test("seconds go the same way: all of a gap is one run, both passes are a stream", () => {
  const gapEnd = at("2026-03-29T01:00:00Z");
  const named = parseSchedule({ cron: "*/20 59 2 * * *", timeZone: "Europe/Berlin" });
  assert.deepEqual(instantsOf(named, gapEnd - dayMs / 2, gapEnd + dayMs / 2), [gapEnd]);
  const second = parseSchedule({ cron: "* * * * * *", timeZone: "Europe/Berlin" });
  for (const change of ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"]) {
    const found = instantsOf(second, at(change) - 5_000, at(change) + 5_000);
    assert.deepEqual(found, Array.from({ length: 10 }, (_, index) => at(change) - 4_000 + index * 1_000));
  }
});

test("the time zone of the machine has no part in it", () => {
  const before = process.env["TZ"];
  try {
    const specs: readonly ScheduleSpec[] = [{ cron: "30 2 * * *" }, { cron: "*/30 * * * *", timeZone: "Europe/Berlin" }, { cron: "0 */2 * * *", timeZone: "Asia/Kolkata" }, "6h"];
    const seen = ["UTC", "Australia/Sydney", "America/New_York"].map((zone) => {
      process.env["TZ"] = zone;
      return specs.flatMap((spec) => ["2025-10-04T12:00:00Z", "2026-04-04T12:00:00Z", "2026-03-08T04:00:00Z", "2026-11-01T03:00:00Z"].flatMap((from) => runsAfter(spec, from, 12)));
    });
    assert.deepEqual(seen[1], seen[0]);
    assert.deepEqual(seen[2], seen[0]);
  } finally {
    if (before === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before;
  }
});

test("an instant that is not a number, or beyond the calendar, is a bug of the caller", () => {
  const schedule = parseSchedule({ cron: "0 3 * * *" });
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, at("9999-12-31T23:59:00Z")]) assert.throws(() => nextAfter(schedule, ms), RangeError);
});

describe("what is due", () => {
  const daily = parseSchedule({ cron: "0 3 * * *" });
  const ask = (question: DueQuestion): unknown => {
    const { dueMs, missed, lastMs, nextMs } = dueInstants(daily, question);
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16);
    return { due: dueMs.map(day), missed, last: day(lastMs), next: day(nextMs) };
  };
  const lastMs = at("2026-05-01T03:00:00Z");

  test("is nothing before the next instant, and that instant from it on", () => {
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-02T02:59:59.999Z") }), { due: [], missed: 0, last: "2026-05-01T03:00", next: "2026-05-02T03:00" });
    for (const missed of ["once", "skip", "all"] as const) {
      assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-02T03:00:00Z"), missed }), { due: ["2026-05-02T03:00"], missed: 0, last: "2026-05-02T03:00", next: "2026-05-03T03:00" });
    }
  });

  test("is after a pause, by default, one run that is told how many others it stands for", () => {
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-05T12:00:00Z") }), { due: ["2026-05-05T03:00"], missed: 3, last: "2026-05-05T03:00", next: "2026-05-06T03:00" });
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-05T03:00:00Z") }), { due: ["2026-05-05T03:00"], missed: 3, last: "2026-05-05T03:00", next: "2026-05-06T03:00" });
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-05T02:59:59.999Z") }), { due: ["2026-05-04T03:00"], missed: 2, last: "2026-05-04T03:00", next: "2026-05-05T03:00" });
  });

  test("is after a pause, with skip, nothing until the next regular run", () => {
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-05T12:00:00Z"), missed: "skip" }), { due: [], missed: 4, last: "2026-05-05T03:00", next: "2026-05-06T03:00" });
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-05T03:01:00Z"), missed: "skip" }), { due: ["2026-05-05T03:00"], missed: 3, last: "2026-05-05T03:00", next: "2026-05-06T03:00" });
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-02T03:01:00.001Z"), missed: "skip" }), { due: [], missed: 1, last: "2026-05-02T03:00", next: "2026-05-03T03:00" });
    assert.deepEqual(ask({ lastMs, nowMs: at("2026-05-02T03:00:01Z"), missed: "skip", graceMs: 0 }), { due: [], missed: 1, last: "2026-05-02T03:00", next: "2026-05-03T03:00" });
  });

  test("is after a pause, with all, each run, oldest first, so many at a time", () => {
    const nowMs = at("2026-05-04T12:00:00Z");
    assert.deepEqual(ask({ lastMs, nowMs, missed: "all" }), { due: ["2026-05-02T03:00", "2026-05-03T03:00", "2026-05-04T03:00"], missed: 0, last: "2026-05-04T03:00", next: "2026-05-05T03:00" });
    assert.deepEqual(ask({ lastMs, nowMs, missed: "all", max: 2 }), { due: ["2026-05-02T03:00", "2026-05-03T03:00"], missed: 0, last: "2026-05-03T03:00", next: "2026-05-04T03:00" });
    assert.equal(dueInstants(parseSchedule("1s"), { lastMs, nowMs, missed: "all" }).dueMs.length, 100);
  });

  test("is nothing when the clock was put back, until it has passed the last run again", () => {
    for (const nowMs of [lastMs - 1, lastMs - 30 * dayMs, 0]) {
      assert.deepEqual(ask({ lastMs, nowMs, missed: "all" }), { due: [], missed: 0, last: "2026-05-01T03:00", next: "2026-05-02T03:00" });
    }
  });

  test("is counted up to a thousand missed runs, and found at once after years", () => {
    const second = parseSchedule({ cron: "* * * * * *", timeZone: "Europe/Berlin" });
    const nowMs = at("2029-01-01T00:00:00.500Z");
    assert.deepEqual(dueInstants(second, { lastMs, nowMs }), { dueMs: [nowMs - 500], missed: 1_000, lastMs: nowMs - 500, nextMs: nowMs + 500 });
    assert.deepEqual(dueInstants(parseSchedule("1s"), { lastMs, nowMs }), { dueMs: [nowMs - 500], missed: 1_000, lastMs: nowMs - 500, nextMs: nowMs + 500 });
  });

  test("at most a whole number from one at a time, or it is a bug of the caller", () => {
    for (const max of [0, -1, 1.5, Number.NaN]) assert.throws(() => dueInstants(daily, { lastMs, nowMs: lastMs, max }), RangeError);
  });

  const everySo = fc.integer({ min: 1, max: 7_200 }).map((seconds) => ({ schedule: parseSchedule(`${seconds}s`), timeZone: undefined }));
  const byPattern = fc.record({ pattern: knownPattern, place: placeAndTime }).map(({ pattern, place }) => ({ schedule: parseSchedule({ cron: pattern.text, timeZone: place.timeZone }), timeZone: place.timeZone }));
  const schedules = fc.oneof(everySo, byPattern).map(({ schedule }) => schedule);
  const clockJumps = fc.array(fc.integer({ min: -2 * hourMs, max: 6 * hourMs }), { minLength: 1, maxLength: 20 });

  test("with all, however the clock jumps: each instant once, in order, none left out", () => {
    fc.assert(
      fc.property(schedules, placeAndTime, clockJumps, fc.integer({ min: 1, max: 50 }), (schedule, { instantMs }, jumps, max) => {
        const ran: number[] = [];
        let nowMs = instantMs;
        let latestMs = instantMs;
        let lastMs = instantMs;
        for (const jumpMs of [...jumps, 0]) {
          nowMs += jumpMs;
          latestMs = Math.max(latestMs, nowMs);
          for (let isMore = true; isMore; ) {
            const due = dueInstants(schedule, { lastMs, nowMs, missed: "all", max });
            assert.ok(due.dueMs.length <= max && due.lastMs >= lastMs && due.nextMs > due.lastMs);
            ran.push(...due.dueMs);
            ({ lastMs } = due);
            isMore = due.nextMs <= nowMs;
          }
        }
        assert.deepEqual(ran, instantsOf(schedule, instantMs, latestMs).slice(0, ran.length));
        assert.ok(nextAfter(schedule, ran.at(-1) ?? instantMs) > latestMs);
      }),
      { numRuns: 150 },
    );
  });

  test("with once and with skip, however the clock jumps: runs and missed instants together are all there were", () => {
    fc.assert(
      fc.property(schedules, placeAndTime, clockJumps, fc.constantFrom("once" as const, "skip" as const), (schedule, { instantMs }, jumps, missed) => {
        let nowMs = instantMs;
        let latestMs = instantMs;
        let lastMs = instantMs;
        for (const jumpMs of jumps) {
          nowMs += jumpMs;
          const passed = instantsOf(schedule, lastMs, Math.max(latestMs, nowMs)).filter((ms) => ms <= nowMs);
          latestMs = Math.max(latestMs, nowMs);
          const due = dueInstants(schedule, { lastMs, nowMs, missed });
          assert.equal(Math.min(due.dueMs.length + due.missed, 1_000), Math.min(passed.length, 1_000));
          assert.deepEqual(due.dueMs, passed.slice(passed.length - due.dueMs.length));
          assert.equal(due.lastMs, passed.at(-1) ?? lastMs);
          assert.equal(due.nextMs, nextAfter(schedule, due.lastMs));
          assert.ok(missed === "skip" || passed.length === 0 || due.dueMs.length === 1);
          ({ lastMs } = due);
        }
      }),
      { numRuns: 150 },
    );
  });
});

test("a schedule is described in words, and otherwise by its pattern", () => {
  const described = (spec: ScheduleSpec): string => describeSchedule(parseSchedule(spec));
  const berlin = { timeZone: "Europe/Berlin" };
  assert.deepEqual((["15m", "1m", "60s", "90s", "1h", "1d", "1.5s"] as const).map(described), [
    "every 15 minutes", "every minute", "every minute", "every 90 seconds", "every hour", "every day", "every 1500 milliseconds",
  ]);
  assert.deepEqual(
    ["* * * * *", "*/15 * * * *", "0 * * * *", "5 * * * *", "0 3 * * *", "0 0 3 * * *", "30 9,17 * * mon-fri", "0 8 * * 1,4", "0 8 * * 7", "5 0 1 * *", "0 0 L * *"].map((cron) => described({ cron, ...berlin })),
    [
      "every minute", "every 15 minutes", "every hour, on the hour", "every hour, at minute 5", "every day at 03:00", "every day at 03:00",
      "Monday to Friday at 09:30 and 17:30", "every Monday and Thursday at 08:00", "every Sunday at 08:00", "on day 1 of every month at 00:05", "on the last day of every month at 00:00",
    ].map((words) => `${words} (Europe/Berlin)`),
  );
  for (const cron of ["*/7 * * * *", "*/15 2 * * *", "0 3 1 1 *", "0 3 13 * FRI", "30 0 3 * * *", "0 0 * * FRI#L", "*/5 * * * MON", "1-5 * * * *"]) {
    assert.equal(described({ cron }), `at the times of "${cron}" (UTC)`);
  }
});
