/**
 * From where an outbox with a backlog is read on. Reading each portion from the start would look over what the portions
 * before it have removed, thousands of dead rows; reading on behind the last event would be wrong: numbers are given out
 * before COMMIT, so an event with a smaller one may appear later, and the next of its key would overtake it.
 *
 * Whoever holds a number at or before the last event has begun its transaction before the portion was read. So when a
 * later portion is read at a time at which all of those are over, and reaches as far, everything up to that event has
 * gone. The reading goes on from there: one portion behind, as a rule, and from the start for as long as an old
 * transaction is open.
 */
import type { Forwarded } from "./event-log.ts";

export class OutboxPlace {
  #after = 0;
  #candidate: Forwarded | undefined = undefined;

  /** Nothing can appear at or before it any more. */
  get after(): number {
    return this.#after;
  }

  /** A portion that was read from `after` has moved. */
  note(portion: Forwarded): void {
    const candidate = this.#candidate;
    if (candidate !== undefined) {
      if (portion.oldestOpen <= candidate.transaction || portion.last < candidate.last) return;
      this.#after = candidate.last;
    }
    this.#candidate = portion;
  }
}
