/** How many tests passed, failed and were skipped, read from what `node --test` prints at its end. */
import { stripVTControlCharacters } from "node:util";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The counts at the end of a run of `node --test`, with its `spec` or its `tap` reporter. Zeros where it has none. */
export function readTally(output: string): Tally {
  const lines = stripVTControlCharacters(output).replaceAll("\r\n", "\n");
  function count(word: string): number {
    const found = [...lines.matchAll(new RegExp(`^(?:ℹ|#) ${word} (\\d+)$`, "gm"))].at(-1);
    return Number(found?.[1] ?? 0);
  }
  // A test that was cancelled did not pass, whatever the reason; one that is `todo` did not run to be judged.
  return { passed: count("pass"), failed: count("fail") + count("cancelled"), skipped: count("skipped") + count("todo") };
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const tally of tallies) {
    sum.passed += tally.passed;
    sum.failed += tally.failed;
    sum.skipped += tally.skipped;
  }
  return sum;
}

export function formatTally(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`;
}
