/**
 * What is removed of workflows when it was kept long enough: runs that have ended, and events that no run can want any
 * more. Never a run that is running, waiting or parked, however old.
 */
import type { Sweep } from "../data/index.ts";

/** A run takes its steps along. */
const portionMax = 200;

/** @param keepMs How long a run is kept after its end; an event that no run has taken as long after it came. */
export function runSweeps(keepMs: number): readonly Sweep[] {
  return [
    { text: "delete from tenon_runs where id = any(array(select id from tenon_runs where ended_at < now() - $1 * interval '1 ms' limit $2))", keepMs, portionMax },
    {
      // An event is for runs that were there when it came.
      text: `delete from tenon_mail where seq = any(array(
        select seq from tenon_mail as mail
        where received_at < now() - $1 * interval '1 ms' or not exists (
          select 1 from tenon_runs as runs where runs.workflow = mail.workflow and runs.state in ('running', 'parked') and runs.started_at <= mail.received_at
        )
        limit $2
      ))`,
      keepMs,
      portionMax,
    },
  ];
}
