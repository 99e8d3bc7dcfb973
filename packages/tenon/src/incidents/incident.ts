/**
 * The life of an incident.
 *
 *     a page fires ─► open ── somebody takes it ─► acknowledged
 *                      │ ▲                              │ ▲
 *                      ▼ │ one of its pages fires again  ▼ │
 *                     mitigated: none of its pages fires
 *                      │
 *                      └── somebody closes it, or it was quiet for long ─► closed
 *
 * Tickets do not keep it open: their windows are so long that they fire for hours after the trouble is over. Alerts that fire
 * while it is not closed, in the same service or connected with one of its alerts by calls, join it. What a
 * person does is an entry of the time line with their name; nothing is ever taken out of a time line.
 */
import type { Indicator, Severity } from "../objectives/index.ts";
import type { Reach } from "./reach.ts";
import type { Samples } from "./notable-calls.ts";
import type { Suspect } from "./suspect.ts";

export type IncidentState = "open" | "acknowledged" | "mitigated" | "closed";

export interface IncidentAlert {
  /** `orders.place/availability/page` */
  readonly id: string;
  readonly target: string;
  readonly service: string;
  /** The operation or the subscription. */
  readonly subject: string;
  readonly indicator: Indicator;
  readonly severity: Severity;
  readonly summary: string;
  /** Instants are in ms since 1970. */
  readonly firedAtMs: number;
  /** `undefined` while it fires. */
  readonly resolvedAtMs: number | undefined;
}

export interface Incident {
  /** 8 hexadecimal digits. */
  readonly id: string;
  readonly app: string;
  /** Of the alert that opened it. */
  readonly service: string;
  readonly title: string;
  /** The highest of its alerts. */
  readonly severity: Severity;
  readonly state: IncidentState;
  /** When the trouble began, as far as the counts show. */
  readonly onsetMs: number;
  readonly openedAtMs: number;
  readonly acknowledgedAtMs: number | undefined;
  /** Who took it. */
  readonly acknowledgedBy: string | undefined;
  readonly mitigatedAtMs: number | undefined;
  readonly closedAtMs: number | undefined;
  readonly alerts: readonly IncidentAlert[];
  /** Changes up to this instant are in its time line. */
  readonly changesUntilMs: number;
  readonly suspect: Suspect | undefined;
  readonly reach: Reach | undefined;
  readonly samples: Samples | undefined;
}

export type EntryKind = "release" | "migration" | "configuration" | "traffic" | "alert" | "suspect" | "reach" | "state" | "step";

/** One entry of a time line. */
export interface Entry {
  /** In ms since 1970. */
  readonly atMs: number;
  readonly kind: EntryKind;
  readonly text: string;
  /** The person who did it; empty for the platform. */
  readonly actor: string;
  /** More, for programs. */
  readonly data?: unknown;
}

/** What becomes of an incident, and what is added to its time line. */
export interface IncidentEdit {
  readonly incident: Incident;
  readonly entries: readonly Entry[];
}

export interface Act {
  /** Who does it. */
  readonly actor: string;
  readonly atMs: number;
}

/** Somebody takes it. `undefined` where it is taken, or over. */
export function acknowledge(incident: Incident, { actor, atMs }: Act): IncidentEdit | undefined {
  if (incident.state === "closed" || incident.acknowledgedAtMs !== undefined) return undefined;
  const state = incident.state === "open" ? "acknowledged" : incident.state;
  return { incident: { ...incident, state, acknowledgedAtMs: atMs, acknowledgedBy: actor }, entries: [{ atMs, kind: "state", text: "acknowledged", actor }] };
}

/** @param actor  Empty: by the platform, since it was quiet. `undefined` where it is closed, or a page of it fires. */
export function close(incident: Incident, { actor, atMs }: Act, reason: string): IncidentEdit | undefined {
  if (incident.state === "closed" || incident.alerts.some(isPaging)) return undefined;
  // Tickets that fire on are no part of it any more.
  const alerts = incident.alerts.map((alert) => (isFiring(alert) ? { ...alert, resolvedAtMs: atMs } : alert));
  return { incident: { ...incident, alerts, state: "closed", closedAtMs: atMs }, entries: [{ atMs, kind: "state", text: `closed: ${reason}`, actor }] };
}

/** Whether it keeps its incident open. */
export function isPaging(alert: IncidentAlert): boolean {
  return alert.severity === "page" && isFiring(alert);
}

export function isFiring({ resolvedAtMs }: IncidentAlert): boolean {
  return resolvedAtMs === undefined;
}
