/** Silences: alerts that nobody wants to be told of until an instant. They go on firing, and are told of when it has come. */
import type { Alert } from "./alert.ts";

/** Every field that is there has to fit. `*` in a text stands for any letters, none included. */
export interface SilenceMatcher {
  /** An operation or a subscription: `orders.place`, `orders.*`. */
  readonly subject?: string;
  readonly indicator?: string;
  readonly severity?: string;
}

export interface Silence {
  /** Short enough to be typed: 8 hexadecimal digits. */
  readonly id: string;
  readonly matcher: SilenceMatcher;
  /** In ms since 1970. */
  readonly untilMs: number;
  /** Who asked for it, and why. */
  readonly reason: string;
}

export function isSilenced(alert: Alert, silences: readonly Silence[], nowMs: number): boolean {
  return silences.some(({ matcher, untilMs }) => untilMs > nowMs && matches(alert, matcher));
}

export function matches(alert: Pick<Alert, "subject" | "indicator" | "severity">, matcher: SilenceMatcher): boolean {
  return (["subject", "indicator", "severity"] as const).every((field) => {
    const pattern = matcher[field];
    return pattern === undefined || fits(alert[field], pattern);
  });
}

/** Part by part, so that no pattern makes it slow. */
function fits(text: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (!text.startsWith(first)) return false;
  const last = rest.pop();
  if (last === undefined) return text === first;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
