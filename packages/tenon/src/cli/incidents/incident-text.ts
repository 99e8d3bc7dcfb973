/** Incidents as people read them on a terminal, and as programs do. */
import type { Entry, Incident } from "../../incidents/index.ts";
import { alignColumns } from "../columns.ts";
import type { Terminal } from "../terminal.ts";

const colors = { open: "red", acknowledged: "yellow", mitigated: "green", closed: "dim" } as const;

export function stateText({ state }: Incident, terminal: Terminal): string {
  return terminal.style(colors[state], state);
}

/** `2026-11-24 13:02:10Z` */
export function instantText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

export interface Shown {
  readonly incident: Incident;
  readonly timeLine: readonly Entry[];
  readonly runbooks: readonly RunbookAtHand[];
}

/** A runbook for what an incident is about. */
export interface RunbookAtHand {
  readonly service: string;
  readonly name: string;
  readonly about: string;
  readonly steps: readonly { readonly name: string; readonly about: string }[];
}

export function incidentText({ incident, runbooks, timeLine }: Shown, terminal: Terminal): string {
  const { acknowledgedAtMs, acknowledgedBy, alerts, closedAtMs, mitigatedAtMs, onsetMs, openedAtMs, reach, samples, suspect } = incident;
  const head = (text: string): string => terminal.style("bold", text);
  const facts = [
    ["began", instantText(onsetMs)],
    ["opened", instantText(openedAtMs)],
    ...(acknowledgedAtMs === undefined ? [] : [["taken", `${instantText(acknowledgedAtMs)} by ${acknowledgedBy ?? "somebody"}`]]),
    ...(mitigatedAtMs === undefined ? [] : [["mitigated", instantText(mitigatedAtMs)]]),
    ...(closedAtMs === undefined ? [] : [["closed", instantText(closedAtMs)]]),
  ].map(([name = "", text = ""]) => [terminal.style("dim", name), text]);
  return [
    `${head(incident.title)}  ${incident.id}  ${incident.severity}, ${stateText(incident, terminal)}`,
    alignColumns(facts, "  "),
    head("alerts"),
    ...alerts.map(({ id, resolvedAtMs, summary }) => `  ${id}${resolvedAtMs === undefined ? "" : ` (over since ${instantText(resolvedAtMs)})`}: ${summary}`),
    head("suspect"),
    ...(suspect === undefined ? ["  nothing is known of what its operations need"] : [`  ${suspect.name}, confidence ${suspect.confidence}`, ...suspect.evidence.map((line) => `    ${line}`)]),
    ...(reach === undefined ? [] : [head("reach"), ...reachLines(reach)]),
    ...(samples === undefined ? [] : [head("traces"), ...[...samples.failed, ...samples.slow].map(({ code, ms, operation, traceId }) => `  ${traceId}  ${operation}  ${code}  ${ms} ms`)]),
    head("time line"),
    alignColumns(timeLine.map(({ actor, atMs, kind, text }) => [instantText(atMs), kind, `${text}${actor === "" ? "" : ` (${actor})`}`]), "  "),
    ...(runbooks.length === 0 ? [] : [head("runbooks"), ...runbooks.flatMap(runbookLines)]),
  ].join("\n");
}

function reachLines({ callers, objectives, operations, services }: NonNullable<Incident["reach"]>): readonly string[] {
  return [
    ...objectives.map(({ bad, target, total }) => `  ${target}: ${bad} of ${total} not as promised since it began`),
    ...operations.map(({ calls, failed, isSlow, operation }) => `  ${operation}: ${failed} of ${calls} calls failed${isSlow ? ", and calls take longer than usual" : ""}`),
    `  about ${callers} callers; services ${services.join(", ")}`,
  ];
}

export function runbookLines({ about, name, service, steps }: RunbookAtHand): readonly string[] {
  return [`  ${service}/${name}: ${about}`, alignColumns(steps.map((step) => [step.name, step.about]), "    ")];
}

export function incidentData(incident: Incident): object {
  const instant = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  const { acknowledgedAtMs, acknowledgedBy, alerts, app, closedAtMs, id, mitigatedAtMs, onsetMs, openedAtMs, reach, samples, service, severity, state, suspect, title } = incident;
  return {
    id, app, service, title, severity, state,
    onset: instant(onsetMs),
    opened: instant(openedAtMs),
    acknowledged: instant(acknowledgedAtMs),
    acknowledgedBy: acknowledgedBy ?? null,
    mitigated: instant(mitigatedAtMs),
    closed: instant(closedAtMs),
    alerts: alerts.map(({ firedAtMs, resolvedAtMs, ...alert }) => ({ ...alert, fired: instant(firedAtMs), resolved: instant(resolvedAtMs) })),
    suspect: suspect === undefined ? null : { ...suspect, since: instant(suspect.sinceMs) },
    reach: reach ?? null,
    samples: samples ?? null,
  };
}

export function entryData({ atMs, ...entry }: Entry): object {
  return { at: new Date(atMs).toISOString(), ...entry };
}
