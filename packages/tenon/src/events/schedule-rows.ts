/**
 * The schedules of one service, as SQL: a row for each, which says up to which instant it is dealt with, and which comes
 * next. All instants are the database's own, so that processes whose clocks differ agree.
 *
 * What is due is fired in one statement: the row moves on if it is as it was seen, and only then the runs stand in the
 * inbox. Of two who fire the same, the second one finds the row moved.
 */
import { type Database, quoteText, type Rows, runStatement } from "../data/index.ts";
import { laneExpression } from "./lanes.ts";
import { wakeChannel } from "./wakes.ts";

export interface ScheduleRow {
  readonly name: string;
  /** The schedule as its planner read it. */
  readonly plan: string;
  /** Whether the process that planned it is at work. */
  readonly isPlannerAlive: boolean;
  /** What is dealt with, in ms since 1970. */
  readonly lastMs: number;
  readonly nextMs: number;
  /** Its runs that are not done, where it is due; counted up to two. */
  readonly waiting: number;
}

export interface Look {
  /** The database's own time, in ms since 1970. */
  readonly nowMs: number;
  readonly rows: readonly ScheduleRow[];
}

/** What a schedule has come to. */
export interface Advance {
  readonly name: string;
  readonly plan: string;
  /** As it was seen; nothing is done when it is otherwise by now. */
  readonly seenMs: number;
  readonly lastMs: number;
  readonly nextMs: number;
}

export interface Run {
  readonly id: string;
  readonly dueMs: number;
  readonly missed: number;
}

export interface ScheduleRowsOptions {
  readonly database: Database;
  readonly service: string;
  /** Who plans: unique among processes. */
  readonly planner: string;
  /** The database's time, as SQL. Tests have a clock of their own. */
  readonly nowSql: string;
}

/** The name under which the runs of a schedule stand in the inbox. */
export function scheduleSubscription(name: string): string {
  return `every ${name}`;
}

const waitingMax = 2;

const waitingText = (condition: string): string =>
  `(select 1 from tenon_inbox where subscription = 'every ' || schedule.name and due_at is ${condition} limit ${waitingMax})`;

/** One row at least: what time it is is told also where there is no schedule. */
const lookText = (nowSql: string): string => `
  select schedule.name, schedule.plan, schedule.last_at, schedule.next_at, date_trunc('milliseconds', clock.now_at) as now_at,
    schedule.planner = $1 or exists (select from tenon_members where holder = schedule.planner and seen_until > now()) as is_planner_alive,
    case when schedule.next_at <= clock.now_at then
      (select count(*)::int from (${waitingText("null")} union all ${waitingText("not null")}) as waiting)
    else 0 end as waiting
  from (select ${nowSql} as now_at) as clock left join tenon_schedules as schedule on true`;

const planText = `
  insert into tenon_schedules as schedule (name, plan, planner, last_at, next_at) values ($1, $2, $3, $4, $5)
  on conflict (name) do update set plan = excluded.plan, planner = excluded.planner, last_at = excluded.last_at, next_at = excluded.next_at
  where schedule.plan = $6`;

const adoptText = "update tenon_schedules set planner = $3 where name = $1 and plan = $2";

/** Its runs go with it: nobody is left who could handle them. */
const removeText = `
  with gone as (delete from tenon_schedules where name = $1 and plan = $2 returning name)
  delete from tenon_inbox where subscription = 'every ' || $1 and exists (select from gone)`;

const fireText = `
  with won as (
    update tenon_schedules set last_at = $3, next_at = $4 where name = $1 and plan = $2 and last_at = $5 returning name
  ),
  runs as (
    insert into tenon_inbox (subscription, lane, id, source, type, version, key, time, data)
    select $6, ${laneExpression("won.name", "run.id")}, run.id, $7, $6, 1, won.name, run.time, run.data
    from won cross join json_to_recordset($8) as run (n integer, id uuid, "time" timestamptz, data json)
    order by run.n
    returning 1
  )
  select (select count(*)::int from won) as won, (select count(*)::int from runs) as runs`;

export class ScheduleRows {
  readonly #options: ScheduleRowsOptions;
  readonly #lookText: string;

  constructor(options: ScheduleRowsOptions) {
    this.#options = options;
    this.#lookText = lookText(options.nowSql);
  }

  async look(): Promise<Look> {
    const { rows } = await this.#run("read", this.#lookText, [this.#options.planner]);
    const nowMs = Date.parse(String(rows[0]?.["now_at"]));
    return { nowMs, rows: rows.filter(({ name }) => name !== null).map(toRow) };
  }

  /**
   * Plans a schedule anew.
   *
   * @param seen  The plan that it had; nothing is done when it has another by now.
   * @returns     Whether it was done here.
   */
  async plan({ lastMs, name, nextMs, plan }: Omit<Advance, "seenMs">, seen: string | undefined): Promise<boolean> {
    const parameters = [name, plan, this.#options.planner, new Date(lastMs), new Date(nextMs), seen ?? null];
    return (await this.#run("write", planText, parameters)).affected > 0;
  }

  /** Becomes the planner of a schedule whose planner is gone. */
  async adopt(name: string, plan: string): Promise<void> {
    await this.#run("write", adoptText, [name, plan, this.#options.planner]);
  }

  async remove({ name, plan }: Pick<ScheduleRow, "name" | "plan">): Promise<void> {
    await this.#run("write", removeText, [name, plan]);
  }

  /** @returns Whether it was done here: another process may have been first. */
  async fire({ lastMs, name, nextMs, plan, seenMs }: Advance, runs: readonly Run[]): Promise<boolean> {
    const { database, service } = this.#options;
    const subscription = scheduleSubscription(name);
    const records = runs.map(({ dueMs, id, missed }, n) => ({ n, id, time: new Date(dueMs).toISOString(), data: { missed } }));
    const told = database.sessions === "one" || runs.length === 0 ? "" : `, (select pg_notify('${wakeChannel}', ${quoteText(`inbox ${service}`)})::text from won)`;
    const parameters = [name, plan, new Date(lastMs), new Date(nextMs), new Date(seenMs), subscription, service, JSON.stringify(records)];
    const { rows } = await this.#run("write", `${fireText}${told}`, parameters);
    return rows[0]?.["won"] === 1;
  }

  #run(mode: "read" | "write", text: string, parameters: readonly unknown[]): Promise<Rows> {
    const { database, service } = this.#options;
    return runStatement(database, { service, mode, text, parameters });
  }
}

function toRow(row: Readonly<Record<string, unknown>>): ScheduleRow {
  return {
    name: row["name"] as string,
    plan: row["plan"] as string,
    isPlannerAlive: row["is_planner_alive"] as boolean,
    lastMs: Date.parse(String(row["last_at"])),
    nextMs: Date.parse(String(row["next_at"])),
    waiting: row["waiting"] as number,
  };
}
