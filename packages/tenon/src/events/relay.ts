/**
 * Moves the events of one service out of its outbox as soon as they are committed: at once when told, and by itself every
 * `pollMs`. Every process of a service has one; they may run at the same time.
 */
import type { Clock, Log, Part, Timer } from "../kernel/index.ts";
import type { EventLog } from "./event-log.ts";
import { OutboxPlace } from "./outbox-place.ts";
import type { Wakes } from "./wakes.ts";

export interface RelayOptions {
  /** The service whose events it moves. */
  readonly service: string;
  readonly eventLog: EventLog;
  /** Who is to be woken when events have moved. */
  readonly subscribers: readonly string[];
  readonly wakes: Wakes;
  /** How often to look without being told, in ms. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Events moved at a time: enough for one statement to be cheap for each, few enough to be quick. */
const portionMax = 500;
/** How long to wait for another process that is at work on the same outbox, in ms. */
const contendedMs = 5;
/** After a failure: doubled each time, up to here, in ms. */
const failureWaitMaxMs = 5_000;
const failureWaitMs = 100;

export class Relay implements Part {
  readonly name: string;
  readonly #options: RelayOptions;
  #timer: Timer | undefined = undefined;
  #working: Promise<void> | undefined = undefined;
  #unwake: () => void = () => undefined;
  #isWanted = false;
  #isStopped = false;
  #failures = 0;

  constructor(options: RelayOptions) {
    this.name = `relay of ${options.service}`;
    this.#options = options;
  }

  start(): void {
    this.#unwake = this.#options.wakes.on(`outbox ${this.#options.service}`, () => this.#wake());
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unwake();
    this.#timer?.cancel();
    await this.#working;
  }

  /** Resolves when the outbox was empty once. */
  async settled(): Promise<void> {
    this.#wake();
    while (this.#working !== undefined && this.#failures === 0) await this.#working;
  }

  #wake(): void {
    this.#isWanted = true;
    if (this.#isStopped || this.#working !== undefined || this.#failures > 0) return;
    this.#work();
  }

  #work(): void {
    this.#timer?.cancel();
    this.#working = this.#moveAll().finally(() => {
      this.#working = undefined;
      if (!this.#isStopped) this.#timer = this.#options.clock.after(this.#waitMs(), () => this.#work());
    });
  }

  async #moveAll(): Promise<void> {
    const { eventLog, log, service, subscribers, wakes } = this.#options;
    try {
      do {
        this.#isWanted = false;
        const place = new OutboxPlace();
        for (;;) {
          const forwarded = await eventLog.forward(service, { after: place.after, max: portionMax });
          if (forwarded.moved > 0) for (const subscriber of subscribers) wakes.wake(`inbox ${subscriber}`);
          if (this.#isStopped) return;
          if (forwarded.isContended) await this.#pause();
          else if (forwarded.moved < portionMax) break;
          else place.note(forwarded);
        }
      } while (this.#isWanted);
      if (this.#failures > 0) log.info("events are sent again", { service, to: eventLog.label });
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      log.warn("events could not be sent; they wait in the outbox", { service, to: eventLog.label, failures: this.#failures, error });
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(contendedMs, resolve));
  }

  #waitMs(): number {
    if (this.#failures === 0) return this.#options.pollMs;
    return Math.min(failureWaitMaxMs, failureWaitMs * 2 ** (this.#failures - 1));
  }
}
