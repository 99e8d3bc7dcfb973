/** `tracestate` of W3C Trace Context: what vendors keep beside a trace, passed on as it came, within limits. */
import { withoutBlanks } from "./blanks.ts";

/** Entries; section 3.3.1.1: with more, all of it is dropped. */
const entriesMax = 32;
/** What has to be passed on at least (section 3.3.1.5), and is here at most: it travels in every row and every event. */
const charsMax = 512;
/** Entries longer than this go first where not all fit (section 3.3.1.5). */
const longEntryChars = 128;

const keyForm = /^[a-z\d][a-z\d_\-*/@]{0,255}$/;
/** Printable ASCII without comma and equals sign; no blank at the end. */
const valueForm = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** @returns The entries in their order, without blanks around them; empty where any is malformed or stands there twice. */
export function parseTraceState(text: string): string {
  const entries: string[] = [];
  const keys = new Set<string>();
  for (const each of text.split(",")) {
    const entry = withoutBlanks(each);
    if (entry === "") continue; // empty ones are allowed
    const equals = entry.indexOf("=");
    const key = entry.slice(0, Math.max(0, equals));
    if (!keyForm.test(key) || !valueForm.test(entry.slice(equals + 1)) || keys.has(key)) return "";
    keys.add(key);
    entries.push(entry);
  }
  return entries.length > entriesMax ? "" : shortened(entries);
}

/** Whole entries only: long ones go first, then those at the end, which were written the longest ago. */
function shortened(entries: readonly string[]): string {
  const whole = entries.join(",");
  if (whole.length <= charsMax) return whole;
  const kept = entries.filter((entry) => entry.length <= longEntryChars);
  while (kept.join(",").length > charsMax) kept.pop();
  return kept.join(",");
}
