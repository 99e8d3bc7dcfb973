/** Instants at which something is due, brought nearer: how time passes in tests. */
import { type Database, withSession } from "../data/index.ts";

/** How long until the next delivery or timer is due, in ms, rounded up; infinity when nothing is. */
export async function nextDueMs(database: Database, service: string): Promise<number> {
  const text = "select ceil(extract(epoch from min(due_at) - now()) * 1000)::float8 as ms from tenon_inbox where due_at is not null and due_at < 'infinity'";
  const { rows } = await withSession(database, { service, mode: "read" }, (session) => session.query(text, []));
  const ms = rows[0]?.["ms"];
  return typeof ms === "number" ? ms : Number.POSITIVE_INFINITY;
}

/** In one statement: a turn that comes before its step is due would find nothing to do, and the step no other turn. */
const shiftText = `
  with steps as (update tenon_steps set due_at = due_at - $1 * interval '1 ms' where due_at is not null and state in ('waiting', 'retrying'))
  update tenon_inbox set due_at = due_at - $1 * interval '1 ms' where due_at is not null and due_at < 'infinity'`;

/** Brings everything that is due later nearer by so much. */
export async function shiftDue(database: Database, service: string, ms: number): Promise<void> {
  await withSession(database, { service, mode: "write" }, (session) => session.query(shiftText, [ms]));
}
