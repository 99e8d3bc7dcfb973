/** Deletes first answers whose time is over, a bounded number at a time, so that no long transaction blocks a command. */
import type { Database } from "../data/index.ts";
import type { Clock, Log, Part, Timer } from "../kernel/index.ts";

/** Answers are kept for hours: looking for expired ones once a minute is early enough. */
const everyMs = 60_000;

export interface AnswerSweeperOptions {
  readonly database: Database;
  /** Names. */
  readonly services: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

export class AnswerSweeper implements Part {
  readonly name = "answer sweeper";
  readonly #options: AnswerSweeperOptions;
  #timer: Timer | undefined = undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: AnswerSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(everyMs, () => {
      this.#running = this.#sweep().finally(() => {
        if (!this.#isStopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #sweep(): Promise<void> {
    const { clock, database, log, services } = this.#options;
    const { sweepAnswers } = await import("../data/index.ts");
    for (const service of services) {
      try {
        await sweepAnswers(database, { service, nowMs: clock.nowMs() });
      } catch (error) {
        // The next round tries again; commands do not depend on it.
        log.warn("expired answers could not be deleted", { service, error });
      }
    }
  }
}
