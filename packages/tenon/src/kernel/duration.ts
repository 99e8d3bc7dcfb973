/** Lengths of time as people write them: `"250ms"`, `"2s"`, `"15m"`, `"1h"`, `"30d"`, `"7y"`. */

export type DurationUnit = "ms" | "s" | "m" | "h" | "d" | "y";

/** A positive number and its unit. A year is 365 days: retention, not astronomy. */
export type Duration = `${number}${DurationUnit}`;

const unitMs: Record<DurationUnit, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};

/**
 * Milliseconds of a duration, or `undefined` when the text is not one.
 *
 * @param text  A decimal number from 0 and a unit without a space between, such as `"1.5s"`.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|y)$/.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * unitMs[match[2] as DurationUnit]);
}

/** The shortest exact way to write so many milliseconds: 90 000 is `"90s"`, 120 000 is `"2m"`. */
export function formatDuration(ms: number): Duration {
  for (const unit of ["y", "d", "h", "m", "s"] as const) {
    if (ms >= unitMs[unit] && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`;
  }
  return `${ms}ms`;
}
