/**
 * A queue on one table that is right, or wrong in one way (`EVENT_FAULT`): it forgets a row, handles an event twice, or
 * keeps an event that was handled. Each event waits for `EVENT_DELAY_MS` before it is handled.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Pool } from "pg";
import { runEventProcess } from "../../subjects/events/event-process.ts";
import { type BenchEvent, type EventSubject, type EventWork, handledTable, insertHandled } from "../../subjects/events/event-subject.ts";

const fault = process.env["EVENT_FAULT"];
const delayMs = Number(process.env["EVENT_DELAY_MS"] ?? 0);
/** The event at which a faulty queue goes wrong. */
const unlucky = 42;

async function openFaulty(databaseUrl: string): Promise<EventSubject> {
  const pool = new Pool({ connectionString: databaseUrl, max: 2 });
  const enqueue = async (events: readonly BenchEvent[]): Promise<void> => {
    await pool.query("insert into events (number) select unnest($1::integer[])", [events.map(({ number }) => number)]);
  };
  return {
    async prepare() {
      await pool.query(`create table events (number integer primary key); ${handledTable}`);
    },
    enqueueMany: enqueue,
    enqueueOne: (event) => enqueue([event]),
    async work(work) {
      void handleAll(pool, work);
    },
  };
}

async function handleAll(pool: Pool, work: EventWork): Promise<void> {
  const kept = new Set<number>();
  for (;;) {
    const { rows } = await pool.query<{ readonly number: number }>("select number from events order by number limit 50");
    const waiting = rows.filter(({ number }) => !kept.has(number));
    if (waiting.length === 0 || delayMs > 0) await pause(Math.max(1, delayMs));
    for (const { number } of waiting) {
      await handle(pool, work, number);
      if (fault === "keeps" && number === unlucky) kept.add(number);
      else await pool.query("delete from events where number = $1", [number]);
    }
  }
}

async function handle(pool: Pool, { handler, onHandled }: EventWork, number: number): Promise<void> {
  const isUnlucky = number === unlucky;
  if (handler === "row" && !(fault === "forgets" && isUnlucky)) await pool.query(insertHandled, [number]);
  onHandled(number);
  if (fault === "repeats" && isUnlucky) onHandled(number);
}

runEventProcess(openFaulty);
