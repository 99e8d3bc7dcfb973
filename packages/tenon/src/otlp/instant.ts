/** Instants as OTLP has them, whole nanoseconds since 1970 in 64 bits, out of milliseconds with fractions. */

/** Beyond is no instant that 64 bits of nanoseconds hold: some time in 2554. */
const maxMs = 18_446_744_073_709;

/** 2^32 × `high` + `low` nanoseconds. One object for all uses: a span has two instants, and neither should cost one. */
export interface Nanoseconds {
  high: number;
  low: number;
}

/**
 * Splits an instant into halves of 32 bits, without leaving the numbers that a double holds exactly. What is no instant
 * (negative, not a number, too far) becomes 0, which OTLP reads as unknown.
 */
export function toNanoseconds(ms: number, into: Nanoseconds): void {
  if (!(ms > 0 && ms < maxMs)) {
    into.high = 0;
    into.low = 0;
    return;
  }
  const wholeMs = Math.floor(ms);
  // Halves of 16 bits keep every product below 2^53. No `%` of doubles: it is a division in a loop.
  const upperMs = Math.floor(wholeMs / 65_536);
  const upper = upperMs * 1_000_000;
  const upperHigh = Math.floor(upper / 65_536);
  const low = (upper - upperHigh * 65_536) * 65_536 + (wholeMs - upperMs * 65_536) * 1_000_000 + Math.round((ms - wholeMs) * 1_000_000);
  const carried = Math.floor(low / 4_294_967_296);
  into.high = upperHigh + carried;
  into.low = low - carried * 4_294_967_296;
}

/** The same in digits, as OTLP's JSON wants 64 bits. */
export function toNanosecondsText(ms: number): string {
  if (!(ms > 0 && ms < maxMs)) return "0";
  const wholeMs = Math.floor(ms);
  const fraction = Math.round((ms - wholeMs) * 1_000_000);
  // A fraction that rounds up to a whole millisecond carries over.
  const carried = fraction === 1_000_000;
  return `${carried ? wholeMs + 1 : wholeMs}${String(carried ? 0 : fraction).padStart(6, "0")}`.replace(/^0+(?=\d)/, "");
}
