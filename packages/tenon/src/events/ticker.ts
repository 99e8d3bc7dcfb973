/**
 * Fires the schedules of one service: sleeps until the next one is due, by the database's clock, and puts its run into
 * the inbox. Every process has one; they may look at the same time, and each instant is fired once.
 *
 *     (new) ─► planned ─► due ─► fired: the row moves on and the run is in the inbox, in one statement ─► planned
 *                │
 *                ├─ another plan: planned anew, from now on
 *                └─ nobody has it any more ─► removed, with its runs
 *
 * It looks once a minute at the latest, so that a clock that was put forward, or a machine that slept, is noticed; that
 * is one statement. The clock of the machine only measures how long to sleep.
 *
 * While versions of an app run side by side, a plan belongs to the process that was started last, for as long as it
 * is at work; the others leave it alone.
 */
import type { Database } from "../data/index.ts";
import type { Clock, IdSource, Log, Part, Timer } from "../kernel/index.ts";
import { dueInstants, type MissedPolicy, nextAfter, type ScheduleTime } from "./schedule.ts";
import { describeSchedule } from "./schedule-description.ts";
import { type Look, type Run, type ScheduleRow, ScheduleRows, scheduleSubscription } from "./schedule-rows.ts";
import type { Wakes } from "./wakes.ts";

export { scheduleSubscription };

/** A schedule of a service. */
export interface Schedule {
  readonly name: string;
  readonly time: ScheduleTime;
  readonly missed: MissedPolicy;
}

export interface TickerOptions {
  readonly database: Database;
  readonly service: string;
  readonly schedules: readonly Schedule[];
  readonly wakes: Wakes;
  /** Unique among processes: the name under which it delivers. */
  readonly holder: string;
  readonly uuids: IdSource;
  readonly clock: Clock;
  readonly log: Log;
  /** The longest sleep, in ms. Default 60,000: see above. */
  readonly sleepMaxMs?: number;
  /** The database's time, as SQL. Default `clock_timestamp()`; a test has a clock of its own. */
  readonly nowSql?: string;
}

const sleepMaxDefaultMs = 60_000;
/** Behind an instant, in ms: timers may come early by the database's clock, and looking twice costs a statement. */
const sleepExtraMs = 1;
/** After a failure: doubled each time, up to here, in ms. */
const failureWaitMs = 500;
const failureWaitMaxMs = 10_000;
/** Of a schedule that stands for what was missed, one run at work and one behind it: a third would find nothing to do. */
const waitingMax = { once: 2, skip: 1, all: Number.POSITIVE_INFINITY } as const satisfies Record<MissedPolicy, number>;

export class Ticker implements Part {
  readonly name: string;
  readonly #options: TickerOptions;
  readonly #rows: ScheduleRows;
  readonly #schedules: ReadonlyMap<string, Schedule>;
  #timer: Timer | undefined = undefined;
  #working: Promise<void> | undefined = undefined;
  #unwake: () => void = () => undefined;
  #isWanted = false;
  #hasPlanned = false;
  #isStopped = false;
  #failures = 0;

  constructor(options: TickerOptions) {
    const { database, holder: planner, nowSql = "clock_timestamp()", schedules, service } = options;
    this.name = `ticker of ${service}`;
    this.#options = options;
    this.#rows = new ScheduleRows({ database, service, planner, nowSql });
    this.#schedules = new Map(schedules.map((schedule) => [schedule.name, schedule]));
  }

  start(): void {
    this.#unwake = this.#options.wakes.on(`schedules ${this.#options.service}`, () => this.#wake());
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unwake();
    this.#timer?.cancel();
    await this.#working;
  }

  /**
   * Plans what is not planned yet, and fires what is due.
   *
   * @returns How long there is nothing to do, in ms; `undefined` for ever.
   * @throws {Fault} `unavailable`
   */
  async look(): Promise<number | undefined> {
    for (;;) {
      const look = await this.#rows.look();
      const isPlanned = await this.#plan(look);
      this.#hasPlanned = true;
      const isFired = await this.#fire(look);
      if (!isPlanned && !isFired) return this.#sleepMs(look);
    }
  }

  #wake(): void {
    this.#isWanted = true;
    if (!this.#isStopped && this.#working === undefined) this.#work();
  }

