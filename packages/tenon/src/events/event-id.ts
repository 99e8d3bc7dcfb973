/**
 * Identifiers of events as a person gives them: whole, or the beginning of one.
 *
 * Those that this platform makes are UUIDs of version 7, whose first 48 bits are the instant in ms (RFC 9562, section
 * 5.7). So a beginning says when, within a span, and the history is searched there and nowhere else.
 */

/** The ids that begin with some text. */
export interface IdRange {
  readonly first: string;
  readonly last: string;
  /** When the events were emitted whose ids are of version 7, in ms since 1970. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Fewer digits say a span of days, and any two events of a morning share them. */
export const idDigitsMin = 6;

const uuidDigits = 32;
/** Digits of the instant. */
const instantDigits = 12;
/**
 * An event's time and the instant in its id are taken one after the other, and a clock that is put back moves only the
 * one: looked this far around, in ms.
 */
const clockSlackMs = 300_000;

/** @returns `undefined` for what is no beginning of a UUID, or a shorter one than {@link idDigitsMin}. */
export function parseIdRange(text: string): IdRange | undefined {
  const digits = text.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{6,32}$/.test(digits) || !/^[0-9a-f-]+$/i.test(text)) return undefined;
  const first = digits.padEnd(uuidDigits, "0");
  const last = digits.padEnd(uuidDigits, "f");
  return {
    first: hyphened(first),
    last: hyphened(last),
    fromMs: Number.parseInt(first.slice(0, instantDigits), 16) - clockSlackMs,
    untilMs: Number.parseInt(last.slice(0, instantDigits), 16) + clockSlackMs,
  };
}

function hyphened(digits: string): string {
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-");
}
