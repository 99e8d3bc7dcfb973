/**
 * Rounds: every subject has its turn in each, in an order that moves on by one, so that a slow minute of the machine or
 * a place in the line falls on all alike. Round 0 warms the machine and is not counted.
 */
import type { Figure } from "./ratio.ts";

export interface RoundsOptions<S, F extends Figure> {
  readonly subjects: readonly S[];
  /** Counted rounds. */
  readonly rounds: number;
  readonly signal: AbortSignal;
  measure(subject: S, round: number): Promise<F>;
  /** Called after each turn, round 0 included. */
  onFigure(figure: F): void;
}

/** The figures of the counted rounds. @throws the reason of `signal` once it is aborted. */
export async function runRounds<S, F extends Figure>(options: RoundsOptions<S, F>): Promise<readonly F[]> {
  const { subjects, rounds, signal } = options;
  const counted: F[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      signal.throwIfAborted();
      const figure = await options.measure(subjects[(turn + round) % subjects.length] as S, round);
      options.onFigure(figure);
      if (round > 0) counted.push(figure);
    }
  }
  return counted;
}
