/**
 * Removes rows that were kept long enough: a portion per transaction, and the session given back in between, so that
 * nobody is held up. What is left after a round waits for the next.
 */
import type { Clock, Log, Part, Timer } from "../kernel/index.ts";
import { runStatement } from "./platform-session.ts";
import type { Database } from "./ports.ts";

/** Rows that go together. */
export interface Sweep {
  /**
   * A `delete` of a service's table. `$1`: how long rows are kept, in ms; `$2`: how many may go at once. It names them by
   * `= any(array(select …))`, so that its plan is the same for ten rows and for ten million, whatever the statistics say.
   */
  readonly text: string;
  readonly keepMs: number;
  /** Removed by one statement at most. */
  readonly portionMax: number;
}

export interface SweeperOptions {
  /** What is swept, in plural: for its name and for the log. */
  readonly what: string;
  readonly database: Database;
  /** Names. */
  readonly services: readonly string[];
  readonly sweeps: readonly Sweep[];
  /** Between two rounds, in ms. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Rows removed of one table of one service in one round. */
const roundMax = 1_000_000;

export class Sweeper implements Part {
  readonly name: string;
  readonly #options: SweeperOptions;
  #timer: Timer | undefined = undefined;
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: SweeperOptions) {
    this.name = `sweeper of ${options.what}`;
    this.#options = options;
  }

  start(): void {
    const { clock, everyMs, services } = this.#options;
    if (services.length === 0) return;
    this.#timer = clock.after(everyMs, () => {
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

  /**
   * One round. Never rejects: what could not be removed is told, and tried in the next one.
   *
   * @returns How many rows went.
   */
  async sweep(): Promise<number> {
    const { log, services, sweeps, what } = this.#options;
    let swept = 0;
    for (const service of services) {
      try {
        for (const each of sweeps) swept += await this.#sweepOne(service, each);
      } catch (error) {
        log.warn(`${what} that were kept long enough could not be removed`, { service, error });
      }
    }
    return swept;
  }

  async #sweepOne(service: string, { keepMs, portionMax, text }: Sweep): Promise<number> {
    const { database } = this.#options;
    let swept = 0;
    while (swept < roundMax && !this.#isStopped) {
      const { affected } = await runStatement(database, { service, mode: "write", text, parameters: [keepMs, portionMax] });
      swept += affected;
      if (affected < portionMax) break;
    }
    return swept;
  }
}
