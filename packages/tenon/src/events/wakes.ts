/**
 * Tells whoever waits for work that there is some. Only a hint: who waits looks by itself from time to time as well, so
 * that a hint that was lost costs time and nothing else.
 */
import { type Database, quoteText } from "../data/index.ts";

/** What there is work for: the outbox of a service, its inbox, or its schedules. */
export type WakePlace = `outbox ${string}` | `inbox ${string}` | `schedules ${string}`;

export class Wakes {
  readonly #listeners = new Map<string, Set<() => void>>();
  #tell: ((place: WakePlace) => void) | undefined = undefined;

  /** Calls `listener` whenever there may be work. @returns What ends it. */
  on(place: WakePlace, listener: () => void): () => void {
    const listeners = this.#listeners.get(place) ?? new Set();
    this.#listeners.set(place, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** For those in this process. */
  wake(place: WakePlace): void {
    for (const listener of this.#listeners.get(place) ?? []) listener();
  }

  /** Everybody in this process: after a time in which hints of others may have been lost. */
  wakeAll(): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener();
  }

  /** For other processes too, where there is a way to tell them. */
  tell(place: WakePlace): void {
    this.wake(place);
    this.#tell?.(place);
  }

  /** How other processes are told. */
  tellBy(tell: (place: WakePlace) => void): void {
    this.#tell = tell;
  }
}

/** The name under which processes that share a database tell each other. */
export const wakeChannel = "tenon_wakes";

/** Tells whoever delivers, when the statement is committed. Nobody else can be told where there is one process. */
export function tellExpression(database: Database, place: WakePlace): string {
  return database.sessions === "one" ? "null" : `pg_notify('${wakeChannel}', ${quoteText(place)})`;
}
