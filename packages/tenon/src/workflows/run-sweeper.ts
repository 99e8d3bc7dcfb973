/**
 * Removes runs that ended long enough ago, and events that no run can want any more. A bounded number at a time. It never
 * touches a run that is running, waiting or parked, however old.
 */
import type { Database } from "../data/index.ts";
import type { Clock, Log, Part, Timer } from "../kernel/index.ts";
import { withSession } from "../events/index.ts";

export interface RunSweeperOptions {
  readonly database: Database;
  /** Names of those with workflows. */
  readonly services: readonly string[];
  /** How long a run is kept after its end, in ms; an event that no run has taken as long after it came. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Kept for days: looking once in ten minutes is early enough. */
const everyMs = 600_000;
/** Rows removed in one statement: a run takes its steps along. */
const portionMax = 200;
const portionsMax = 500;

const statements: readonly string[] = [
  "delete from tenon_runs where id in (select id from tenon_runs where ended_at < now() - $1 * interval '1 ms' limit $2)",
  // An event is for runs that were there when it came.
  `delete from tenon_mail where seq in (
    select seq from tenon_mail as mail
    where received_at < now() - $1 * interval '1 ms' or not exists (
      select 1 from tenon_runs as runs where runs.workflow = mail.workflow and runs.state in ('running', 'parked') and runs.started_at <= mail.received_at
    )
    limit $2
  )`,
];

export class RunSweeper implements Part {
  readonly name = "run sweeper";
  readonly #options: RunSweeperOptions;
  #timer: Timer | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: RunSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.services.length === 0) return;
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
        for (const text of statements) await sweepBy(database, { service, text, keepMs });
      } catch (error) {
        log.warn("runs that were kept long enough could not be removed", { service, error });
      }
    }
  }
}

async function sweepBy(database: Database, { keepMs, service, text }: { readonly service: string; readonly text: string; readonly keepMs: number }): Promise<void> {
  for (let portion = 0; portion < portionsMax; portion++) {
    const { affected } = await withSession(database, { service, mode: "write" }, (session) => session.query(text, [keepMs, portionMax]));
    if (affected < portionMax) return;
  }
}
