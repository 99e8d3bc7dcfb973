/**
 * Looks into an incident: when the trouble began, what is suspected, how far it reaches, what changed. Pure but for the memory of
 * calls, which it only reads.
 */
import type { Counts } from "../objectives/index.ts";
import { type Change, toEntry, trafficChange } from "./change.ts";
import { bucketMs, type GraphPast } from "./graph-history.ts";
import { type Entry, type Incident, type IncidentEdit, isFiring } from "./incident.ts";
import type { NotableMemory } from "./notable-calls.ts";
import { findOnset, type TimedCounts } from "./onset.ts";
import { type Reach, reachedOperations } from "./reach.ts";
import { findSuspect, nameOf, type Suspect } from "./suspect.ts";

/** What an instance knows. */
export interface Examination {
  readonly past: GraphPast;
  readonly memory: NotableMemory;
  /** What was counted for a target of a service that is watched here. */
  readonly row: (service: string, target: string, windowMs: number) => readonly TimedCounts[];
  /** Of a target for the lag of a subscription: how long its events may wait, and where the one waits that waits longest. */
  readonly lag: (service: string, target: string) => KnownLag | undefined;
  /** Since the incident's last look, or before it was opened. */
  readonly changes: readonly Change[];
  readonly nowMs: number;
}

/** What is known of a subscription that may be behind. */
export interface KnownLag {
  /** How long its events may wait, in ms. */
  readonly limitMs: number;
  readonly waitsIn: "outbox" | "inbox";
}

/** The time in which trouble is looked for at first, in ms: from buckets of 10 s. */
const nearMs = 3_600_000;
/** The time for trouble that is older, in ms: from buckets of a minute. */
const farMs = 6 * 3_600_000;
/** Changes told of one incident at once, the latest. */
const changesMax = 50;

/** The edit with what was found added to it. */
export function examine({ entries, incident }: IncidentEdit, seen: Examination): IncidentEdit {
  const { nowMs } = seen;
  const isNew = incident.changesUntilMs === 0;
  const onsetMs = isNew ? onsetOf(incident, seen) : incident.onsetMs;
  const suspect = suspectOf(incident, onsetMs, seen) ?? incident.suspect;
  const untilMs = incident.mitigatedAtMs ?? nowMs;
  const reach = reachOf(incident, { onsetMs, untilMs, suspect }, seen);
  const found: Entry[] = seen.changes.slice(-changesMax).map(toEntry);
  if (isNew) found.push(...trafficOf(incident, onsetMs, seen));
  if (suspect !== undefined && suspect.node !== incident.suspect?.node) found.push({ atMs: nowMs, kind: "suspect", text: `suspected: ${suspect.name} (confidence ${suspect.confidence}), since ${clockText(suspect.sinceMs)}`, actor: "", data: suspect });
  if (isNew || (incident.reach?.operations.length ?? 0) !== reach.operations.length || incident.mitigatedAtMs === nowMs) found.push({ atMs: nowMs, kind: "reach", text: reachText(reach), actor: "", data: reach });
  const samples = seen.memory.samples(reach.operations.map(({ operation }) => operation), onsetMs - bucketMs);
  const hasSamples = samples.failed.length + samples.slow.length > 0;
  return { incident: { ...incident, onsetMs, suspect, reach, samples: hasSamples ? samples : incident.samples, changesUntilMs: nowMs }, entries: [...entries, ...found] };
}

function onsetOf(incident: Incident, { lag, row }: Examination): number {
  const onsets = incident.alerts.map(({ firedAtMs, service, target }) => {
    // What waited too long by then began to wait before; it is looked once in a bucket, and the next look counts it.
    const known = lag(service, target);
    const waitedMs = known === undefined ? 0 : known.limitMs + 2 * bucketMs;
    const near = row(service, target, nearMs);
    const onset = findOnset(near);
    const isOlder = onset !== undefined && onset - (near[0]?.atMs ?? 0) < nearMs / 12;
    const far = isOlder ? row(service, target, farMs) : [];
    return ((far.length > 0 && (far[0]?.atMs ?? 0) < (near[0]?.atMs ?? 0) ? findOnset(far) : onset) ?? firedAtMs) - waitedMs;
  });
  return Math.min(...onsets);
}

const ranks = { high: 0, medium: 1, low: 2 } as const;

function suspectOf(incident: Incident, onsetMs: number, { lag, nowMs, past }: Examination): Suspect | undefined {
  const found = incident.alerts.filter(isFiring).flatMap(({ indicator, service, subject, target }) => findSuspect(past, { subject, symptom: symptoms[indicator], waitsIn: lag(service, target)?.waitsIn ?? "inbox", onsetMs, nowMs }) ?? []);
  return found.toSorted((a, b) => ranks[a.confidence] - ranks[b.confidence] || a.sinceMs - b.sinceMs || b.path.length - a.path.length || (a.node < b.node ? -1 : 1))[0];
}

const symptoms = { availability: "failing", latency: "slow", lag: "behind" } as const;

function reachOf(incident: Incident, { onsetMs, suspect, untilMs }: { readonly onsetMs: number; readonly untilMs: number; readonly suspect: Suspect | undefined }, { memory, nowMs, past, row }: Examination): Reach {
  const operations = reachedOperations(past, { subjects: incident.alerts.map(({ subject }) => subject), node: suspect?.node, onsetMs, nowMs: untilMs });
  const names = operations.map(({ operation }) => operation);
  const objectives = new Map(incident.alerts.map(({ service, target }) => [target, sumOf(row(service, target, Math.max(nearMs, nowMs - onsetMs)), onsetMs, untilMs)]));
  return {
    operations,
    services: [...new Set([...incident.alerts.map(({ service }) => service), ...names.map((name) => name.slice(0, name.indexOf(".")))])].toSorted(),
    objectives: [...objectives].map(([target, counts]) => ({ target, ...counts })),
    callers: memory.callers(names, onsetMs),
  };
}

function trafficOf(incident: Incident, onsetMs: number, { nowMs, row }: Examination): readonly Entry[] {
  const seen = new Set<string>();
  return incident.alerts.flatMap(({ indicator, service, subject, target }): readonly Entry[] => {
    if (indicator === "lag" || seen.has(subject)) return [];
    seen.add(subject);
    const lengthMs = Math.min(Math.max(nowMs - onsetMs, 60_000), nearMs / 2);
    const counts = row(service, target, nearMs);
    const text = trafficChange(subject, sumOf(counts, onsetMs - lengthMs, onsetMs - 1).total, sumOf(counts, onsetMs, onsetMs + lengthMs).total);
    return text === undefined ? [] : [{ atMs: onsetMs, kind: "traffic", text, actor: "" }];
  });
}

function sumOf(row: readonly TimedCounts[], fromMs: number, untilMs: number): Counts {
  const within = row.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
  return { bad: within.reduce((sum, { bad }) => sum + bad, 0), total: within.reduce((sum, { total }) => sum + total, 0) };
}

export function reachText({ callers, objectives, operations }: Reach): string {
  const counted = objectives.map(({ bad, target, total }) => `${target}: ${bad} of ${total}`);
  const reached = operations.map(({ failed, isSlow, operation }) => `${nameOf(operation)}${failed > 0 ? ` (${failed} failed)` : isSlow ? " (slow)" : ""}`);
  return [`reaches ${reached.length === 0 ? "no operation that is seen here" : reached.join(", ")}`, `about ${callers} callers`, ...(counted.length === 0 ? [] : [`not as promised: ${counted.join(", ")}`])].join("; ");
}

/** `13:02:10 UTC` */
export function clockText(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}
