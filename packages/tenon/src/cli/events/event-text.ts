/** Events, counts and ages in words and in JSON. */
import type { BoundedCount, DeadLetter, EventRecord } from "../../events/index.ts";

/** `7`, `10,000+`. */
export function countText({ count, hasMore }: BoundedCount): string {
  return `${count.toLocaleString("en-US")}${hasMore ? "+" : ""}`;
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** `4 min`: one unit is enough to know what to do. */
export function ageText(ms: number): string {
  const [unit, size] = units.find(([, each]) => ms >= each) ?? (["ms", 1] as const);
  return `${Math.floor(ms / size)} ${unit}`;
}

/** An event for machines: members that are missing are null, so that each is always there. */
export function eventData({ data, id, key, source, time, trace, type, version }: EventRecord): Readonly<Record<string, unknown>> {
  return { id, type, source, version, key: key ?? null, time, trace: trace ?? null, data };
}

/** A dead letter for machines, under the name by which other commands take it. */
export function letterData(letter: DeadLetter): Readonly<Record<string, unknown>> {
  const { attempts, diedAt, error, event, reason, receivedAt, service, settledAt, state, subscription } = letter;
  return { letter: letterName(letter), service, subscription, state, attempts, error: error ?? null, receivedAt, diedAt, reason: reason ?? null, settledAt: settledAt ?? null, event: eventData(event) };
}

/** `orders/3`. */
export function letterName({ seq, service }: { readonly service: string; readonly seq: number }): string {
  return `${service}/${seq}`;
}

/** The first line of what a delivery failed with. */
export function errorLine(error: string | undefined): string {
  return error?.split("\n")[0] ?? "";
}

/** What JSON carries, as indented lines. */
export function jsonLines(value: unknown, indent: string): string {
  return JSON.stringify(value, undefined, 2).split("\n").map((line) => `${indent}${line}`).join("\n");
}
