/** A service with schedules on a server, for tests: its clock is a row, and what was fired is what is in its inbox. */
import { type Database, migrate, toMigration } from "../../src/data/index.ts";
import { parseSchedule, type Schedule, type ScheduleSpec, Ticker, Wakes } from "../../src/events/index.ts";
import type { MissedPolicy } from "../../src/events/index.ts";
import { createUuidSource, type Log } from "../../src/kernel/index.ts";
import { openPostgres } from "../../src/postgres/index.ts";
import { clock } from "../data/shop.ts";
import { run, service, silent } from "./delivered-service.ts";

/** The time of the database, as the test has it. */
export const nowSql = "(select now_at from test_clock)";

export async function prepareClock(database: Database): Promise<void> {
  await migrate(database, [{ service, migrations: [toMigration("0001_clock.sql", "create table test_clock (now_at timestamptz not null); insert into test_clock values ('epoch')")] }]);
}

export async function clearSchedules(database: Database): Promise<void> {
  await run(database, "truncate tenon_inbox, tenon_schedules, tenon_members");
}

export async function setClock(database: Database, at: string | number): Promise<void> {
  await run(database, "update test_clock set now_at = $1", [new Date(at)]);
}

export function schedule(name: string, when: ScheduleSpec, missed: MissedPolicy = "once"): Schedule {
  return { name, time: parseSchedule(when), missed };
}

export interface TickerSetting {
  readonly holder?: string;
  readonly log?: Log;
  readonly sleepMaxMs?: number;
}

export function ticker(database: Database, schedules: readonly Schedule[], { holder = "a", log = silent, ...setting }: TickerSetting = {}): Ticker {
  return new Ticker({ database, service, schedules, wakes: new Wakes(), holder, uuids: createUuidSource(clock, Math.random), clock, log, nowSql, ...setting });
}

/** Says that a process is at work, as its deliveries would. */
export async function keepAlive(database: Database, holder: string): Promise<void> {
  await run(database, "insert into tenon_members (holder, seen_until) values ($1, 'infinity')", [holder]);
}

export async function die(database: Database, holder: string): Promise<void> {
  await run(database, "delete from tenon_members where holder = $1", [holder]);
}

/** An instance of its own, with its own connections. */
export async function openInstance(url: string): Promise<Database> {
  return openPostgres({ url, poolMax: 2 });
}

/** What was fired since this was last asked, as `name instant +missed`, in the order of the inbox. */
export async function fired(database: Database): Promise<readonly string[]> {
  const text = "with gone as (delete from tenon_inbox returning *) select seq, key, time, data from gone order by seq";
  return (await run(database, text)).map(({ data, key, time }) => {
    const { missed } = data as { readonly missed: number };
    return `${String(key)} ${new Date(String(time)).toISOString().replace(":00.000Z", "Z")}${missed === 0 ? "" : ` +${missed}`}`;
  });
}
