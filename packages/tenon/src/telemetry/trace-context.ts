/**
 * W3C Trace Context, level 2: which span something goes on from, as text in a header, an event or a row.
 *
 * Strict, as the specification is: a `traceparent` that is malformed is as good as none, and takes the `tracestate` beside
 * it with it; a malformed `tracestate` is dropped alone. Nothing here throws.
 *
 * @see https://www.w3.org/TR/trace-context-2/
 */
import { parseTraceState } from "./trace-state.ts";

/** A span of somewhere else, or of before. */
export interface TraceContext {
  /** 32 hexadecimal digits, lower case, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, lower case, not all zero. */
  readonly spanId: string;
  /** {@link sampledFlag} and {@link randomFlag}; bits that are not known are 0. */
  readonly flags: number;
  /** What vendors keep beside it, checked; empty where there is nothing. */
  readonly state: string;
}

/** Whoever sent it may have recorded the trace. */
export const sampledFlag = 0x01;
/** The last 56 bits of the trace's identifier were drawn at random. */
export const randomFlag = 0x02;

/** Of version 00. Versions to come are read as far as this goes, behind it a hyphen and anything. */
const length = 55;
const form = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}(?:-|$)/;
const noTrace = "0".repeat(32);
const noSpan = "0".repeat(16);

/**
 * What the headers of a request, or the attributes of an event, go on from.
 *
 * @param parent  The value of `traceparent`. Several in one, joined by commas, are malformed.
 * @param state   The value of `tracestate`; several are one, joined by commas.
 * @returns `undefined` where there is nothing to go on from: a new trace begins.
 */
export function parseTraceContext(parent: string | undefined, state?: string): TraceContext | undefined {
  if (parent === undefined || parent.length < length || !form.test(parent)) return undefined;
  const version = parent.slice(0, 2);
  if (version === "ff" || (version === "00" && parent.length !== length)) return undefined;
  const traceId = parent.slice(3, 35);
  const spanId = parent.slice(36, 52);
  if (traceId === noTrace || spanId === noSpan) return undefined;
  const flags = Number.parseInt(parent.slice(53, length), 16) & (sampledFlag | randomFlag);
  return { traceId, spanId, flags, state: state === undefined ? "" : parseTraceState(state) };
}

/** The value of `traceparent`, of version 00. */
export function toTraceparent({ flags, spanId, traceId }: Pick<TraceContext, "traceId" | "spanId" | "flags">): string {
  return `00-${traceId}-${spanId}-0${flags & (sampledFlag | randomFlag)}`;
}

/** Both in one text, for a column of a table: `traceparent`, and behind a blank `tracestate` where there is one. */
export function toTraceText(context: TraceContext): string {
  return context.state === "" ? toTraceparent(context) : `${toTraceparent(context)} ${context.state}`;
}

/** Reads what {@link toTraceText} wrote. Before, the same columns held the identifier of a call: such a one is none. */
export function parseTraceText(text: string | null | undefined): TraceContext | undefined {
  if (text === null || text === undefined) return undefined;
  const blank = text.indexOf(" ");
  return blank === -1 ? parseTraceContext(text) : parseTraceContext(text.slice(0, blank), text.slice(blank + 1));
}