  #work(): void {
    this.#timer?.cancel();
    this.#working = this.#lookOn().then((waitMs) => {
      this.#working = undefined;
      if (this.#isStopped) return;
      if (this.#isWanted) this.#work(); // woken in the very turn in which it ended
      else if (waitMs !== undefined) this.#timer = this.#options.clock.after(waitMs, () => this.#work());
    });
  }

  async #lookOn(): Promise<number | undefined> {
    const { log, service } = this.#options;
    try {
      for (;;) {
        this.#isWanted = false;
        const waitMs = await this.look();
        this.#failures = 0;
        if (!this.#isWanted || this.#isStopped) return waitMs;
      }
    } catch (error) {
      log.warn("schedules could not be looked at; what is due meanwhile is caught up with", { service, error });
      return Math.min(failureWaitMaxMs, failureWaitMs * 2 ** this.#failures++);
    }
  }

  /** @returns Whether anything was planned, adopted or removed: the rows are to be read again. */
  async #plan({ nowMs, rows }: Look): Promise<boolean> {
    const byName = new Map(rows.map((row) => [row.name, row]));
    let isChanged = false;
    for (const schedule of this.#schedules.values()) {
      if (await this.#planOne(schedule, byName.get(schedule.name), nowMs)) isChanged = true;
    }
    for (const row of rows) {
      if (this.#schedules.has(row.name) || row.isPlannerAlive) continue;
      await this.#rows.remove(row);
      this.#options.log.info("a schedule is no more, and was removed with the runs that waited", { service: this.#options.service, schedule: row.name });
      isChanged = true;
    }
    return isChanged;
  }

  async #planOne({ name, time }: Schedule, row: ScheduleRow | undefined, nowMs: number): Promise<boolean> {
    const { log, service, wakes } = this.#options;
    const plan = planOf(time);
    if (row?.plan === plan) {
      if (row.isPlannerAlive) return false;
      await this.#rows.adopt(name, plan);
      return true;
    }
    // A process that was started after this one has planned it otherwise, and is at work.
    if (row?.isPlannerAlive === true && this.#hasPlanned) return false;
    const nextMs = nextAfter(time, nowMs);
    if (!(await this.#rows.plan({ name, plan, lastMs: nowMs, nextMs }, row?.plan))) return true; // another process was first
    const facts = { service, schedule: name, when: describeSchedule(time), next: new Date(nextMs).toISOString() };
    if (row === undefined) log.info("a schedule is new, and runs from now on", facts);
    else log.info("a schedule was changed, and is planned anew from now on", { ...facts, before: row.plan });
    wakes.tell(`schedules ${service}`);
    return true;
  }

  /** @returns Whether anything was due. */
  async #fire({ nowMs, rows }: Look): Promise<boolean> {
    let isFired = false;
    for (const row of rows) {
      if (!this.#isOwn(row) || row.nextMs > nowMs || this.#isStopped) continue;
      isFired = true;
      await this.#fireOne(this.#schedules.get(row.name) as Schedule, row, nowMs);
    }
    return isFired;
  }

  /** Whether a row is planned as it is known here. */
  #isOwn({ name, plan }: ScheduleRow): boolean {
    const schedule = this.#schedules.get(name);
    return schedule !== undefined && plan === planOf(schedule.time);
  }

  async #fireOne({ missed, name, time }: Schedule, row: ScheduleRow, nowMs: number): Promise<void> {
    const { log, service, uuids, wakes } = this.#options;
    const due = dueInstants(time, { lastMs: row.lastMs, nowMs, missed });
    const isCrowded = row.waiting >= waitingMax[missed];
    const runs: readonly Run[] = isCrowded ? [] : due.dueMs.map((dueMs) => ({ id: uuids(), dueMs, missed: due.missed }));
    // Of `once`, what has no room now is not dealt with: the next run stands for it.
    const lastMs = isCrowded && missed === "once" ? row.lastMs : due.lastMs;
    const isMine = await this.#rows.fire({ name, plan: row.plan, seenMs: row.lastMs, lastMs, nextMs: due.nextMs }, runs);
    if (!isMine) return;
    if (runs.length > 0) wakes.wake(`inbox ${service}`);
    if (isCrowded) log.warn("a schedule is due and its run before has not ended", { service, schedule: name, missed });
    else if (due.missed > 0 || runs.length > 1) log.info("a schedule catches up with what was missed", { service, schedule: name, missed: due.missed, runs: runs.length });
  }

  #sleepMs({ nowMs, rows }: Look): number | undefined {
    const { sleepMaxMs = sleepMaxDefaultMs } = this.#options;
    if (rows.length === 0) return undefined; // planned ones have rows: there is none here, and none to be removed
    const next = rows.filter((row) => this.#isOwn(row)).map(({ nextMs }) => nextMs - nowMs + sleepExtraMs);
    return Math.min(sleepMaxMs, ...next.map((ms) => Math.max(ms, sleepExtraMs)));
  }
}

/** Says the same for the same schedule only. */
function planOf(time: ScheduleTime): string {
  return time.kind === "every" ? `every ${time.everyMs} ms` : `cron ${time.pattern.text} in ${time.clock.timeZone}`;
}
