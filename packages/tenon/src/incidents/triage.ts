/**
 * What becomes of incidents as alerts fire and end: a comparison of what fires with what is on record, and not a reaction to
 * each change. So an instance that died between an alert and its incident is made up for by the next look of another. Pure.
 */
import type { Alert } from "../objectives/index.ts";
import { close, type Entry, type Incident, type IncidentAlert, type IncidentEdit, isFiring, isPaging } from "./incident.ts";

export interface TriageInput {
  /** All that are not closed. */
  readonly incidents: readonly Incident[];
  /** Alerts of the services whose alerts are known here. */
  readonly alerts: readonly Alert[];
  /** Those services: what is not among their alerts does not fire. */
  readonly services: ReadonlySet<string>;
  readonly nowMs: number;
  /** How long an incident is quiet until it is closed, in ms; 0 leaves it to people. */
  readonly closeAfterMs: number;
  /** Whether two operations are connected by calls. */
  readonly areConnected: (a: string, b: string) => boolean;
  readonly app: string;
  readonly createId: () => string;
}

/** What is to be written, in order. An incident is in it once, as it is in the end. */
export function triage(input: TriageInput): readonly IncidentEdit[] {
  const edits = new Map<string, IncidentEdit>();
  const current = new Map(input.incidents.map((incident) => [incident.id, incident]));
  function edit(change: IncidentEdit): void {
    const { id } = change.incident;
    current.set(id, change.incident);
    edits.set(id, { incident: change.incident, entries: [...(edits.get(id)?.entries ?? []), ...change.entries] });
  }

  for (const incident of input.incidents) {
    const ended = endAlerts(incident, input);
    if (ended !== undefined) edit(ended);
    const closed = closeQuiet(ended?.incident ?? incident, input);
    if (closed !== undefined) edit(closed);
  }
  // Pages first: a ticket joins what its page has opened.
  const firing = input.alerts.filter(({ state }) => state === "firing").toSorted((a, b) => (a.severity === b.severity ? (a.id < b.id ? -1 : 1) : a.severity === "page" ? -1 : 1));
  for (const alert of firing) {
    const change = place(alert, [...current.values()].filter(({ state }) => state !== "closed"), input);
    if (change !== undefined) edit(change);
  }
  for (const incident of current.values()) {
    const settled = mitigate(incident, input.nowMs);
    if (settled !== undefined) edit(settled);
  }
  return [...edits.values()];
}

function endAlerts(incident: Incident, { alerts, nowMs, services }: TriageInput): IncidentEdit | undefined {
  const ended = incident.alerts.filter((alert) => isFiring(alert) && services.has(alert.service) && !alerts.some(({ id, state }) => id === alert.id && state === "firing"));
  if (ended.length === 0) return undefined;
  return {
    incident: { ...incident, alerts: incident.alerts.map((alert) => (ended.includes(alert) ? { ...alert, resolvedAtMs: nowMs } : alert)) },
    entries: ended.map(({ id }) => ({ atMs: nowMs, kind: "alert", text: `${id} is over`, actor: "" })),
  };
}

/** Where a firing alert belongs. */
function place(alert: Alert, incidents: readonly Incident[], input: TriageInput): IncidentEdit | undefined {
  const known = incidents.find(({ alerts }) => alerts.some(({ id }) => id === alert.id));
  if (known?.alerts.some((each) => each.id === alert.id && isFiring(each)) === true) return undefined;
  const related = known ?? incidents.find(({ alerts }) => alerts.some((each) => each.service === alert.service || input.areConnected(each.subject, alert.subject)));
  if (related !== undefined) return join(related, alert, input.nowMs);
  return alert.severity === "page" ? open(alert, input) : undefined;
}

function join(incident: Incident, alert: Alert, nowMs: number): IncidentEdit {
  const isAgain = incident.alerts.some(({ id }) => id === alert.id);
  const isReopened = incident.state === "mitigated" && alert.severity === "page";
  const state = isReopened ? (incident.acknowledgedAtMs === undefined ? "open" : "acknowledged") : incident.state;
  const reopened: readonly Entry[] = !isReopened ? [] : [{ atMs: nowMs, kind: "state", text: "opened again", actor: "" }];
  return {
    incident: {
      ...incident,
      state,
      mitigatedAtMs: isReopened ? undefined : incident.mitigatedAtMs,
      severity: alert.severity === "page" ? "page" : incident.severity,
      alerts: [...incident.alerts.filter(({ id }) => id !== alert.id), toIncidentAlert(alert, nowMs)],
    },
    entries: [{ atMs: alert.firedAtMs ?? nowMs, kind: "alert", text: `${alert.id} fires${isAgain ? " again" : ""}: ${alert.summary}`, actor: "" }, ...reopened],
  };
}

function open(alert: Alert, { app, createId, nowMs }: TriageInput): IncidentEdit {
  const atMs = alert.firedAtMs ?? nowMs;
  const incident: Incident = {
    id: createId(),
    app,
    service: alert.service,
    title: titleOf(alert),
    severity: alert.severity,
    state: "open",
    onsetMs: atMs,
    openedAtMs: nowMs,
    acknowledgedAtMs: undefined,
    acknowledgedBy: undefined,
    mitigatedAtMs: undefined,
    closedAtMs: undefined,
    alerts: [toIncidentAlert(alert, nowMs)],
    changesUntilMs: 0,
    suspect: undefined,
    reach: undefined,
    samples: undefined,
  };
  return { incident, entries: [{ atMs, kind: "alert", text: `${alert.id} fires: ${alert.summary}`, actor: "" }, { atMs: nowMs, kind: "state", text: "opened", actor: "" }] };
}

const troubles = { availability: "fails", latency: "is slow", lag: "is behind" } as const;

function titleOf({ indicator, subject }: Alert): string {
  return `${subject} ${troubles[indicator]}`;
}

function toIncidentAlert({ firedAtMs, id, indicator, service, severity, subject, summary, target }: Alert, nowMs: number): IncidentAlert {
  return { id, target, service, subject, indicator, severity, summary, firedAtMs: firedAtMs ?? nowMs, resolvedAtMs: undefined };
}

function mitigate(incident: Incident, nowMs: number): IncidentEdit | undefined {
  if (incident.state === "closed" || incident.state === "mitigated" || incident.alerts.some(isPaging)) return undefined;
  return { incident: { ...incident, state: "mitigated", mitigatedAtMs: nowMs }, entries: [{ atMs: nowMs, kind: "state", text: "mitigated: none of its pages fires any more", actor: "" }] };
}

/** Before alerts are placed: what fires a day later is another trouble. */
function closeQuiet(incident: Incident, { closeAfterMs, nowMs }: TriageInput): IncidentEdit | undefined {
  if (incident.state !== "mitigated" || closeAfterMs === 0 || nowMs - (incident.mitigatedAtMs ?? nowMs) < closeAfterMs) return undefined;
  return close(incident, { actor: "", atMs: nowMs }, `it was quiet for ${Math.round(closeAfterMs / 3_600_000)} h`);
}
