/** Runs in words: their state, how long they took, what they wait for, and each step on a line of its own. */
import type { ListedRun, Run, Step } from "../../workflows/index.ts";
import { alignColumns } from "../columns.ts";
import type { Style, Terminal } from "../terminal.ts";

const styles: Readonly<Record<string, Style>> = { completed: "green", done: "green", failed: "red", parked: "red", canceled: "yellow", waiting: "yellow", retrying: "yellow", compensating: "yellow", registered: "dim" };

export function paintState(state: string, terminal: Terminal): string {
  const style = styles[state];
  return style === undefined ? state : terminal.style(style, state);
}

/** `running` is `waiting` while nothing but its waits is left to do. */
export function shownState({ state, waitsFor }: ListedRun): string {
  return state === "running" && waitsFor.length > 0 ? "waiting" : state;
}

/** `2.5s`, `3m 10s`, `4h 2m`, `2d 3h`. */
export function showLength(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, "")}s`;
  const units = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;
  const at = units.findIndex(([, unitMs]) => ms >= unitMs);
  const parts = units.slice(at, at + 2).map(([name, unitMs], i) => [name, Math.floor((i === 0 ? ms : ms % (units[at] as (typeof units)[number])[1]) / unitMs)] as const);
  return parts.filter(([, count], i) => i === 0 || count > 0).map(([name, count]) => `${count}${name}`).join(" ");
}

export function showInstant(text: string): string {
  return text.slice(0, 19).replace("T", " ");
}

export function lengthOf(run: Run, nowMs: number): string {
  return showLength((run.endedAt === null ? nowMs : Date.parse(run.endedAt)) - Date.parse(run.startedAt));
}

/** The steps of a run, one a line, in the order in which they were written down. */
export function timeline(run: Run, steps: readonly Step[], { nowMs, terminal }: { readonly terminal: Terminal; readonly nowMs: number }): string {
  const startMs = Date.parse(run.startedAt);
  const rows = steps.map((step) => [
    terminal.style("dim", `+${showLength(Date.parse(step.startedAt) - startMs)}`),
    step.name,
    terminal.style("dim", step.kind),
    paintState(step.state, terminal),
    step.endedAt === null ? "" : showLength(Date.parse(step.endedAt) - Date.parse(step.startedAt)),
    noteOf(step, nowMs, terminal),
  ]);
  return alignColumns([["AT", "STEP", "KIND", "STATE", "TOOK", ""].map((head) => terminal.style("bold", head)), ...rows], "  ");
}

function noteOf(step: Step, nowMs: number, terminal: Terminal): string {
  const notes: string[] = [];
  if (step.attempts > 1) notes.push(`${step.attempts} attempts`);
  if (step.kind === "version") notes.push(`version ${String(step.result)}`);
  if (step.kind === "until" && step.state === "done" && step.mail === null) notes.push("timed out");
  notes.push(...detailOf(step));
  if (step.dueAt !== null && step.state !== "done") notes.push(`${step.state === "retrying" ? "again" : "until"} ${showInstant(step.dueAt)} (${step.isDue ? "now" : `in ${showLength(Date.parse(step.dueAt) - nowMs)}`})`);
  if (step.failure !== null) notes.push(terminal.style("red", `${step.failure.reason ?? step.failure.name}: ${step.failure.message}`));
  return notes.join(", ");
}

function detailOf({ detail, state }: Step): readonly string[] {
  if (typeof detail !== "object" || detail === null) return [];
  const { event, for: length, key, question, run } = detail as Readonly<Record<string, unknown>>;
  if (typeof run === "string") return [run];
  if (typeof question === "string") return state === "waiting" ? [question] : [];
  if (typeof event === "string") return [typeof key === "string" ? `${event} of ${key}` : event];
  return typeof length === "string" ? [`for ${length}`] : [];
}
