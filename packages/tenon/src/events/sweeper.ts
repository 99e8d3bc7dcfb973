/**
 * Removes what was kept long enough: the history of a service's events, and the marks of what came over a broker or by
 * a webhook. A bounded number at a time. It never touches the outbox, the inbox or a dead letter, so it cannot race with a delivery.
 */
import type { Database } from "../data/index.ts";
import type { Clock, Log, Part, Timer } from "../kernel/index.ts";
import { runStatement } from "./admin-session.ts";

export interface EventSweeperOptions {
  readonly database: Database;
  /** Names. */
  readonly services: readonly string[];
  /** How long the history of events is kept for replays, in ms. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Kept for days: looking once in ten minutes is early enough. */
const everyMs = 600_000;
/** Rows removed in one statement, and statements in one round. */
const portionMax = 5_000;
const portionsMax = 200;
/**
 * How long the id of an event that came over a broker is remembered, in ms: two weeks, twice as long as a broker keeps
 * messages. A copy that comes later than that is delivered again.
 */
const receivedKeepMs = 14 * 86_400_000;

/** How long a webhook's delivery is remembered, in ms: two weeks. The senders in use try again for up to three days. */
const webhookKeepMs = 14 * 86_400_000;

const statements = (keepMs: number): readonly { readonly text: string; readonly keepMs: number }[] => [
  {
    text: "delete from tenon_events where position = any(array(select position from tenon_events where time < now() - $1 * interval '1 ms' order by position limit $2))",
    keepMs,
  },
  {
    text: "delete from tenon_webhooks where (webhook, id) in (select webhook, id from tenon_webhooks where received_at < now() - $1 * interval '1 ms' limit $2)",
    keepMs: webhookKeepMs,
  },
  {
    text: "delete from tenon_received where (id, subscription) in (select id, subscription from tenon_received where received_at < now() - $1 * interval '1 ms' limit $2)",
    keepMs: receivedKeepMs,
  },
];

export class EventSweeper implements Part {
  readonly name = "event sweeper";
  readonly #options: EventSweeperOptions;
  #timer: Timer | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: EventSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(everyMs, () => {
      this.#running = this.sweep().finally(() => {
        if (!this.#isStopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** One round. What is left waits for the next. */
  async sweep(): Promise<void> {
    const { database, keepMs, log, services } = this.#options;
    for (const service of services) {
      try {
        for (const statement of statements(keepMs)) await sweepBy(database, { ...statement, service });
      } catch (error) {
        log.warn("events that were kept long enough could not be removed", { service, error });
      }
    }
  }
}

async function sweepBy(database: Database, { keepMs, service, text }: { readonly text: string; readonly keepMs: number; readonly service: string }): Promise<void> {
  for (let portion = 0; portion < portionsMax; portion++) {
    const { affected } = await runStatement(database, { service, mode: "write", text, parameters: [keepMs, portionMax] });
    if (affected < portionMax) return;
  }
}
