/** When to kill: most of the time in the middle of work, and sometimes in a start or a recovery. */
import { setTimeout as pause } from "node:timers/promises";

/** Part of the kills that do not wait for anything to have been done. */
const hastyShare = 0.2;
/** How long the others wait for a first acknowledgment, in ms. */
const firstWorkMs = 15_000;
const lookEveryMs = 25;

export interface LetWorkOptions {
  /** So far, by all clients. */
  readonly acknowledged: () => number;
  /** How long to let it work from then on, at most, drawn uniformly, in ms. */
  readonly lifeMaxMs: number;
  readonly random: () => number;
}

/** Resolves when it is time for the next kill. */
export async function letWork({ acknowledged, lifeMaxMs, random }: LetWorkOptions): Promise<void> {
  const before = acknowledged();
  if (random() >= hastyShare) {
    for (let waitedMs = 0; acknowledged() === before && waitedMs < firstWorkMs; waitedMs += lookEveryMs) await pause(lookEveryMs);
  }
  await pause(random() * lifeMaxMs);
}
