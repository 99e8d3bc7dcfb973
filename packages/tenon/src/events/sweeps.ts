/**
 * What is removed of events when it was kept long enough: a service's history, and the marks of what came over a broker
 * or by a webhook, and dead letters that an operator discarded. Never a row of the outbox or inbox, nor a dead letter that
 * waits for somebody, so it cannot race with a delivery.
 */
import type { Sweep } from "../data/index.ts";

/**
 * How long the id of an event that came over a broker is remembered, in ms: two weeks, twice as long as a broker keeps
 * messages. A copy that comes later than that is delivered again.
 */
const receivedKeepMs = 14 * 86_400_000;
/** How long a webhook's delivery is remembered, in ms: two weeks. The senders in use try again for up to three days. */
const webhookKeepMs = 14 * 86_400_000;

/** How long a discarded dead letter is kept with its reason, in ms: a quarter of a year, for whoever asks what became of it. */
const discardedKeepMs = 90 * 86_400_000;

const portionMax = 5_000;

/** @param keepMs How long the history of events is kept for replays. */
export function eventSweeps(keepMs: number): readonly Sweep[] {
  return [
    {
      text: "delete from tenon_events where position = any(array(select position from tenon_events where time < now() - $1 * interval '1 ms' order by position limit $2))",
      keepMs,
      portionMax,
    },
    {
      text: "delete from tenon_webhooks where ctid = any(array(select ctid from tenon_webhooks where received_at < now() - $1 * interval '1 ms' limit $2))",
      keepMs: webhookKeepMs,
      portionMax,
    },
    {
      text: "delete from tenon_received where ctid = any(array(select ctid from tenon_received where received_at < now() - $1 * interval '1 ms' limit $2))",
      keepMs: receivedKeepMs,
      portionMax,
    },
    {
      text: `delete from tenon_dead_letters where seq = any(array(
        select seq from tenon_dead_letters where state = 'discarded' and settled_at < now() - $1 * interval '1 ms' limit $2
      ))`,
      keepMs: discardedKeepMs,
      portionMax,
    },
  ];
}
