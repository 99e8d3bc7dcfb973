/** Time and chance, handed in: a run with a virtual clock and a seeded source of chance is repeatable. */

export interface Timer {
  /** Does nothing when the timer has already run. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970, as the calendar has it. It may jump. */
  nowMs(): number;
  /** Milliseconds that only ever grow, with fractions; for measuring. */
  elapsedMs(): number;
  /** Runs `task` once, `delayMs` from now. A timer alone does not keep the process alive. */
  after(delayMs: number, task: () => void): Timer;
}

/** Uniform in [0, 1). */
export type Random = () => number;
