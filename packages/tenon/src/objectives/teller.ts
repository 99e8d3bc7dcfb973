/**
 * Tells receivers, all at once, and remembers for each what it did not take: it is tried again at the next look, unless
 * there is newer news by then.
 */
import type { Log } from "../kernel/index.ts";
import type { AlertNotification, AlertReceiver } from "./ports.ts";

export interface TellerOptions {
  readonly receivers: readonly AlertReceiver[];
  readonly log: Log;
}

interface Told {
  owed: AlertNotification | undefined;
  lastMs: number;
  failures: number;
}

export class Teller {
  readonly #options: TellerOptions;
  readonly #told = new Map<AlertReceiver, Told>();

  constructor(options: TellerOptions) {
    this.#options = options;
    for (const receiver of options.receivers) this.#told.set(receiver, { owed: undefined, lastMs: 0, failures: 0 });
  }

  /** Notifications that a receiver did not take in spite of repeats, by its name. */
  get failures(): ReadonlyMap<string, number> {
    return new Map([...this.#told].map(([{ name }, { failures }]) => [name, failures]));
  }

  /** @returns Whether anybody took it; true where there is nobody to tell. */
  async tell(notification: AlertNotification): Promise<boolean> {
    const taken = await Promise.all([...this.#told.keys()].map((receiver) => this.#send(receiver, notification)));
    return taken.length === 0 || taken.includes(true);
  }

  /** Tries again what is owed, and reminds those that forget. */
  async remind(refresh: AlertNotification | undefined, nowMs: number): Promise<void> {
    await Promise.all(
      [...this.#told].map(async ([receiver, told]) => {
        if (told.owed !== undefined) await this.#send(receiver, told.owed);
        else if (refresh !== undefined && receiver.refreshMs !== undefined && nowMs - told.lastMs >= receiver.refreshMs) await this.#send(receiver, refresh);
      }),
    );
  }

  async #send(receiver: AlertReceiver, notification: AlertNotification): Promise<boolean> {
    const told = this.#told.get(receiver) as Told;
    try {
      await receiver.send(notification);
      told.owed = undefined;
      told.lastMs = notification.atMs;
      return true;
    } catch (error) {
      told.failures += 1;
      told.owed = notification.reason === "refresh" ? undefined : notification;
      this.#options.log.error("nobody could be told of an alert in this way", { receiver: receiver.name, service: notification.service, notification: notification.id, error });
      return false;
    }
  }
}
